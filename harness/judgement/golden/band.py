"""A golden's band against what its number can be: sides that nothing leaves, and its width.

A side at or beyond the end of what a number can be is no bound: no defect turns it red. A band
that is wide by tens sees nothing but a collapse, and says so only where somebody wrote why.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.judgement.golden import store, tolerance
from harness.judgement.golden.store import GoldenValue

WIDEST = 30.0  # factor between the bounds of a band that needs no reason
Ends = tuple[float | None, float | None]
# What is never negative, whatever the numbers are that it is made of.
_POSITIVE = ("count", "std")


def find_ends(options: Mapping[str, Any]) -> Ends:
    """Return the least and the largest value that a guard's number can have; None if unknown.

    What the guard declares as ``range``, else what its aggregate and its sign say.

    Args:
        options: Of the guard.
    """
    if "range" in options:
        low, high = options["range"]
        return float(low), float(high)
    is_positive = options.get("absolute") or options.get("aggregate") in _POSITIVE
    return (0.0 if is_positive else None), None


def find_mean(values: Sequence[float], scale: str) -> float:
    """Return the mean of runs, taken on a golden's scale; zero where one has no logarithm."""
    if scale != "linear" and min(values) <= 0:
        return 0.0
    scaled = [store.scale(value, scale) for value in values]
    return store.unscale(math.fsum(scaled) / len(scaled), scale)


def list_idle_sides(bounds: Ends, ends: Ends) -> tuple[str, ...]:
    """Return the sides (``low``, ``high``) whose bound no value can be beyond."""
    (low, high), (least, most) = bounds, ends
    sides = []
    if low is not None and least is not None and low <= least:
        sides.append("low")
    if high is not None and most is not None and high >= most:
        sides.append("high")
    return tuple(sides)


def find_width(value: GoldenValue, ends: Ends) -> float:
    """Return the factor by which a band is wide.

    Between its bounds, or from its centre to the only one; infinite where the band of what
    may be positive alone holds zero. Numbers that are declared to have either sign have no
    such factor: 1.
    """
    if ends[0] is not None and ends[0] < 0:
        return 1.0
    low = value.reference if value.low is None else value.low
    high = value.reference if value.high is None else value.high
    return high / low if low > 0 else math.inf


def is_hopeless(value: GoldenValue, ends: Ends, side: str) -> bool:
    """Say whether the bound of a side would be idle with any number of seeds.

    With ever more seeds the factor of the deviation falls to the quantile of the coverage.
    """
    share = (1 + value.coverage) / 2 if value.sides == "two" else value.coverage
    reach = tolerance.normal_quantile(share) * value.sd
    least = value.mean - reach if value.scale == "linear" else 10.0 ** (value.mean - reach)
    most = value.mean + reach if value.scale == "linear" else 10.0 ** (value.mean + reach)
    bounds = (least, None) if side == "low" else (None, most)
    return bool(list_idle_sides(bounds, ends))
