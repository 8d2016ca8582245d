"""What a verification says: one row per check, in order, and one exit code.

Source: design of the harness, section 4.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from pathlib import Path

from harness.errors import HarnessError
from harness.evidence.hub.printable import defuse
from harness.frozen import dataclass
from harness.records import GuardResult
from harness.verdict import Verdict


class Outcome(enum.StrEnum):
    """How one check went, from best to worst; the worst row decides the exit code.

    ``noted`` tells something that counts neither for nor against the hub.
    """

    PASSED = "ok"
    NOTE = "note"
    INCONCLUSIVE = "inconclusive"
    STALE = "stale"
    RED = "red"
    DAMAGED = "damaged"

    @property
    def exit_code(self) -> int:
        """Exit code of a verification whose worst row is this one."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Outcome.PASSED: 0,
    Outcome.NOTE: 0,
    Outcome.INCONCLUSIVE: 3,
    Outcome.STALE: 3,
    Outcome.RED: 1,
    Outcome.DAMAGED: 4,
}
_ORDER = tuple(Outcome)
_OF_VERDICT = {
    Verdict.GREEN: Outcome.PASSED,
    Verdict.INCONCLUSIVE: Outcome.INCONCLUSIVE,
    Verdict.RED: Outcome.RED,
}


def outcome_of(verdict: Verdict) -> Outcome:
    """Return the outcome that a verdict amounts to."""
    return _OF_VERDICT[verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check: what was found, what was expected, what to do; all printable text."""

    check: str
    outcome: Outcome
    found: str
    expected: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """The rows of one hub in the order of the checks.

    ``red_today`` are the guards that today's declaration turns red.
    """

    hub: Path
    suite: str
    run_id: str
    rows: tuple[Row, ...]
    red_today: tuple[GuardResult, ...] = ()

    @property
    def worst(self) -> Outcome:
        """The outcome that counts."""
        return worst(row.outcome for row in self.rows)

    @property
    def exit_code(self) -> int:
        """Exit code of the command: damaged 4, red 1, inconclusive or stale 3, else 0."""
        return self.worst.exit_code


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the worst outcome; nothing checked is inconclusive."""
    return max(outcomes, key=_ORDER.index, default=Outcome.INCONCLUSIVE)


def passed_row(check: str, found: str, expected: str = "") -> Row:
    """Return the row of a check that holds."""
    return Row(check=check, outcome=Outcome.PASSED, found=found, expected=expected)


def note_row(check: str, found: str, remedy: str = "") -> Row:
    """Return a row that informs."""
    return Row(check=check, outcome=Outcome.NOTE, found=found, remedy=remedy)


def damage_row(check: str, found: str, expected: str, remedy: str) -> Row:
    """Return the row of evidence that cannot be trusted."""
    return Row(
        check=check, outcome=Outcome.DAMAGED, found=found, expected=expected, remedy=remedy
    )


def of_error(check: str, error: HarnessError, outcome: Outcome = Outcome.DAMAGED) -> Row:
    """Turn an error into a row; text from evidence is made printable."""
    actual = printable(f"{error.where}: {error.found}")
    return Row(
        check=check,
        outcome=outcome,
        found=actual,
        expected=printable(error.expected),
        remedy=printable(error.remedy),
    )


def printable(text: str, limit: int = 400) -> str:
    """Neutralise what a terminal would obey, and bound the length."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return defuse("".join(c if c.isprintable() else "�" for c in cut))
