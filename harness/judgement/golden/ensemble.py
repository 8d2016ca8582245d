"""An ensemble of runs that differ by rounding in, out how far another run may lie from it.

Each number has a mean and a spread over the ensemble; a run is as far away as its farthest
number, in spreads. How far a clean run goes is learnt from the ensemble itself, each member
held against the others: one limit, and one rate of false alarms, for all numbers together.

Source: Baker et al., A new ensemble-based consistency test for the Community Earth System
Model, Geosci. Model Dev. 8 (2015); the leave-one-out limit is a tolerance bound of log
distances, as for goldens.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from harness.judgement.golden import tolerance

LEAST_MEMBERS = 20
CONFIDENCE = 0.95
# A number that hardly moves in an ensemble may still round otherwise on another machine: its
# spread counts at least four times what the quietest twentieth, relative to their size, have.
# Not a part of the usual spread: a training multiplies its rounding by a hundred thousand, and
# what is seen in its first steps would be lost in the noise of its last ones.
_QUIET, _FLOOR = 0.05, 4.0
_LEAST_FLOOR = 4 * 2.0**-52
_BEYOND = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Centre of the ensemble and spread of each number, floors included."""

    centre: tuple[float, ...]
    spread: tuple[float, ...]


def measure_spread(reference: Sequence[float], deviations: Sequence[Sequence[float]]) -> Spread:
    """Describe an ensemble.

    Args:
        reference: (n) numbers of the run that is not perturbed.
        deviations: (m, n) what each member differs by.
    """
    columns = list(zip(*deviations, strict=True))
    means = [math.fsum(column) / len(column) for column in columns]
    squares = _square_sums(columns, means)
    sds = [math.sqrt(total / (len(deviations) - 1)) for total in squares]
    floors = _floors(reference, sds)
    return Spread(
        centre=tuple(r + mean for r, mean in zip(reference, means, strict=True)),
        spread=tuple(max(sd, floor) for sd, floor in zip(sds, floors, strict=True)),
    )


def list_distances(
    reference: Sequence[float], deviations: Sequence[Sequence[float]]
) -> tuple[float, ...]:
    """Return how far each member lies from all others; floors are those of the whole."""
    count = len(deviations)
    columns = list(zip(*deviations, strict=True))
    means = [math.fsum(column) / count for column in columns]
    squares = _square_sums(columns, means)
    floors = _floors(reference, [math.sqrt(total / (count - 1)) for total in squares])
    farthest = [0.0] * count
    for column, mean, total, floor in zip(columns, means, squares, floors, strict=True):
        for index, value in enumerate(column):
            # Without one member: its deviation from the others' mean is larger by n/(n − 1),
            # and the sum of squares smaller by its own part.
            own = value - mean
            rest = max(0.0, total - own * own * count / (count - 1))
            sd = max(math.sqrt(rest / (count - 2)), floor)
            z = abs(own) * count / (count - 1) / sd if own else 0.0
            farthest[index] = max(farthest[index], z)
    return tuple(farthest)


def find_limit(distances: Sequence[float], rate: float) -> float:
    """Return the distance that a clean run exceeds at most at a rate.

    It is never below twice the farthest member: where a few numbers stand still in most
    members, distances are no lognormal variable, and the bound alone would refuse its own.

    Args:
        distances: Of each member from the others.
        rate: False alarms of all numbers together.
    """
    logs = [math.log(max(one, 1e-3)) for one in distances]
    factor = tolerance.one_sided(len(logs), 1 - rate, CONFIDENCE)
    bound = math.exp(statistics.fmean(logs) + factor * statistics.stdev(logs))
    return max(bound, _BEYOND * max(distances))


def find_farthest(numbers: Sequence[float], spread: Spread) -> tuple[float, int]:
    """Return how far a run lies from an ensemble, and which of its numbers lies there."""
    farthest, place = 0.0, 0
    for index, (value, centre, sd) in enumerate(
        zip(numbers, spread.centre, spread.spread, strict=True)
    ):
        gap = abs(value - centre)
        if not gap <= farthest * sd:  # NaN is farther than anything
            farthest, place = (gap / sd if sd and math.isfinite(gap) else math.inf), index
            if farthest == math.inf:
                break
    return farthest, place


def _square_sums(columns: Sequence[Sequence[float]], means: Sequence[float]) -> list[float]:
    pairs = zip(columns, means, strict=True)
    return [math.fsum((value - mean) ** 2 for value in column) for column, mean in pairs]


def _floors(reference: Sequence[float], sds: Sequence[float]) -> list[float]:
    """Return the least spread of each number: zero where it is zero and never moved."""
    relative = sorted(sd / abs(r) for sd, r in zip(sds, reference, strict=True) if sd and r)
    quiet = relative[int(_QUIET * len(relative))] if relative else 0.0
    share = max(_FLOOR * quiet, _LEAST_FLOOR)
    return [share * abs(r) for r in reference]
