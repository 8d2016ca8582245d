"""The golden of a curve or an array: a band of one width in deviations, for all values at once.

Each value j has a centre and a deviation over the runs, as a single golden has; the band is
``centre ± k·sd`` with one k for all. A run leaves it where its farthest value does, so k
depends on how many values move by themselves: of a smooth curve far fewer than it has. That
number is learnt from the runs. Each is held against the others, the share of single values that
would lie beyond its farthest one is known (Student's t), and of q independent values the
smallest share is below p in 1 − (1 − p)^q of all runs. With its upper bound for q, k is that of
a single golden whose interval holds ``coverage^(1/q)``; of a curve with one value it is the same.

Source: Šidák, Rectangular confidence regions, JASA 62 (1967); the effective number of tests as
in Cheverud, Heredity 87 (2001), here from leave-one-out maxima in place of eigenvalues.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.judgement.golden import components, scales, tolerance
from harness.judgement.golden.components import Component

_SAME = 1e-9
FARTHEST = 1e99  # a distance without bound is written as a number


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
        """How far the run goes: above 1 it leaves the band, or its values go astray together."""
        # A length like the other: T² is a square.
        together = 0.0 if self.together is None else math.sqrt(self.together)
        return min(max(*self.parts, together, 0.0), FARTHEST)


def list_farthest(rows: Sequence[Sequence[float]], sides: str) -> tuple[float, ...]:
    """Return how far the farthest value of each run lies from the other runs [deviations].

    Args:
        rows: (m, n) values of each run, on the scale of the golden.
        sides: Towards which side distance counts.
    """
    count = len(rows)
    farthest = [-FARTHEST] * count
    for column in zip(*rows, strict=True):
        mean = math.fsum(column) / count
        total = math.fsum((value - mean) ** 2 for value in column)
        for index, value in enumerate(column):
            # Without the run itself: its distance from the others' mean is larger by
            # m/(m − 1), their sum of squares smaller by its own part.
            own = value - mean
            rest = max(0.0, total - own * own * count / (count - 1))
            far = _turn(own * count / (count - 1), sides)
            sd = math.sqrt(rest / (count - 2))
            # Others that are all the same leave rounding for a rest.
            is_lone = sd <= _SAME * abs(own)
            distance = math.copysign(FARTHEST, far) if is_lone and far else far / (sd or 1.0)
            farthest[index] = max(farthest[index], distance)
    return tuple(farthest)


def find_independent(
    farthest: Sequence[float], count: int, confidence: float, sides: str
) -> float:
    """Return how many values at most move by themselves.

    Args:
        farthest: From `list_farthest`.
        count: Number of values.
        confidence: Of the upper bound.
        sides: As there.
    """
    others = len(farthest) - 1
    shares = [tolerance.false_red_rate(others, one, two=sides == "two") for one in farthest]
    # −log(1 − p) of the smallest of q shares is exponential, with mean 1/q.
    total = math.fsum(-math.log1p(-min(share, 1 - _SAME)) for share in shares)
    quantile = tolerance.chi_square_quantile(confidence, 2 * len(farthest))
    bound = quantile / (2 * total) if total else math.inf
    return min(max(bound, 1.0), float(count))


def find_factor(
    farthest: Sequence[float],
    independent: float,
    coverage: float,
    confidence: float,
    sides: str,
) -> float:
    """Return the half width of the band [deviations].

    Not below the farthest run: values with longer tails than normal ones would otherwise
    refuse the runs that they come from.
    """
    make = tolerance.two_sided if sides == "two" else tolerance.one_sided
    factor = make(len(farthest), coverage ** (1 / independent), confidence)
    return max(factor, *farthest)


def share_coverage(coverage: float, component_count: int) -> float:
    """Return what the band alone must hold, where T² has its half of the rate."""
    return 1 - (1 - coverage) / 2 if component_count else coverage


def bounds(
    curve: GoldenCurve,
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    """Compute the band from centres, deviations and factor."""
    pairs = list(zip(curve.centre, curve.sd, strict=True))
    sides = []
    for sign, is_open in ((-1, curve.sides == "high"), (1, curve.sides == "low")):
        edge = (scales.unscale(c + sign * curve.factor * sd, curve.scale) for c, sd in pairs)
        sides.append(None if is_open else tuple(edge))
    return sides[0], sides[1]


def measure(curve: GoldenCurve, values: Sequence[float]) -> Position:
    """Say where a run lies in a band.

    Args:
        curve: The golden.
        values: As many as it has, finite, in the metric's own unit.
    """
    scores = []
    for value, centre, sd in zip(values, curve.centre, curve.sd, strict=True):
        has_place = curve.scale == "linear" or value > 0
        place = scales.scale(value, curve.scale) if has_place else -math.inf
        scores.append((place - centre) / sd)
    parts = tuple(_turn(score, curve.sides) / curve.factor for score in scores)
    if not curve.components:
        return Position(parts=parts, together=None)
    limit = components.find_limit(curve.n, len(curve.components), (1 - curve.coverage) / 2)
    return Position(
        parts=parts, together=components.measure(curve.components, scores) / limit
    )


def find_damage(curve: GoldenCurve) -> tuple[str, str] | None:
    """Say what of a curve's numbers does not follow from the others, and what would."""
    if curve.scale not in scales.SCALES or curve.sides not in scales.SIDES:
        return f"{curve.scale}, {curve.sides}", "a known scale and sides"
    count = len(curve.centre)
    lengths = {count, len(curve.sd), *(len(one.loading) for one in curve.components)}
    if not count or len(lengths) > 1:
        return "rows of several lengths", "a centre and a deviation for each value"
    if len(curve.farthest) != curve.n or len(curve.seeds) != curve.n or not curve.reason.strip():
        return f"n = {curve.n}, {len(curve.seeds)} seeds", "a reason, n seeds and n distances"
    numbers = (*curve.centre, *curve.sd, *curve.farthest)
    variances = [one.variance for one in curve.components]
    if not all(map(math.isfinite, numbers)) or min(*curve.sd, *variances, math.inf) <= 0:
        return "numbers that are not finite, or no spread", "finite statistics"
    try:
        return _find_widened(curve)
    except (ValueError, OverflowError) as error:
        return str(error), "statistics of at least 3 runs"


def _find_widened(curve: GoldenCurve) -> tuple[str, str] | None:
    """Say which number was set by hand: all of them follow from distances and deviations."""
    args = (curve.farthest, len(curve.centre), curve.confidence, curve.sides)
    independent = find_independent(*args)
    alone = share_coverage(curve.coverage, len(curve.components))
    factor = find_factor(curve.farthest, independent, alone, curve.confidence, curve.sides)
    for name, stated, computed in (
        ("independent", curve.independent, independent),
        ("factor", curve.factor, factor),
    ):
        # Not ==: another mathematical library differs in the last bits.
        if not math.isclose(stated, computed, rel_tol=1e-6):
            return f"{name} {stated:.9g}", f"{computed:.9g}, from its distances"
    for stated_edge, edge in zip((curve.low, curve.high), bounds(curve), strict=True):
        if not _is_same_edge(stated_edge, edge):
            return "an edge of the band", "that of its centres, deviations and factor"
    return None


def _is_same_edge(stated: tuple[float, ...] | None, edge: tuple[float, ...] | None) -> bool:
    if stated is None or edge is None:
        return stated is edge
    return len(stated) == len(edge) and all(
        math.isclose(one, other, rel_tol=_SAME, abs_tol=_SAME * 1e-300)
        for one, other in zip(stated, edge, strict=True)
    )


def _turn(deviation: float, sides: str) -> float:
    """Return how far a deviation goes towards a bounded side."""
    if sides == "two":
        return abs(deviation)
    return -deviation if sides == "low" else deviation
