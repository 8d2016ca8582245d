"""Outcomes, their exit codes, and text that a terminal may show."""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness.errors import IntegrityError
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome
from harness.verdict import Verdict

CODES = {
    Outcome.PASSED: 0,
    Outcome.NOTE: 0,
    Outcome.INCONCLUSIVE: 3,
    Outcome.STALE: 3,
    Outcome.RED: 1,
    Outcome.DAMAGED: 4,
}


def test_outcomes_have_the_documented_codes() -> None:
    """And of two the worse one decides."""
    assert {outcome: outcome.exit_code for outcome in Outcome} == CODES
    for better, worse in pairwise(Outcome):
        assert report.worst([better, worse, better]) is worse
    assert report.worst([]) is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.GREEN, 0), (Verdict.INCONCLUSIVE, 3), (Verdict.RED, 1)]
)
def test_verdict_has_the_code_of_its_run(verdict: Verdict, code: int) -> None:
    """A hub verifies to what its run ended with."""
    assert report.outcome_of(verdict).exit_code == code == verdict.exit_code


@pytest.mark.parametrize("length", [0, 1, 399, 400, 401, 1000])
def test_text_is_bounded(length: int) -> None:
    """Four hundred characters, the last of which says that there was more."""
    text = "x" * length

    assert report.printable(text) == (text if length <= 400 else "x" * 399 + "…")


def test_rows_carry_what_they_are_given() -> None:
    """Each kind with its outcome; an error's text is made printable in all its parts."""
    error = IntegrityError("a\x1b", found="b\x1b", expected="c\x1b", remedy="d\x1b")

    row = report.of_error("bytes", error)

    assert (row.check, row.outcome) == ("bytes", Outcome.DAMAGED)
    assert (row.found, row.expected, row.remedy) == ("a�: b�", "c�", "d�")
    assert report.of_error("x", error, Outcome.NOTE).outcome is Outcome.NOTE
    assert report.passed_row("x", "a", "b").outcome is Outcome.PASSED
    assert report.note_row("x", "a", "b").remedy == "b"
    assert report.damage_row("x", "a", "b", "c").outcome is Outcome.DAMAGED
