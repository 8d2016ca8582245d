"""A run from declaration to sealed hub: what it leaves, and which verdict it earns."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ConfigError
from harness.evidence.hub import layout, plan
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.hub.store import HubStore, remove
from harness.records import HubRecord, StageRecord
from harness.verdict import Verdict
from tests.builders import hubs

# No declared input, so that evidence stays fresh when it changes.
FAIL_IF_TWO = "raise SystemExit(open('gain').read() == '2')"
GREEN_FILES = {
    "plan/plan.md",
    "plan/plan.json",
    "cli/make.log",
    "green/make.log",
    "analysis/make/out.json",
    "analysis/guards.json",
    "analysis/metrics.json",
    "hub.json",
    "manifest-sha256.txt",
    "artifact_inventory.txt",
}


def only_stage(
    root: Path, stage: dict[str, Any], **options: Any
) -> tuple[HubRecord, StageRecord]:
    record = hubs.run(hubs.project(root, tiny=hubs.suite(stage)), **options).record
    return record, record.stages[0]


def test_green_run_leaves_its_evidence(tmp_path: Path) -> None:
    """A run that keeps its promises is green, and its hub holds what the layout says."""
    outcome = hubs.run(hubs.project(tmp_path))

    files = {p.relative_to(outcome.hub).as_posix() for p in outcome.hub.rglob("*.*")}
    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.GREEN, 0)
    assert files == GREEN_FILES
    assert outcome.record.metrics == {"out:value": 3.0}
    assert outcome.hub == tmp_path / "hubs/tiny" / outcome.record.run_id
    assert layout.RUN_ID.fullmatch(outcome.record.run_id)


def test_nothing_is_left_beside_the_hub(tmp_path: Path) -> None:
    """After a green run there is no temporary hub, no working folder and no lock."""
    hubs.run(hubs.project(tmp_path))

    assert [p.name for p in (tmp_path / "hubs/tiny").iterdir() if p.name.startswith(".")] == []
    assert list((tmp_path / ".harness/work").iterdir()) == []


def test_failing_guard_is_red(tmp_path: Path) -> None:
    """Exit code 0 is not green: a guard that fails makes the run red, with a blocker."""
    outcome = hubs.run(hubs.project(tmp_path), parameters={"value": "0.5"})

    notes = list((outcome.hub / "red").glob("blocked_*_guard-floor.md"))
    assert (outcome.record.verdict, outcome.exit_code) == (Verdict.RED, 1)
    assert "floor" in outcome.record.reason
    assert len(notes) == 1
    assert "Make the value larger." in notes[0].read_text()


def test_warning_guard_does_not_decide(tmp_path: Path) -> None:
    """A guard that only warns is recorded red, and the run stays green."""
    suite = hubs.suite(guards=[{**hubs.FLOOR, "min": 5.0, "severity": "warn"}])

    record = hubs.run(hubs.project(tmp_path, tiny=suite)).record

    assert record.guards[0].verdict is Verdict.RED
    assert record.verdict is Verdict.GREEN


REASONS = [
    ("import sys; print('no good'); sys.exit(9)", "failed", "exit code 9: no good"),
    ("import os; os.kill(os.getpid(), 11)", "failed", "signal 11"),
    ("import time; time.sleep(60)", "timeout", "0.5 s"),
    ("pass", "failed", "artifact out (out.json) is missing"),
    ("import sys; open(sys.argv[1], 'w')", "failed", "artifact out (out.json) is empty"),
]


@pytest.mark.parametrize(("code", "outcome", "reason"), REASONS)
def test_red_stage_says_why(tmp_path: Path, code: str, outcome: str, reason: str) -> None:
    """A stage that fails, dies, hangs or breaks its promise is red with the reason."""
    stage = hubs.command("make", code, "{work}/out.json", artifacts=[hubs.OUT])

    record, made = only_stage(tmp_path, {**stage, "timeout_s": 0.5})

    assert (record.verdict, made.outcome) == (Verdict.RED, outcome)
    assert reason in made.reason
    assert (tmp_path / "hubs/tiny" / record.run_id / "red/make.log").exists()


def test_leftover_of_another_run_is_red(tmp_path: Path) -> None:
    """An artifact copied from an earlier run, time and all, does not pass for a new one."""
    (tmp_path / "old.json").write_text('{"value": 3.0}')
    os.utime(tmp_path / "old.json", (1_700_000_000, 1_700_000_000))
    code = "import shutil, sys; shutil.copy2('old.json', sys.argv[1])"

    _, made = only_stage(
        tmp_path, hubs.command("make", code, "{work}/out.json", artifacts=[hubs.OUT])
    )

    assert made.verdict is Verdict.RED
    assert "older" in made.reason


def test_dependent_stage_is_skipped(tmp_path: Path) -> None:
    """A stage whose need failed is not run and proves nothing; one without need is run."""
    stages = (
        hubs.command("first", "raise SystemExit(1)"),
        hubs.command("second", "pass", needs=["first"]),
        hubs.command("third", "pass"),
    )

    record = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(*stages))).record

    assert [s.outcome for s in record.stages] == ["failed", "skipped", "passed"]
    assert record.stages[1].verdict is Verdict.INCONCLUSIVE
    assert record.verdict is Verdict.RED


def test_no_machine_layout_in_a_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of a hub tells where on the machine the run was, or a secret."""
    monkeypatch.setenv("LAB_TOKEN", "open-sesame-1234")
    monkeypatch.setenv("HOME", "/home/tess")
    code = (
        "import os, sys, json; print(os.getcwd(), sys.argv[1], os.environ['HOME'],"
        "os.environ['LAB_TOKEN']);"
        "json.dump({'value': 3.0, 'where': sys.argv[1]}, open(sys.argv[1], 'w'))"
    )
    stage = hubs.command("make", code, "{work}/out.json", artifacts=[hubs.OUT])
    suite = hubs.suite(stage, environment=["LAB_TOKEN"])

    outcome = hubs.run(hubs.project(tmp_path / "here", tiny=suite))

    content = b"".join(p.read_bytes() for p in outcome.hub.rglob("*") if p.is_file())
    assert outcome.record.verdict is Verdict.GREEN
    for private in (str(tmp_path), "/home/tess", "open-sesame-1234"):
        assert private.encode() not in content
    assert b"<root>" in content


def test_artifact_outside_is_found_again(tmp_path: Path) -> None:
    """An external artifact is read from where it was kept, and only with its own bytes."""
    stage = hubs.writing()
    stage["artifacts"] = [{**hubs.OUT, "external": True}]
    suite = hubs.suite(stage, guards=[hubs.FLOOR])

    outcome = hubs.run(hubs.project(tmp_path, tiny=suite))

    external = tmp_path / outcome.record.artifacts[0].path
    assert outcome.record.verdict is Verdict.GREEN
    assert HubEvidence(outcome.hub).json("out") == {"value": 3.0}
    external.write_text('{"value": 4.0}')
    with pytest.raises(Exception, match="other bytes"):
        HubEvidence(outcome.hub).json("out")


def test_plan_is_frozen_and_readable(tmp_path: Path) -> None:
    """The plan holds the declaration, the expanded commands and the input digests."""
    outcome = hubs.run(hubs.project(tmp_path))

    made = plan.read_plan(outcome.hub)

    assert made.suite.guards[0].options == {"metric": "out:value", "min": 1.0}
    assert made.argv["make"][-1] == "3"
    assert set(made.inputs) == {"source/model.py"}
    assert made.inputs_sha256 == outcome.record.inputs_sha256


def test_part_of_a_suite_is_not_green(tmp_path: Path) -> None:
    """A run of some stages proves those only: it is inconclusive, exit 3."""
    stages = (hubs.command("first", "pass"), hubs.command("second", "pass"))
    project = hubs.project(tmp_path, tiny=hubs.suite(*stages))

    outcome = hubs.run(project, only=("second",))

    assert [s.outcome for s in outcome.record.stages] == ["skipped", "passed"]
    assert outcome.exit_code == 3


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"parameters": {"vlaue": "1"}}, "value"),
    ({"only": ("mkae",)}, "make"),
    ({"datasets": {"train": Path("x.npz")}}, "None is declared"),
]


@pytest.mark.parametrize(("options", "advice"), WRONG)
def test_wrong_request_leaves_nothing(
    tmp_path: Path, options: dict[str, Any], advice: str
) -> None:
    """An unknown parameter, stage or dataset is exit 2 with advice; no folder stays."""
    project = hubs.project(tmp_path)

    with pytest.raises(ConfigError) as caught:
        hubs.run(project, **options)

    assert advice in caught.value.remedy
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and "source" not in p.parts][1:]


def test_render_and_previous(tmp_path: Path) -> None:
    """What is rendered is given the record and the one before, and is sealed with the hub."""
    project = hubs.project(tmp_path)
    first = hubs.run(project).record

    def summary(_: Path, record: HubRecord, previous: HubRecord | None) -> str:
        return json.dumps([record.run_id, previous.run_id if previous else None])

    outcome = hubs.run(project, renderers={"summary.md": summary})

    assert json.loads((outcome.hub / "summary.md").read_text()) == [
        outcome.record.run_id,
        first.run_id,
    ]
    assert outcome.record.previous == first.run_id


def test_if_stale_runs_only_when_needed(tmp_path: Path) -> None:
    """Fresh green evidence is used again; after an edit of an input the suite is run."""
    project = hubs.project(tmp_path)
    first = hubs.run(project)

    again = hubs.run(project, if_stale=True)
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")
    edited = hubs.run(project, if_stale=True)

    assert (again.reused, again.hub) == (True, first.hub)
    assert not edited.reused
    assert edited.hub != first.hub


def test_red_evidence_is_not_used_again(tmp_path: Path) -> None:
    """A red run is run again however fresh it is."""
    project = hubs.project(tmp_path, tiny=hubs.suite(hubs.command("a", "raise SystemExit(1)")))
    hubs.run(project)

    assert not hubs.run(project, if_stale=True).reused


def write_more(hub: Path) -> None:
    """Change a sealed file, keeping its size and its mode."""
    path = hub / "analysis/make/out.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("3.0", "4.0"))
    path.chmod(0o444)


DAMAGES: list[Callable[[Path], object]] = [
    write_more,
    lambda hub: (hub / "green/make.log").unlink(),
    lambda hub: (hub / "green/more.log").write_text("x"),
    lambda hub: (hub / "green/make.log").chmod(0o777),
    lambda hub: (hub.parents[2] / ".harness/ledger.jsonl").unlink(),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_unproved_evidence_is_not_used_again(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """A hub that is not as it was sealed, or has no seal, decides nothing: the suite is run."""
    project = hubs.project(tmp_path)
    damage(hubs.run(project).hub)

    assert not hubs.run(project, if_stale=True).reused


def test_only_the_newest_run_is_used_again(tmp_path: Path) -> None:
    """Not a green one behind a red one, though the inputs are back; nor when that is gone."""
    project = hubs.project(tmp_path, tiny=hubs.suite(hubs.command("a", FAIL_IF_TWO)))
    (tmp_path / "gain").write_text("1")
    green = hubs.run(project).hub
    (tmp_path / "gain").write_text("2")
    red = hubs.run(project).hub
    (tmp_path / "gain").write_text("1")
    ledger, store = tmp_path / ".harness/ledger.jsonl", HubStore(project.hubs, project.work)
    before = ledger.read_bytes()

    remove(red)
    assert store.hubs("tiny") == [green]
    again = hubs.run(project, if_stale=True)
    assert not again.reused
    remove(again.hub)
    ledger.write_bytes(before)  # as if there had been the red run alone
    assert not hubs.run(project, if_stale=True).reused
    assert hubs.run(project, if_stale=True).reused


def test_a_green_run_behind_a_red_one_is_not_used_again(tmp_path: Path) -> None:
    """The newest decides, and it is red."""
    project = hubs.project(tmp_path, tiny=hubs.suite(hubs.command("a", FAIL_IF_TWO)))
    for gain in ("1", "2", "1"):
        (tmp_path / "gain").write_text(gain)
        again = hubs.run(project, if_stale=gain == "1")
        assert not again.reused


def test_other_parameters_are_other_evidence(tmp_path: Path) -> None:
    """What was green with one value says nothing of another."""
    project = hubs.project(tmp_path)
    hubs.run(project)

    assert not hubs.run(project, if_stale=True, parameters={"value": "2"}).reused


def test_runs_at_the_same_time(tmp_path: Path) -> None:
    """Two runs at once make two hubs, each whole."""
    project = hubs.project(tmp_path)
    outcomes = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(hubs.run(project))) for _ in range(2)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({outcome.hub for outcome in outcomes}) == 2
    assert all(outcome.record.verdict is Verdict.GREEN for outcome in outcomes)


def test_overhead_is_small(tmp_path: Path) -> None:
    """Twelve stages that do nothing cost the harness less than 30 ms each, all told."""
    stages = tuple(hubs.command(f"s{i}", "pass") for i in range(12))

    record = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(*stages))).record

    own = record.duration_s - sum(stage.duration_s for stage in record.stages)
    assert own < 12 * 0.030
