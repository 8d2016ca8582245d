"""A verdict whose further runs fail, stop or cannot be made: nothing is blamed by fewer."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.blockers import Register
from harness.evidence.hub.causes import of_guards
from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.judgement.guards import members
from harness.judgement.verify import Outcome, verify
from harness.records import MemberRecord
from harness.runner.options import Draw
from harness.runner.stages.child import Stop
from harness.verdict import Verdict
from tests.harness.experiments.test_series import GUARD, METRIC, RED, calibrate, make, run


def _member(index: int, **keys: Any) -> MemberRecord:
    """A further run that gave the golden's centre, or something else."""
    values = {"values": {METRIC: 5.0}, "failed": (), **keys}
    run_id = f"20260101T000000Z-{index:06x}"
    place = f".harness/series/hubs/tiny/{run_id}"
    return MemberRecord(
        seed=str(index), run_id=run_id, hub=place, manifest_sha256="0" * 64, **values
    )


def _refuse(_run_id: str, _indices: range, _stop: Stop) -> tuple[MemberRecord, ...]:
    raise OSError(28, "No space left on device")


def _interrupt(_run_id: str, indices: range, stop: Stop) -> tuple[MemberRecord, ...]:
    stop.request(signal.SIGTERM)
    return (_member(indices.start),)


def _lose(**keys: Any) -> Draw:
    """Draw runs of which the last one gave something else."""

    def draw(_run_id: str, indices: range, _stop: Stop) -> tuple[MemberRecord, ...]:
        *others, last = indices
        return (*map(_member, others), _member(last, **keys))

    return draw


_FULL = {"values": {}, "unfinished": ("make",), "reason": "stage make: the machine failed"}
_CRASH = {"values": {}, "failed": ("make",), "reason": "stage make: exit code 1: boom"}


@pytest.mark.parametrize(
    ("runs", "draw", "verdict", "said"),
    [
        (1, _refuse, Verdict.INCONCLUSIVE, "1 of 3 runs"),
        (1, _interrupt, Verdict.INCONCLUSIVE, "2 of 3 runs"),
        (3, _interrupt, Verdict.INCONCLUSIVE, "2 of 3 runs"),
        (1, _lose(**_FULL), Verdict.INCONCLUSIVE, "1 of 3 runs proved nothing"),
        (1, _lose(values={}), Verdict.INCONCLUSIVE, "3 runs"),
        (1, _lose(**_CRASH), RED, "1 of 3 runs failed"),
    ],
    ids=["refused", "interrupted", "of several", "full disk", "no number", "crash"],
)
def test_a_golden_is_not_blamed_by_fewer_runs(
    tmp_path: Path, runs: int, draw: Draw, verdict: Verdict, said: str
) -> None:
    """The hub is sealed, without a blocker and never green, though the guard may be a note."""
    guard = {**GUARD, "missing": "note"}
    calibrate(make(tmp_path, runs=runs, guards=[guard]))
    project = make(tmp_path, shift="1.9", runs=runs, guards=[guard])

    outcome = run(project, draw=draw)

    record = outcome.record
    whole = next(guard for guard in record.guards if guard.id == members.GUARD)
    steady = next(guard for guard in record.guards if guard.id == "steady")
    assert (record.verdict, whole.found) == (verdict, said)
    assert steady.verdict is Verdict.INCONCLUSIVE
    assert (outcome.signal == signal.SIGTERM) == ("interrupted by SIGTERM" in record.reason)
    blockers = [one.title for one in Register(project.hubs).entries()]
    assert blockers == (["guard-default:runs"] if verdict is RED else [])
    rows_ = verify(project, outcome.hub, allow_stale=True).rows
    wrong = [r for r in rows_ if r.outcome is Outcome.DAMAGED and r.check != "runs"]
    assert wrong == []


def test_a_golden_beside_what_is_open_asks_two_more(tmp_path: Path) -> None:
    """What cannot be judged keeps the run from being green, and is no reason to blame it."""
    absent = {"id": "absent", "kind": "bound", "metric": "out:no", "max": 1, "remedy": "Look."}
    calibrate(make(tmp_path, runs=1, guards=[GUARD, absent]))
    project = make(tmp_path, shift="0.9", runs=1, guards=[GUARD, absent])

    outcome = run(project, draw=_lose())

    assert (outcome.record.verdict, len(outcome.record.members)) == (Verdict.INCONCLUSIVE, 2)


def test_what_no_seed_gives_is_blamed_at_once(tmp_path: Path) -> None:
    """A number that cannot be is no seed that went astray, whatever else could be made."""
    guard = {**GUARD, "range": [0.0, 5.5]}
    calibrate(make(tmp_path, runs=1, guards=[guard]))
    project = make(tmp_path, shift="0.9", runs=1, guards=[guard])

    assert run(project, draw=_refuse).record.verdict is RED


def test_failures_of_further_runs_are_told_apart() -> None:
    """By what failed in them, whatever the seeds were: one cause is one blocker."""
    reasons = ["stage make: exit code 1: boom", "stage make: exit code 1: fire"]
    suites = [members.judge_members(_of_failed(reason)) for reason in reasons * 2]
    causes_ = [of_guards("tiny", results, ()).signature for results in suites]

    assert causes_[:2] == causes_[2:]
    assert causes_[0] != causes_[1]


def _of_failed(reason: str) -> HubEvidence:
    member = _member(random.randrange(10**6), values={}, failed=("make",), reason=reason)  # noqa: S311
    facts = Facts(
        stages=(), artifacts=(), datasets=(), environment={}, runs=2, members=(member,)
    )
    return HubEvidence(Path(), facts)
