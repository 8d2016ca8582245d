"""What a gate says: the rows of its checks, the differences of rules, and one exit code."""

from __future__ import annotations

from harness.frozen import dataclass
from harness.judgement.gate.difference import Change, Difference
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row
from harness.judgement.waivers import WaiverStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A difference of the rules, and the waiver that somebody made for it."""

    difference: Difference
    waiver: WaiverStatus | None = None

    @property
    def is_refused(self) -> bool:
        """Whether it is weaker, and nobody who may answers for it."""
        is_waived = self.waiver is not None and self.waiver.counts
        return self.difference.change is Change.WEAKER and not is_waived

    @property
    def who(self) -> str:
        """Who waived it, or why a waiver does not count; nothing where there is none."""
        if self.waiver is None:
            return ""
        return self.waiver.message

    @property
    def reason(self) -> str:
        """Why it is so classed, and why it was waived."""
        said = self.waiver.waiver.reason if self.waiver is not None else ""
        return "; ".join(part for part in (self.difference.why, said) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """The answer of a gate.

    Attributes:
        base: The revision as it was named, and its commit.
        commit: Commit of the base.
        head: Commit that is judged.
        hubs: The hubs, as ``suite/run id``.
        rows: The checks, hub by hub.
        changes: The differences of the rules, weaker ones first.
    """

    base: str
    commit: str
    head: str
    hubs: tuple[str, ...]
    rows: tuple[Row, ...]
    changes: tuple[RuleChange, ...]

    @property
    def refused_changes(self) -> tuple[RuleChange, ...]:
        """The weaker rules that nobody answers for."""
        return tuple(change for change in self.changes if change.is_refused)

    @property
    def worst(self) -> Outcome:
        """The outcome that counts; a refused weakening is red."""
        outcomes = [row.outcome for row in self.rows]
        outcomes += [Outcome.RED] * bool(self.refused_changes)
        return report.worst(outcomes)

    @property
    def exit_code(self) -> int:
        """Exit code: damaged 4, red or weaker 1, inconclusive 3, else 0."""
        return self.worst.exit_code

    @property
    def counts(self) -> dict[str, int]:
        """How many differences there are of each class."""
        counts = dict.fromkeys((Change.WEAKER, Change.OTHER, Change.STRICTER), 0)
        for change in self.changes:
            counts[change.difference.change] += 1
        return {str(key): value for key, value in counts.items()}
