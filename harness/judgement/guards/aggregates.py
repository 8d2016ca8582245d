"""How several numbers of an artifact become one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from harness.frozen import dataclass


def _std(values: Sequence[float]) -> float:
    centre = math.fsum(values) / len(values)
    squares = math.fsum((value - centre) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _median(values: Sequence[float]) -> float:
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(values) % 2 else (ranked[half - 1] + ranked[half]) / 2


def _scale_if_needed(
    compute: Callable[[Sequence[float]], float],
) -> Callable[[Sequence[float]], float]:
    """Let sums and squares leave the range of floats, upwards or to zero, not the result."""

    def compute_scaled(values: Sequence[float]) -> float:
        try:
            plain = compute(values)
        except OverflowError:
            plain = math.inf
        largest = max(map(abs, values))
        if not largest or (plain and math.isfinite(plain)):
            return plain
        return compute([value / largest for value in values]) * largest

    return compute_scaled


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How several numbers become one, and what it gives in a few words."""

    compute: Callable[[Sequence[float]], float]
    meaning: str


AGGREGATES: Mapping[str, Aggregate] = {
    "min": Aggregate(min, "smallest"),
    "max": Aggregate(max, "largest"),
    "mean": Aggregate(_scale_if_needed(_mean), "arithmetic mean"),
    "std": Aggregate(
        _scale_if_needed(_std),
        "standard deviation of a sample, divided by n − 1; needs two values",
    ),
    "first": Aggregate(lambda values: values[0], "first in the order of the artifact"),
    "last": Aggregate(lambda values: values[-1], "last in the order of the artifact"),
    "median": Aggregate(_scale_if_needed(_median), "middle value, or the mean of the two"),
    "count": Aggregate(
        lambda values: float(len(values)), "number of matches, which need not be numbers"
    ),
}
AGGREGATE_NAMES = tuple(AGGREGATES)
ALL = "all"  # keeps them all: a curve, for kinds that can judge one
