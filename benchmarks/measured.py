"""One measured figure beside what stands next to it, as numbers in a JSON file.

Every benchmark can write its figures with ``--json FILE``; ``benchmarks.bench`` gathers them.
The file is written last and put in place by a rename, so that where it is, all was measured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MISSING = "not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A median of this project, and of what a user would pick instead.

    Attributes:
        what: What was measured.
        value: The figure; None where only the peer could be measured or nothing at all.
        unit: Of ``value``, ``beside`` and ``floor``; one that holds ``/s`` or ``per`` counts
            up, any other is a cost.
        peer: What stands beside it; empty where nothing does.
        beside: Its figure.
        absent: Why the peer has none.
        floor: The best that the machine allows.
        target: What was asked for, in words.
        holds: Whether that held; None where nothing was asked.
        note: What the numbers leave out, or why one is missing.
    """

    what: str
    value: float | None
    unit: str
    peer: str = ""
    beside: float | None = None
    absent: str = MISSING
    floor: float | None = None
    target: str = ""
    holds: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure divided by its peer's."""
        return self.value / self.beside if self.value is not None and self.beside else None

    @property
    def gain(self) -> float | None:
        """How many times better than its peer: above 1 is faster, or smaller."""
        if self.ratio is None or self.ratio <= 0:
            return None
        counts_up = "/s" in self.unit or "per " in self.unit
        return self.ratio if counts_up else 1 / self.ratio


def at_most(what: str, value: float, unit: str, limit: float, **more: Any) -> Measured:
    """Return a cost that may be ``limit`` at most."""
    target, holds = f"≤ {limit:g} {unit}", value <= limit
    return Measured(what=what, value=value, unit=unit, target=target, holds=holds, **more)


def write(path: Path | None, figures: Iterable[Measured]) -> None:
    """Write the figures of a benchmark in one step; nothing where no file was asked for."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(json.dumps([asdict(each) for each in figures], indent=1), "utf-8")
    partial.replace(path)


def read(path: Path) -> list[Measured]:
    """Read the figures of a benchmark.

    Raises:
        OSError: There is no such file.
        ValueError: It holds something else.
    """
    return decoded(json.loads(path.read_text("utf-8")))


def decoded(value: Any) -> list[Measured]:
    """Return the figures that a JSON value holds.

    Raises:
        ValueError: It holds something else.
    """
    try:
        return [Measured(**each) for each in value]
    except TypeError as error:
        raise ValueError(f"not a list of figures: {error}") from error
