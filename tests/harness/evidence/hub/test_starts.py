"""What is logged before a run: a moved bound is later than the run, and no start is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main as program
from harness.config.project import Project
from harness.evidence.hub import inventory, layout, ledgers, seal, starts
from harness.evidence.hub.blockers import Register
from harness.evidence.hub.store import HubStore
from harness.evidence.ledger.log import Entry, Ledger
from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.judgement.verify.report import Outcome, Row
from harness.runner import workflow
from tests.builders import hubs, sealed

SEED = 20260102


def rows(project: Project, hub: Path, check: str = "start") -> list[Row]:
    """Verify an archive and return the rows of one check."""
    return [r for r in verify(project, hub, allow_stale=True).rows if r.check == check]


def rewrite(ledger: Ledger, entries: list[Entry]) -> None:
    """Write a ledger anew, chained, as who holds no pin against it can."""
    ledger.path.unlink()
    ledger.append_all([(e.kind, e.subject, e.body, e.time) for e in entries])


def test_plan_rules_and_golden_are_logged_before_the_first_stage(tmp_path: Path) -> None:
    """While the stage runs, the ledger already holds the digests that the hub shows later."""
    look = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    stage = hubs.command(
        "look",
        look,
        "{root}/.harness/ledger.jsonl",
        "{work}/seen.txt",
        artifacts=[{"id": "seen", "path": "seen.txt"}],
    )
    project = hubs.project(tmp_path, tiny=hubs.suite(stage))

    outcome = hubs.run(project)

    (line,) = (outcome.hub / "analysis/look/seen.txt").read_text().splitlines()
    logged = json.loads(line)
    record = outcome.record
    assert (logged["kind"], logged["subject"]) == ("start", f"tiny/{record.run_id}")
    plan_sha256 = inventory.read_manifest(outcome.hub)["plan/plan.json"]
    assert logged["body"] == {
        "suite": "tiny",
        "run_id": record.run_id,
        "commit": record.stamp.commit,
        "is_dirty": record.stamp.dirty,
        "plan_sha256": plan_sha256,
        "rules_sha256": record.config_sha256,
        "golden_sha256": record.golden_sha256,
    }
    assert rows(project, outcome.hub) == []
    (row,) = rows(project, outcome.hub, "ledger")
    assert row.outcome is Outcome.PASSED
    assert "logged before the first stage: entry 0" in row.found


def test_a_bound_that_moved_after_the_run_is_found(tmp_path: Path) -> None:
    """Plan, record, manifest and seal of the liar agree; what was logged before does not."""
    store = sealed.make(tmp_path / "small")
    plan = store.hub / layout.PLAN
    sealed.write(plan, plan.read_bytes().replace(b'"min": 0.5', b'"min": 0.1'))
    sealed.remanifest(store.hub)
    start, sealing = store.ledger.entries()
    sealing.body["manifest_sha256"] = seal.digest.sha256(store.hub / inventory.MANIFEST)
    rewrite(store.ledger, [start, sealing])

    (row,) = rows(store.project, store.hub)

    assert row.outcome is Outcome.DAMAGED
    assert row.found.startswith("plan ")
    assert row.expected.endswith("as logged before the run")


def damage_late(start: Entry, sealing: Entry) -> list[Entry]:
    """Log the start behind its seal."""
    return [sealing, start]


def damage_doubled(start: Entry, sealing: Entry) -> list[Entry]:
    """Log it twice, so that either may be shown."""
    return [start, start, sealing]


def damage_other(start: Entry, sealing: Entry) -> list[Entry]:
    """Log another golden than the one that was judged by."""
    start.body["golden_sha256"] = "0" * 64
    return [start, sealing]


def damage_time(start: Entry, sealing: Entry) -> list[Entry]:
    """Name in the seal what no ledger holds."""
    sealing.body[starts.KEY] = "0" * 64
    return [start, sealing]


@pytest.mark.parametrize("damage", [damage_late, damage_doubled, damage_other, damage_time])
def test_a_start_that_does_not_fit_its_seal_is_damage(damage: object, tmp_path: Path) -> None:
    """A start logged afterwards, twice, or of something else proves nothing."""
    store = sealed.make(tmp_path / "small")
    rewrite(store.ledger, damage(*store.ledger.entries()))  # type: ignore[operator]

    assert Outcome.DAMAGED in {row.outcome for row in rows(store.project, store.hub)}


def test_evidence_from_before_there_were_starts_verifies(tmp_path: Path) -> None:
    """An old ledger holds seals alone: no row of starts, and nothing is damaged."""
    store = sealed.make(tmp_path / "small")
    _, sealing = store.ledger.entries()
    del sealing.body[starts.KEY]
    rewrite(store.ledger, [sealing])

    report = verify(store.project, store.hub, allow_stale=True)

    assert report.exit_code == 0
    assert rows(store.project, store.hub) == []


def test_a_published_hub_carries_its_start(tmp_path: Path) -> None:
    """In a clone, whose local ledger is empty, the published one proves the order."""
    project = hubs.project(tmp_path)
    hubs.commit(tmp_path)
    hub = hubs.run(project).hub
    assert program.main(["-C", str(tmp_path), "publish", "tiny:latest"]) == 0
    (tmp_path / ".harness/ledger.jsonl").unlink()

    (row,) = rows(project, hub, "ledger")

    begun = "before the first stage: entry 0" in row.found
    assert (row.outcome, begun) == (Outcome.PASSED, True)


def die_in_a_stage(root: Path) -> None:
    """Begin a run in another process and kill it once its stage runs."""
    mark = root / "running"
    wait = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(60)"
    project = hubs.project(root, tiny=hubs.suite(hubs.command("wait", wait, str(mark))))
    hubs.kill_in_a_stage(project, mark)


def test_a_run_that_was_begun_and_never_sealed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the status, by the ledger, by the whole store, and by the next hub of its suite."""
    die_in_a_stage(tmp_path)
    ((name, _),) = [
        (run.run_id, run) for run in starts.list_unsealed(_logged(tmp_path), tmp_path)
    ]

    def said(*words: str) -> str:
        assert program.main(["-C", str(tmp_path), *words]) == 0
        return capsys.readouterr().out

    assert f"began   {name}" in said("status")
    assert f"tiny/{name} began" in said("ledger", "verify")
    assert "was interrupted" in said("status")
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    assert name not in said("status")  # it is older than the newest seal
    assert f"tiny/{name} began" in said("ledger", "verify")
    assert f"tiny/{name}" in said("verify", "--all", "--allow-stale")
    lines = rows(project, hub)
    assert [row.outcome for row in lines] == [Outcome.NOTE]
    assert f"tiny/{name}" in lines[0].found


def test_the_next_run_tells_of_a_lost_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine that went away proves nothing: inconclusive, no blocker, nothing left to do."""
    die_in_a_stage(tmp_path)
    (lost,) = starts.list_unsealed(_logged(tmp_path), tmp_path)
    hubs.project(tmp_path)

    assert program.main(["-C", str(tmp_path), "run", "tiny"]) == 0

    said = capsys.readouterr()
    (line,) = [one for one in (said.out + said.err).splitlines() if lost.run_id in one]
    assert "was interrupted" in line
    assert "inconclusive, without a blocker" in line
    assert Register(tmp_path / "hubs").entries() == ()
    assert not list((tmp_path / "hubs/tiny").glob(".*"))
    assert not [
        one for one in (tmp_path / ".harness/work").iterdir() if lost.run_id in one.name
    ]
    assert program.main(["-C", str(tmp_path), "run", "tiny"]) == 0
    assert lost.run_id not in capsys.readouterr().out  # it is told once


def _logged(root: Path) -> tuple[Entry, ...]:
    return ledgers.of_store(root / "hubs", root / ".harness").read_unsealed()


def test_a_run_under_way_is_told_as_running(tmp_path: Path) -> None:
    """Nobody reads a living run as one that was lost."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "from pathlib import Path; from harness.evidence.hub import ledgers, starts;"
        "root = Path(sys.argv[2]);"
        "logged = ledgers.of_store(root / 'hubs', root / '.harness').read_unsealed();"
        "print([run.is_running for run in starts.list_unsealed(logged, root / '.harness')])"
    )
    here = str(Path(__file__).parents[4])
    argv = ["{python}", "-c", code, here, "{root}"]
    stage = {"id": "ask", "kind": "command", "argv": argv, "timeout_s": 30}
    project = hubs.project(tmp_path, tiny=hubs.suite(stage))

    outcome = hubs.run(project)

    assert (outcome.hub / "green/ask.log").read_text().strip() == "[True]"
    assert _logged(tmp_path) == ()


@pytest.mark.parametrize(
    "kills", [6, pytest.param(200, marks=pytest.mark.long)], ids=lambda n: f"{n} kills"
)
def test_killed_between_start_and_seal_no_run_is_lost_or_doubled(
    kills: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each start that the ledger ever held is sealed once, or told as never sealed."""
    project = hubs.project(tmp_path)
    hubs.run(project)
    ledger = workflow.ledger_of(project)
    shortest = min(_measure_run(project) for _ in range(3))  # one may have been disturbed
    chance, killed = random.Random(SEED), 0  # noqa: S311 - repeatable, no secret
    for _ in range(kills):
        killed += _kill_one(project, ledger, chance.uniform(0, 0.4 * shortest))

    workflow.tidy(project)

    entries = ledger.entries()
    began_runs = Counter(e.subject for e in entries if e.kind == starts.KIND)
    ended = Counter(e.subject for e in entries if e.kind == seal.KIND)
    unsealed = {run.subject for run in starts.list_unsealed(_logged(tmp_path), project.work)}
    here = {f"tiny/{hub.name}" for hub in HubStore(project.hubs, project.work).folders("tiny")}
    record_property("tried", kills)
    record_property("kills", f"{killed} killed, {len(unsealed)} told, {len(ended)} sealed")
    assert len(began_runs) == kills + 4
    assert set(began_runs.values()) | set(ended.values()) == {1}
    assert unsealed == began_runs.keys() - ended.keys()
    assert here == set(ended)
    assert killed > kills // 2
    assert unsealed
    assert verify(load_project(tmp_path), max(project.hubs.glob("tiny/*"))).exit_code == 0


def _measure_run(project: Project) -> float:
    began = time.monotonic()
    hubs.run(project)
    return time.monotonic() - began


def _kill_one(project: Project, ledger: Ledger, after_s: float) -> bool:
    """Run, and kill some time after the start was logged; say whether it was still running."""
    before = _count_starts(ledger)
    pid = os.fork()
    if pid == 0:
        try:
            hubs.run(project)
        finally:
            os._exit(0)
    while _count_starts(ledger) == before:
        time.sleep(0.0005)
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def _count_starts(ledger: Ledger) -> int:
    """Count what is there of starts, however the end of the file stands."""
    return ledger.path.read_bytes().count(b'"kind":"start"')
