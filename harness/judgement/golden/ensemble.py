"""An ensemble of runs that differ by rounding in, out how far another run may lie from it.

Each number has a mean and a spread over the ensemble, and a run lies some spreads from each.
A defect moves one number far or many a little, so several distances are looked at: that of the
farthest number, and those which a hundredth, a tenth and half of all numbers exceed. How far a
clean run goes is learnt from the ensemble itself, each member held against the others: a limit
for each distance, and one rate of false alarms for all numbers and distances together.

Source: Baker et al., A new ensemble-based consistency test for the Community Earth System
Model, Geosci. Model Dev. 8 (2015); the leave-one-out limit is a tolerance bound of log
distances, as for goldens.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from harness.frozen import dataclass
from harness.judgement.golden import tolerance

LEAST_MEMBERS = 20
CONFIDENCE = 0.95
# Shares of all numbers that lie beyond a distance; of the first share it is the farthest.
SHARES = (0.0, 0.01, 0.1, 0.5)
# A number that hardly moves in an ensemble may still round otherwise on another machine: its
# spread counts at least six times what the quietest twentieth, relative to their size, have.
# With four, runs on AVX2 alarmed by the first steps of training on an ensemble of SSE4.1.
# Not a part of the usual spread: a training multiplies its rounding by a hundred thousand, and
# what is seen in its first steps would be lost in the noise of its last ones.
_QUIET, _FLOOR = 0.05, 6.0
_LEAST_FLOOR = 4 * 2.0**-52
_BEYOND = 2.0
_NEAR = 0.5  # of the median
# Within one spread of the centre lies most of the ensemble itself.
_LEAST_LIMIT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Centre of the ensemble and spread of each number, floors included."""

    centre: tuple[float, ...]
    spread: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far a run lies from an ensemble.

    ``by_share`` are the distances of `SHARES` [spreads], ``place`` is the farthest number.
    """

    by_share: tuple[float, ...]
    place: int

    def measure(self, limits: Sequence[float]) -> tuple[float, int]:
        """Return the largest distance as a part of its limit, and which of them it is."""
        parts = [one / limit for one, limit in zip(self.by_share, limits, strict=True)]
        part = max(parts)
        return part, parts.index(part)


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
) -> tuple[tuple[float, ...], ...]:
    """Return how far each member lies from all others; floors are those of the whole.

    Returns:
        (m) of the distances of `SHARES`.
    """
    count = len(deviations)
    columns = list(zip(*deviations, strict=True))
    means = [math.fsum(column) / count for column in columns]
    squares = _square_sums(columns, means)
    floors = _floors(reference, [math.sqrt(total / (count - 1)) for total in squares])
    of_members: list[list[float]] = [[] for _ in deviations]
    for column, mean, total, floor in zip(columns, means, squares, floors, strict=True):
        for of_member, value in zip(of_members, column, strict=True):
            # Without one member: its deviation from the others' mean is larger by n/(n − 1),
            # and the sum of squares smaller by its own part.
            own = value - mean
            rest = max(0.0, total - own * own * count / (count - 1))
            sd = max(math.sqrt(rest / (count - 2)), floor)
            of_member.append(abs(own) * count / (count - 1) / sd if own else 0.0)
    return tuple(_rank(of_member) for of_member in of_members)


def find_limits(distances: Iterable[Sequence[float]], rate: float) -> tuple[float, ...]:
    """Return the distances that a clean run exceeds at most at a rate, all together.

    None is below twice that of the farthest member: where a few numbers stand still in most
    members, distances are no lognormal variable, and the bound alone would refuse its own.

    Args:
        distances: Of each member from the others, for each of `SHARES`.
        rate: False alarms of all numbers and distances together.
    """
    columns = list(zip(*distances, strict=True))
    return tuple(_find_limit(column, rate / len(columns)) for column in columns)


def _find_limit(distances: Sequence[float], rate: float) -> float:
    # The unperturbed run lies near the centre: that says nothing of how far others go.
    least = max(_NEAR * statistics.median(distances), 1e-3)
    logs = [math.log(max(one, least)) for one in distances]
    factor = tolerance.one_sided(len(logs), 1 - rate, CONFIDENCE)
    bound = math.exp(statistics.fmean(logs) + factor * statistics.stdev(logs))
    return max(bound, _BEYOND * max(distances), _LEAST_LIMIT)


def find_distance(numbers: Sequence[float], spread: Spread) -> Distance:
    """Return how far a run lies from an ensemble; NaN is farther than anything."""
    gaps = []
    for value, centre, sd in zip(numbers, spread.centre, spread.spread, strict=True):
        gap = abs(value - centre)
        gaps.append(0.0 if gap == 0 else gap / sd if sd and math.isfinite(gap) else math.inf)
    by_share = _rank(gaps)
    return Distance(by_share=by_share, place=gaps.index(by_share[0]))


def _rank(gaps: Sequence[float]) -> tuple[float, ...]:
    ordered = sorted(gaps, reverse=True)
    return tuple(ordered[min(int(share * len(ordered)), len(ordered) - 1)] for share in SHARES)


def _square_sums(columns: Sequence[Sequence[float]], means: Sequence[float]) -> list[float]:
    pairs = zip(columns, means, strict=True)
    return [math.fsum((value - mean) ** 2 for value in column) for column, mean in pairs]


def _floors(reference: Sequence[float], sds: Sequence[float]) -> list[float]:
    """Return the least spread of each number: zero where it is zero and never moved."""
    relative = sorted(sd / abs(r) for sd, r in zip(sds, reference, strict=True) if sd and r)
    quiet = relative[int(_QUIET * len(relative))] if relative else 0.0
    share = max(_FLOOR * quiet, _LEAST_FLOOR)
    return [share * abs(r) for r in reference]
