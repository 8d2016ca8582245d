"""The values of a metric, run after run, in; out, where a new level began and was noticed.

After each run every split of the segment since the last shift is tried: Student's t between the
two sides. A shift is called where three things agree: t is beyond its limit, still so when the
runs are as dependent on each other as they look, and the values before and after part by order
alone, which holds whatever their law. A run that lies far off counts as one that lies some
deviations off, so that a single one is no shift.

What was called stays called: each answer rests on the runs up to it, so that more runs only add
to it. After a shift the search begins anew with the runs of the new level, which makes one
alarm of one shift. Where runs repeat bit for bit the noise is taken as a thousandth of the
level: the same seed on another instruction set moves a number by up to 3e-4.

Sources: D. M. Hawkins, P. Qiu and C. W. Kang, Journal of Quality Technology 35 (2003), the
change-point model of a running process; P. J. Huber, Robust Statistics (1981), clipping.
"""

from __future__ import annotations

import bisect
import itertools
import math
import statistics
from collections.abc import Sequence

from harness.frozen import dataclass
from harness.judgement.shifts import limits
from harness.judgement.shifts.limits import RATE, Limits

LEAST_RUNS = 8  # of a segment, before anything is called in it
FINEST = 1e-3  # of the level: smaller noise is taken as this much
_LEAST_BEFORE, _LEAST_AFTER = 3, 2
_RECENT = 8  # runs after a split that is tried after each run
_SELDOM = 5  # all other splits are tried after each fifth run
_CLIP = 4.0  # standard deviations from the median
_QUARTILES = 1.349  # standard deviations between the quartiles of a normal law
_PLAUSIBLE = 3.84  # 95 % quantile of χ² with one degree of freedom
_MOST_DEPENDENT = 0.9
_TO_DEVIATION = 1.4826  # from the median deviation of a normal law


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A new level.

    ``cut`` is the index of its first run as it looked when it was noticed, at run ``seen``.
    ``earliest`` and ``latest`` bound that first run with 95 % confidence by all that is known
    since. ``before`` and ``after`` are medians of both levels, ``noise`` is the standard
    deviation about them.
    """

    cut: int
    seen: int
    earliest: int
    latest: int
    before: float
    after: float
    noise: float

    @property
    def size(self) -> float:
        """How far the level moved, with its sign [unit of the values]."""
        return self.after - self.before


def find_shifts(values: Sequence[float], rate: float = RATE) -> tuple[Shift, ...]:
    """Return the lasting shifts of a series, in order.

    Args:
        values: Finite numbers in the order of the runs.
        rate: Share of stationary series that may raise an alarm within 100 runs.

    Raises:
        ValueError: The rate does not lie in (0, 1).
    """
    if len(values) < LEAST_RUNS:
        return ()
    # A power of two changes no digit, and no square overflows.
    largest = max(map(abs, values))
    factor = 2.0 ** -math.frexp(largest)[1] if largest else 1.0
    scaled = [value * factor for value in values]
    known = limits.limits_of(rate, -(-len(values) // 100) * 100)
    calls, start = [], 0
    while (call := _next_call(scaled[start:], known)) is not None:
        calls.append((start + call[0], start + call[1]))
        start += call[0]
    edges = [0, *(cut for cut, _ in calls), len(values)]
    return tuple(
        _describe(scaled, edges[index : index + 3], seen, factor)
        for index, (_, seen) in enumerate(calls)
    )


def _next_call(values: list[float], known: Limits) -> tuple[int, int] | None:
    """Return the first shift of a segment: its cut, and the run at which it is noticed."""
    if len(values) < LEAST_RUNS:
        return None
    clipped = _clip(values)
    sums = [0.0, *itertools.accumulate(clipped)]
    squares = [0.0, *itertools.accumulate(value * value for value in clipped)]
    for n in range(LEAST_RUNS, len(values) + 1):
        mean = sums[n] / n
        spread = squares[n] - sums[n] * mean
        finest = (FINEST * (values[0] + mean)) ** 2
        tried = [(max(_LEAST_BEFORE, n - _RECENT), known.recent[n])]
        if n % _SELDOM == 0:
            tried.append((_LEAST_BEFORE, known.anywhere[n]))
        for low, limit in tried:
            cut, between = _best_split(sums, n, mean, low)
            within = max(0.0, spread - between) / (n - 2)
            if between <= limit * (within + finest) and not (
                within <= finest and between > known.settled * 2 * finest > 0
            ):
                continue
            if within <= finest or _is_lasting(values[:n], clipped[:n], cut, known, limit):
                return cut, n - 1
    return None


def _clip(values: list[float]) -> list[float]:
    """Return values about the first, none farther from the median of those before it.

    The first few are held to their own median.
    """
    offset, clipped = values[0], []
    ordered = sorted(value - offset for value in values[:LEAST_RUNS])
    for index, value in enumerate(values):
        moved, count = value - offset, len(ordered)
        middle = ordered[count // 2]
        reach = (ordered[3 * count // 4] - ordered[count // 4]) / _QUARTILES
        # By the value itself too: zeros alone would let nothing pass.
        reach = _CLIP * max(reach, FINEST * max(abs(offset + middle), abs(value)))
        clipped.append(min(max(moved, middle - reach), middle + reach))
        if index >= LEAST_RUNS:
            bisect.insort(ordered, moved)
    return clipped


def _best_split(sums: list[float], n: int, mean: float, low: int) -> tuple[int, float]:
    """Return the split that explains most of n values, and how much [squared deviations]."""
    best, most = low, 0.0
    for cut in range(low, n - _LEAST_AFTER + 1):
        apart = sums[cut] - cut * mean
        gain = apart * apart / (cut * (n - cut))
        if gain > most:
            best, most = cut, gain
    return best, most * n


def _is_lasting(
    values: list[float], clipped: list[float], cut: int, known: Limits, limit: float
) -> bool:
    """Say whether a split holds for dependent runs and for values of any law."""
    n = len(values)
    levels = [statistics.fmean(clipped[:cut]), statistics.fmean(clipped[cut:])]
    rest = [v - levels[i >= cut] for i, v in enumerate(clipped)]
    within = sum(v * v for v in rest)
    if within:
        together = sum(a * b for a, b in itertools.pairwise(rest))
        # About estimated means, independent values look a little less alike than they are.
        alike = min(_MOST_DEPENDENT, max(0.0, together / within + 1 / n))
        between = cut * (n - cut) / n * (levels[1] - levels[0]) ** 2
        if between * (1 - alike) / (1 + alike) <= limit * within / (n - 2):
            return False
    return limits.order_tail(values[:cut], values[cut:]) <= known.orders[n]


def _describe(values: list[float], edges: Sequence[int], seen: int, factor: float) -> Shift:
    """Describe a shift by all runs of both levels; ``factor`` is what values were scaled by."""
    start, cut, end = edges
    before, after = values[start:cut], values[cut:end]
    middle = statistics.median(before), statistics.median(after)
    apart = [abs(v - middle[0]) for v in before] + [abs(v - middle[1]) for v in after]
    noise = _TO_DEVIATION * statistics.median(apart)
    finest = FINEST * max(map(abs, middle))
    reach = _CLIP * max(noise, finest)
    least, most = min(middle) - reach, max(middle) + reach
    held = [min(max(value, least), most) - middle[0] for value in values[start:end]]
    earliest, latest = _plausible(held, cut - start, finest)
    return Shift(
        cut=cut,
        seen=seen,
        earliest=start + earliest,
        latest=start + latest,
        before=middle[0] / factor,
        after=middle[1] / factor,
        noise=noise / factor,
    )


def _plausible(values: list[float], cut: int, finest: float) -> tuple[int, int]:
    """Return the first and last split that are nearly as likely as the best one."""
    n = len(values)
    sums = [0.0, *itertools.accumulate(values)]
    spread = sum(value * value for value in values) - sums[n] ** 2 / n
    costs = {}
    for split in range(1, n):
        apart = sums[split] - split * sums[n] / n
        within = max(0.0, spread - apart * apart * n / (split * (n - split)))
        costs[split] = n * math.log(within / n + finest**2 or 1.0)
    near = min(costs.values()) + _PLAUSIBLE
    plausible = [split for split, cost in costs.items() if cost <= near or split == cut]
    return plausible[0], plausible[-1]
