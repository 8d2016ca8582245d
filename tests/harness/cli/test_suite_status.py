"""What the standing of suites is worth, one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.cli import main as program
from harness.cli import suite_status
from harness.cli.suite_status import SuiteStatus
from harness.evidence.hub.blockers import Register
from harness.evidence.hub.ledgers import SealedRun
from harness.evidence.ledger.log import Entry
from harness.judgement import freshness
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


ACCEPTING: list[tuple[tuple[str, ...], str, int]] = [
    (("tiny", "--accept", "source", "--reason", "only a message"), "", 0),
    (("tiny", "--accept", "source", "--reason", "only a message"), "true", 2),  # no person
    (("tiny", "--accept", "source"), "", 2),
    (("tiny", "--accept", "source", "--reason", " "), "", 2),
    (("tiny", "--reason", "only a message"), "", 2),
    (("--accept", "source", "--reason", "only a message"), "", 2),
    (("tiny", "--accept", "environment", "--reason", "only a message"), "", 2),
]


@pytest.mark.parametrize(("words", "ci", "code"), ACCEPTING)
def test_a_person_accepts_a_named_cause_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str], ci: str, code: int
) -> None:
    """Whatever is missing is a mistake, and nothing is accepted."""
    project = hubs.project(tmp_path)
    hubs.run(project)
    (tmp_path / "source/model.py").write_text("GAIN = 2\n")
    monkeypatch.setenv("CI", ci)
    assert program.main(["-C", str(tmp_path), "status", *words]) == code
    monkeypatch.setenv("CI", "")
    check = program.main(["-C", str(tmp_path), "status", "--check"])
    assert check == (0 if code == 0 else 3)


def test_a_cause_that_names_no_state_cannot_be_accepted(tmp_path: Path) -> None:
    """It would be accepted for whatever comes after it."""
    project = hubs.project(tmp_path)
    hubs.run(project)
    (tmp_path / "source/model.py").unlink()
    words = ("tiny", "--accept", "source", "--reason", "it is gone")
    assert program.main(["-C", str(tmp_path), "status", *words]) == 2


def test_open_blockers_stand_beside_their_suite(tmp_path: Path) -> None:
    """And beside no other one; a closed one is none."""
    project = hubs.project(tmp_path, tiny=hubs.suite(), other=hubs.suite())
    now = freshness.Now(instant=datetime.now(UTC))

    def count_blockers() -> dict[str, int]:
        statuses = suite_status.of_project(project, now)
        return {status.suite: len(status.blockers) for status in statuses}

    hubs.run(project, parameters={"value": "0"})
    hubs.run(project, "other")
    assert count_blockers() == {"tiny": 1, "other": 0}
    register = Register(project.hubs)
    register.close(register.entries()[0].id, "repaired")
    assert count_blockers() == {"tiny": 0, "other": 0}
