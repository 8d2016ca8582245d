"""Which stages of a run are run, what it takes over from before it, and what it leaves."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import Project
from harness.evidence.hub import layout, seal
from harness.evidence.ledger.log import Ledger
from harness.records import MemberRecord, StageRecord
from harness.runner import workflow
from harness.runner.observer import Silent
from harness.runner.stages.child import Stop
from harness.verdict import Verdict
from tests.builders import hubs

GENERATE = ["{python}", "-I", "-c", "import sys; open(sys.argv[1], 'w').write('x')", "{output}"]
NO_TESTS: dict[str, Any] = {
    "id": "first",
    "kind": "pytest",
    "selectors": ["source"],
    "timeout_s": 30,
}


def with_data(
    root: Path, *stages: dict[str, Any], generate: list[str] | None = None
) -> Project:
    """Declare a suite of one dataset, generated unless given."""
    data = {"generate": generate or GENERATE, "inputs": ["source/*.py"]}
    declared = hubs.suite(*stages, datasets=["train"])
    return hubs.project(root, top={"datasets": {"train": data}}, tiny=declared)


def test_evidence_of_other_data_is_not_used_again(tmp_path: Path) -> None:
    """Of a given file, of another file, of generated data: by role and digest."""
    project = with_data(tmp_path / "project", hubs.command("a", "pass"))
    files = [tmp_path / name for name in ("one.npz", "same.npz", "other.npz")]
    for path, content in zip(files, ("1", "1", "2"), strict=True):
        path.write_text(content)
    hubs.run(project, datasets={"train": files[0]})

    def is_reused(**datasets: Path) -> bool:
        return hubs.run(project, if_stale=True, datasets=datasets).reused

    assert is_reused(train=files[1])
    assert not is_reused()
    assert is_reused()
    assert not is_reused(train=files[2])


def count_runs(root: Path) -> str:
    """Return a program that leaves a file."""
    return f"open({str(root / 'has-run')!r}, 'w')"


FIRSTS = [
    (hubs.command("first", "pass"), "passed", True),
    (hubs.command("first", "raise SystemExit(1)"), "failed", False),
    (NO_TESTS, "no-tests", False),
]


@pytest.mark.parametrize(("first", "outcome", "may_run"), FIRSTS)
def test_a_stage_runs_only_after_what_it_needs_has_passed(
    tmp_path: Path, first: dict[str, Any], outcome: str, *, may_run: bool
) -> None:
    """What failed or proved nothing is no ground to stand on; what needs nothing runs."""
    root = tmp_path / "project"
    later = hubs.command("later", count_runs(tmp_path), needs=["first"])
    project = hubs.project(root, tiny=hubs.suite(first, later, hubs.command("apart", "pass")))
    record = hubs.run(project).record
    stages = {stage.id: stage for stage in record.stages}
    assert stages["first"].outcome == outcome
    assert (tmp_path / "has-run").exists() is may_run
    assert stages["later"].outcome == ("passed" if may_run else "skipped")
    assert stages["apart"].outcome == "passed"


def test_no_stage_runs_without_its_data(tmp_path: Path) -> None:
    """A dataset that could not be generated is needed by every stage."""
    bad = ["{python}", "-I", "-c", "raise SystemExit(1)", "{output}"]
    stage = hubs.command("a", count_runs(tmp_path))
    record = hubs.run(with_data(tmp_path / "project", stage, generate=bad)).record
    assert not (tmp_path / "has-run").exists()
    assert [s.outcome for s in record.stages if s.id == "a"] == ["skipped"]
    assert record.verdict is not Verdict.GREEN


class Stopper(Silent):
    """Whoever asks to stop once the first stage is done."""

    def __init__(self, stop: Stop) -> None:
        """Take the wish to stop."""
        self.stop = stop

    def stage_finished(self, record: StageRecord) -> None:
        """Ask to stop."""
        if record.id == "first":
            self.stop.request(signal.SIGTERM)


def test_no_stage_begins_after_a_wish_to_stop(tmp_path: Path, stop: Stop) -> None:
    """The others are skipped, and what was run is sealed as open."""
    root = tmp_path / "project"
    stages = hubs.command("first", "pass"), hubs.command("later", count_runs(tmp_path))
    project = hubs.project(root, tiny=hubs.suite(*stages))
    outcome = hubs.run(project, stop=stop, observer=Stopper(stop))
    assert not (tmp_path / "has-run").exists()
    assert [stage.outcome for stage in outcome.record.stages] == ["passed", "skipped"]
    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.INCONCLUSIVE, 143)


@pytest.mark.parametrize(("value", "is_kept"), [("3", False), ("0", True)])
def test_the_working_folder_of_a_red_run_stays(
    tmp_path: Path, value: str, *, is_kept: bool
) -> None:
    """Its blocker says what to type there; of a green run nothing is left."""
    project = hubs.project(tmp_path)
    record = hubs.run(project, parameters={"value": value}).record
    assert layout.work(project.work, record.run_id).is_dir() is is_kept


def draw_none(_run: str, _indices: range, _stop: Stop) -> tuple[MemberRecord, ...]:
    """Make no further run."""
    return ()


RUNS: list[tuple[Callable[..., Any] | None, int | None, int]] = [
    (None, None, 1),
    (None, 3, 1),
    (draw_none, 3, 3),
    (draw_none, None, 1),
]


@pytest.mark.parametrize(("draw", "asked_for", "runs"), RUNS)
def test_a_verdict_says_on_how_many_runs_it_was_to_stand(
    tmp_path: Path, draw: Callable[..., Any] | None, asked_for: int | None, runs: int
) -> None:
    """Where they were not made it is not green."""
    record = hubs.run(hubs.project(tmp_path), draw=draw, runs=asked_for).record
    assert record.runs == runs
    assert (record.verdict is Verdict.GREEN) is (runs == 1)


def test_a_seal_that_was_cut_short_is_finished_by_the_next_command(tmp_path: Path) -> None:
    """A run killed between its name and the ledger needs no help."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    ledger = Ledger(project.work / layout.LEDGER)
    entries = ledger.entries()
    ledger.path.unlink()
    for entry in entries[:-1]:
        ledger.append(entry.kind, entry.subject, entry.body)
    assert entries[-1].kind == seal.KIND
    (project.hubs / f".sealing-{hub.name}.json").write_text(json.dumps(entries[-1].body))

    workflow.tidy(project)

    assert [(e.kind, e.body) for e in ledger.entries()] == [(e.kind, e.body) for e in entries]
    assert seal.intents(project.hubs) == ()
    workflow.tidy(project)
    assert len(ledger.entries()) == len(entries)
