"""The golden of a curve or an array: one band for all values, and where a run lies in it.

Each value has a centre and a deviation over the runs, as a single golden has; the band is
``centre ± k·sd`` with one k for all, so that a run leaves it where its farthest value does.
How k is learnt is in ``curve_statistics``.
"""

from __future__ import annotations

import math

from harness.frozen import dataclass

SIDES = ("two", "low", "high")
SCALES = ("linear", "log10")
FARTHEST = 1e99  # a distance without bound is written as a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A direction of length 1 over the values, and the variance of the runs along it."""

    variance: float
    loading: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenCurve:
    """The reference statistics of a metric with many values, and where they come from.

    Attributes:
        names_sha256: Digest of the names of its values, in their order.
        centre: Mean of each value, on ``scale``.
        sd: Deviation of each value over the runs, on ``scale``.
        low: Least accepted values, in the metric's own unit; None on an open side.
        high: Largest accepted values, likewise.
        farthest: Distance of each run's farthest value from the other runs [deviations].
        independent: How many values at most move by themselves.
        factor: Half width of the band [deviations].
        parameters: Of the runs, but for their seed: they decide how many values there are.
        components: Directions in which the values move together, the largest first.
    """

    metric: str
    names_sha256: str
    centre: tuple[float, ...]
    sd: tuple[float, ...]
    n: int
    scale: str
    sides: str
    coverage: float
    confidence: float
    farthest: tuple[float, ...]
    independent: float
    factor: float
    low: tuple[float, ...] | None
    high: tuple[float, ...] | None
    components: tuple[Component, ...]
    parameters: dict[str, str]
    environment: dict[str, str]
    datasets: dict[str, str]
    hubs: tuple[str, ...]
    seeds: tuple[str, ...]
    reason: str
    author: str
    date: str
    commit: str

    @property
    def rate(self) -> float:
        """Share of clean runs that are red, at most: of all values and components together."""
        return 1 - self.coverage


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a run lies in a band.

    Attributes:
        parts: Distance of each value from its centre [half widths]; negative only where the
            side is open.
        together: T² of the components as a part of its limit; None without components.
    """

    parts: tuple[float, ...]
    together: float | None

    @property
    def farthest(self) -> int:
        """Index of the farthest value."""
        return self.parts.index(max(self.parts))

    @property
    def measure(self) -> float:
        """How far the run goes; above 1 it leaves the band, or its values do so together."""
        # A length like the other: T² is a square.
        together = 0.0 if self.together is None else math.sqrt(self.together)
        return min(max(*self.parts, together, 0.0), FARTHEST)


def bounds(
    curve: GoldenCurve,
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Compute the band from centres, deviations and factor."""
    pairs = list(zip(curve.centre, curve.sd, strict=True))
    sides = []
    for sign, is_open in ((-1, curve.sides == "high"), (1, curve.sides == "low")):
        edge = (unscale(c + sign * curve.factor * sd, curve.scale) for c, sd in pairs)
        sides.append(None if is_open else tuple(edge))
    return sides[0], sides[1]


def turn(deviation: float, sides: str) -> float:
    """Return how far a deviation goes towards a bounded side."""
    if sides == "two":
        return abs(deviation)
    return -deviation if sides == "low" else deviation


def scale(value: float, name: str) -> float:
    """Put a number on a golden's scale.

    Raises:
        ValueError: Zero or less has no place on a log scale.
    """
    return value if name == "linear" else math.log10(value)


def unscale(value: float, name: str) -> float:
    """Take a number from a golden's scale to the metric's own unit."""
    return value if name == "linear" else 10.0**value
