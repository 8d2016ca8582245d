"""What the standing of suites is worth, one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli import main as program
from harness.cli import suite_status
from harness.cli.suite_status import SuiteStatus
from harness.evidence.hub.ledgers import SealedRun
from harness.evidence.ledger.log import Entry
from harness.judgement.freshness import Cause
from harness.verdict import Verdict
from tests.builders import hubs, reports

STALE = (Cause(kind="source", what="a.py changed", cure="harness run tiny"),)


def make_gone(verdict: str) -> SealedRun:
    """Make a sealed run whose hub is not here."""
    subject = f"tiny/{reports.RUN}"
    entry = Entry(
        sequence=0,
        time="2026-01-02T03:04:05Z",
        kind="seal",
        subject=subject,
        body={"verdict": verdict},
        previous="0" * 64,
        leaf="0" * 64,
    )
    return SealedRun(subject, entry)


PLAIN = SuiteStatus(
    suite="tiny",
    hub="hubs/tiny/x",
    record=None,
    causes=(),
    blockers=(),
    trends=(),
    problem=None,
    next_command="harness run tiny",
)


def with_record(verdict: Verdict, causes: tuple[Cause, ...] = ()) -> SuiteStatus:
    """Return a standing with a readable run."""
    return replace(PLAIN, record=reports.record(verdict=verdict), causes=causes)


GREEN, OPEN, RED = Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED
STATUSES = [
    (with_record(GREEN), 0),
    (with_record(GREEN, STALE), 3),
    (with_record(OPEN), 3),
    (with_record(OPEN, STALE), 3),
    (with_record(RED), 1),
    (with_record(RED, STALE), 1),  # old or not, it was red
    (replace(with_record(GREEN), accepted=STALE), 0),
    (PLAIN, 3),
    (replace(with_record(GREEN), gone=make_gone("red")), 1),
    (replace(with_record(GREEN), gone=make_gone("inconclusive")), 3),
    (replace(with_record(RED), gone=make_gone("inconclusive")), 3),
    (replace(with_record(GREEN), problem="changed"), 4),
    (replace(with_record(RED), problem="changed"), 4),
    (replace(PLAIN, problem="changed", gone=make_gone("red")), 4),
]


@pytest.mark.parametrize(("status", "code"), STATUSES)
def test_each_standing_has_its_exit_code(status: SuiteStatus, code: int) -> None:
    """Damage before red before what is missing; green counts only while it is fresh."""
    assert status.exit_code == code


BY_CODE = {
    0: with_record(GREEN),
    1: with_record(RED),
    3: PLAIN,
    4: replace(PLAIN, problem="changed"),
}
TOGETHER = [
    ((), 0),
    ((0, 0), 0),
    ((0, 3), 3),
    ((0, 1), 1),
    ((0, 4), 4),
    ((3, 1), 1),
    ((3, 4), 4),
    ((1, 4), 4),
    ((0, 3, 1, 4), 4),
    ((3, 0, 1), 1),
]


@pytest.mark.parametrize(("codes", "worst"), TOGETHER)
def test_of_several_the_worst_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, codes: Sequence[int], worst: int
) -> None:
    """In the order 4, 1, 3, wherever it stands; without --check nothing is asked."""
    hubs.declare(tmp_path)
    for order in (codes, codes[::-1]):
        statuses = tuple(BY_CODE[code] for code in order)
        monkeypatch.setattr(suite_status, "of_project", lambda *_, made=statuses: made)
        assert program.main(["-C", str(tmp_path), "status", "--check"]) == worst
        assert program.main(["-C", str(tmp_path), "status"]) == 0
