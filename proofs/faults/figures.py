"""What a campaign of faults counted, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True, kw_only=True)
class Campaign:
    """One row of the table: what was done to the store, how often, and what did not hold."""

    fault: str
    target: str
    details: list[str] = field(default_factory=list)
    tried: int = 0
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def require(self, holds: bool, what: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Count one try; remember what did not hold."""
        self.tried += 1
        if not holds:
            self.failures.append(what)

    @property
    def held(self) -> int:
        """Tries that went as promised."""
        return self.tried - len(self.failures)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Campaign:
        """Return the campaign that ``dataclasses.asdict`` has written."""
        return cls(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is tried: ``stride`` over byte offsets and calls, and counts of the rest."""

    stride: int
    bits: int
    kills: int
    stops: int
    appends: int
    writers: int
    trees: int
    examples: int

    @property
    def offsets(self) -> int:
        """Step between the offsets of a ledger that is cut: a file of few bytes."""
        return max(1, self.stride // 8)


def every(step: int, thing: str) -> str:
    """Say which things are tried: ``each byte``, or ``every 61st byte``."""
    if step == 1:
        return f"each {thing}"
    ends = {1: "st", 2: "nd", 3: "rd"}
    end = "th" if step % 100 in (11, 12, 13) else ends.get(step % 10, "th")
    return f"every {step}{end} {thing}"


FULL = Scale(
    stride=1,
    bits=1000,
    kills=500,
    stops=50,
    appends=200,
    writers=16,
    trees=10_000,
    examples=2000,
)
SHORT = Scale(stride=61, bits=12, kills=4, stops=3, appends=6, writers=6, trees=60, examples=30)

Runner = Callable[[Path, Scale], Campaign]
