"""How wide the band of a curve is: one factor for all its values, learnt from the runs.

A run leaves the band ``centre ± k·sd`` where its farthest value does, so k depends on
how many values move by themselves: of a smooth curve far fewer than it has. That number is
learnt from the runs. Each is held against the others, the share of single values that
would lie beyond its farthest one is known (Student's t), and of q independent values the
smallest share is below p in 1 − (1 − p)^q of all runs. With its upper bound for q, k is that of
a single golden whose interval holds ``coverage^(1/q)``, the same for a curve of one value.

Source: Šidák, Rectangular confidence regions, JASA 62 (1967); the effective number of tests as
in Cheverud, Heredity 87 (2001), here from leave-one-out maxima in place of eigenvalues.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.judgement.golden import components, curve, tolerance
from harness.judgement.golden.curve import GoldenCurve, Position

_SAME = 1e-9


def list_farthest(rows: Sequence[Sequence[float]], sides: str) -> tuple[float, ...]:
    """Return how far the farthest value of each run lies from the other runs [deviations].

    Args:
        rows: (m, n) values of each run, on the scale of the golden.
        sides: Towards which side distance counts.
    """
    count = len(rows)
    farthest = [-curve.FARTHEST] * count
    for column in zip(*rows, strict=True):
        mean = math.fsum(column) / count
        total = math.fsum((value - mean) ** 2 for value in column)
        for index, value in enumerate(column):
            # Without the run itself: its distance from the others' mean is larger by
            # m/(m − 1), their sum of squares smaller by its own part.
            own = value - mean
            rest = max(0.0, total - own * own * count / (count - 1))
            far = curve.turn(own * count / (count - 1), sides)
            sd = math.sqrt(rest / (count - 2))
            # Others that are all the same leave rounding for a rest.
            is_lone = sd <= _SAME * abs(own)
            distance = (
                math.copysign(curve.FARTHEST, far) if is_lone and far else far / (sd or 1.0)
            )
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


def find_width(
    farthest: Sequence[float], count: int, coverage: float, confidence: float, sides: str
) -> tuple[float, float]:
    """Return how many values at most move by themselves, and the half width of the band."""
    independent = find_independent(farthest, count, confidence, sides)
    return independent, find_factor(farthest, independent, coverage, confidence, sides)


def measure(golden: GoldenCurve, values: Sequence[float]) -> Position:
    """Say where a run lies in a band.

    Args:
        golden: Its band.
        values: As many as it has, finite, in the metric's own unit.
    """
    scores = []
    for value, centre, sd in zip(values, golden.centre, golden.sd, strict=True):
        has_place = golden.scale == "linear" or value > 0
        place = curve.scale(value, golden.scale) if has_place else -math.inf
        scores.append((place - centre) / sd)
    parts = tuple(curve.turn(score, golden.sides) / golden.factor for score in scores)
    if not golden.components:
        return Position(parts=parts, together=None)
    limit = components.find_limit(golden.n, len(golden.components), (1 - golden.coverage) / 2)
    return Position(parts=parts, together=components.measure(golden.components, scores) / limit)


def find_damage(golden: GoldenCurve) -> tuple[str, str] | None:
    """Say what of a curve's numbers does not follow from the others, and what would."""
    if golden.scale not in curve.SCALES or golden.sides not in curve.SIDES:
        return f"{golden.scale}, {golden.sides}", "a known scale and sides"
    count = len(golden.centre)
    lengths = {count, len(golden.sd), *(len(one.loading) for one in golden.components)}
    if not count or len(lengths) > 1:
        return "rows of several lengths", "a centre and a deviation for each value"
    if (
        len(golden.farthest) != golden.n
        or len(golden.seeds) != golden.n
        or not golden.reason.strip()
    ):
        return f"n = {golden.n}, {len(golden.seeds)} seeds", "a reason, n seeds and n distances"
    numbers = (*golden.centre, *golden.sd, *golden.farthest)
    variances = [one.variance for one in golden.components]
    if not all(map(math.isfinite, numbers)) or min(*golden.sd, *variances, math.inf) <= 0:
        return "numbers that are not finite, or no spread", "finite statistics"
    try:
        return _find_widened(golden)
    except (ValueError, OverflowError) as error:
        return str(error), "statistics of at least 3 runs"


def _find_widened(golden: GoldenCurve) -> tuple[str, str] | None:
    """Say which number was set by hand: all of them follow from distances and deviations."""
    independent, factor = find_width(
        golden.farthest,
        len(golden.centre),
        share_coverage(golden.coverage, len(golden.components)),
        golden.confidence,
        golden.sides,
    )
    for name, stated, computed in (
        ("independent", golden.independent, independent),
        ("factor", golden.factor, factor),
    ):
        # Not ==: another mathematical library differs in the last bits.
        if not math.isclose(stated, computed, rel_tol=1e-6):
            return f"{name} {stated:.9g}", f"{computed:.9g}, from its distances"
    for stated_edge, edge in zip((golden.low, golden.high), curve.bounds(golden), strict=True):
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


def find_noticed(golden: GoldenCurve) -> tuple[float, ...]:
    """Return the shift of each value alone that is red in 99 of 100 runs.

    A difference, or a factor on a log scale, towards a bounded side.
    """
    sign = -1 if golden.sides == "low" else 1
    reach = golden.factor + tolerance.normal_quantile(0.99)
    shifts = (sign * reach * sd for sd in golden.sd)
    return tuple(one if golden.scale == "linear" else 10.0**one for one in shifts)
