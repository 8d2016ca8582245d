"""A false-alarm rate in, limits out: how far apart two levels must lie to be no chance.

A rate is the share of stationary series that may raise an alarm within 100 runs, judged after
each of them. The constants turn it into the tail of a single comparison. They come from
simulation; `docs/history-power.md` holds the rates that they lead to.

Sources: D. P. Gaver and K. Kafadar, The American Statistician 38 (1984), Student's quantile in
closed form; H. B. Mann and D. R. Whitney, Annals of Mathematical Statistics 18 (1947).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

from harness.frozen import dataclass

RATE = 0.01
# Tails of one comparison, as parts of the rate: of a split among the newest runs, of one
# anywhere, and, for each seed of a golden, of a sum since it.
_RECENT, _ANYWHERE, _GOLDEN = 1e-2, 6e-4, 0.1
# The tail of the order of the values before and after a split. Five runs have few orders among
# twenty and many among eighty: where few are possible more is spent, so that a level of early
# runs can be called at all.
_ORDER, _FEW_RUNS, _ORDER_FALLS = 3e-2, 25, 1.5
_EXACT_ORDERS = 12  # runs on the shorter side; from here on the normal law will do
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of a rate: squares of Student's t by the number n of runs, and a tail of orders.

    ``settled`` is the square for noise that is known: what ``recent`` tends to. ``orders`` are
    tails of the order of the values, by n too.
    """

    recent: tuple[float, ...]
    anywhere: tuple[float, ...]
    settled: float
    orders: tuple[float, ...]


@lru_cache(maxsize=16)
def limits_of(rate: float, runs: int) -> Limits:
    """Return the limits for series of at most so many runs.

    Raises:
        ValueError: The rate does not lie in (0, 1).
    """
    if not 0 < rate < 1:
        raise ValueError(f"a rate of {rate}; it lies in (0, 1)")
    recent, anywhere = rate * _RECENT, rate * _ANYWHERE
    counts = range(runs + 1)
    return Limits(
        recent=tuple(square_of(recent, n - 2) for n in counts),
        anywhere=tuple(square_of(anywhere, n - 2) for n in counts),
        settled=_NORMAL.inv_cdf(recent / 2) ** 2,
        orders=tuple(
            rate * _ORDER * (_FEW_RUNS / max(n, _FEW_RUNS)) ** _ORDER_FALLS for n in counts
        ),
    )


def golden_limit(rate: float, count: int) -> float:
    """Return the limit of a sum since a golden of ``count`` seeds [its standard errors]."""
    return math.sqrt(square_of(rate * _GOLDEN / max(count, 1), count - 1))


def square_of(tail: float, freedom: int) -> float:
    """Return t² with a two-sided tail; infinite where nothing can be said.

    Within 2 % of the quantile from 6 degrees of freedom on, for tails down to 1e-7.
    """
    if freedom < 2:  # noqa: PLR2004 - no spread to speak of
        return math.inf
    z = _NORMAL.inv_cdf(tail / 2)
    exponent = z * z * (freedom - 1.5) / (freedom - 1) ** 2
    return freedom * math.expm1(min(exponent, 600.0))  # so that nothing overflows


def order_tail(before: Sequence[float], after: Sequence[float]) -> float:
    """Return how often chance parts values by size as well as this (two-sided).

    Whatever the law of the values: only their order counts. Exact where one side is short.
    """
    ordered, few, many = sorted(before), len(after), len(before)
    places = [bisect.bisect_left(ordered, x) + bisect.bisect_right(ordered, x) for x in after]
    inversions = sum(places) / 2
    inversions = min(inversions, few * many - inversions)
    few, many = min(few, many), max(few, many)
    if few > _EXACT_ORDERS:
        spread = math.sqrt(few * many * (few + many + 1) / 12)
        return math.erfc(max(0.0, few * many / 2 - inversions - 0.5) / spread / math.sqrt(2))
    return min(1.0, 2 * _orders(few, many, math.ceil(inversions)) / math.comb(few + many, few))


def _orders(few: int, many: int, most: int) -> int:
    """Count the orders of few among many values with at most so many inversions.

    They are the coefficients of the Gaussian binomial ∏ (1 − x^(many+i)) / (1 − x^i).
    """
    counts = [1] + [0] * most
    for i in range(1, few + 1):
        for power in range(most, many + i - 1, -1):
            counts[power] -= counts[power - many - i]
        for power in range(i, most + 1):
            counts[power] += counts[power - i]
    return sum(counts)
