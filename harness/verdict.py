"""Verdicts, how several of them make one, and how one answer stands to another."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(enum.StrEnum):
    """Ordered from best to worst; nothing judged is inconclusive.

    combine       green         inconclusive  red
    green         green         inconclusive  red
    inconclusive  inconclusive  inconclusive  red
    red           red           red           red
    """

    GREEN = "green"
    INCONCLUSIVE = "inconclusive"
    RED = "red"

    @property
    def exit_code(self) -> int:
        """Exit code of a command that ends with this verdict."""
        return {Verdict.GREEN: 0, Verdict.RED: 1, Verdict.INCONCLUSIVE: 3}[self]


_ORDER = (Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED)


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; an empty collection proves nothing."""
    return max(verdicts, key=_ORDER.index, default=Verdict.INCONCLUSIVE)


class AnswerClass(enum.StrEnum):
    """How a second answer stands to the first, from best to worst."""

    IDENTICAL = "bit-identical"
    ROUNDING = "rounding"
    STATISTICAL = "statistically the same"
    CHANGED = "changed"

    @property
    def holds(self) -> bool:
        """Whether the first answer was reproduced."""
        return self is not AnswerClass.CHANGED

    def exceeds(self, declared: AnswerClass) -> bool:
        """Say whether more differs than was declared."""
        return _CLASSES.index(self) > _CLASSES.index(declared)


_CLASSES = tuple(AnswerClass)
