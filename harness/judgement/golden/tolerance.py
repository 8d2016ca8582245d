"""Normal tolerance factors: how far from the mean of n values the next ones may lie.

``mean ± k·sd`` holds a share ``coverage`` of a normal population in a share ``confidence``
of all samples of size n. One-sided factors are exact (a quantile of the noncentral t
distribution); two-sided ones are Howe's, whose true confidence at 95/95 lies within 0.002
of the stated one from n = 3 on. Standard library only.

Our own rather than SciPy's quantiles: verifying a hub recomputes the bounds of its goldens, and
must not need an array library for it. Tests hold these factors against SciPy's.

Notation: p coverage, γ confidence, ν = n − 1, δ = z_p·√n, T = (Z + δ)/S with νS² ~ χ²_ν.

Source: Howe, Two-sided tolerance limits for normal populations, JASA 64 (1969); Hahn and
Meeker, Statistical Intervals, sections 4.6 and E.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

SMALLEST_N = 3
_NORMAL = NormalDist()
_PANELS = 2000  # of Simpson's rule; the integrand is smooth and the error below 1e-9
_REACH = 10.0  # standard deviations of S that are integrated over
_TINY = 1e-300
_STEPS = 500
_CLOSE = 1e-15


@lru_cache(maxsize=256)
def two_sided(n: int, coverage: float, confidence: float, runs: int = 1) -> float:
    """Return k of the interval ``mean ± k·sd`` for the mean of so many further runs.

    Raises:
        ValueError: Fewer than three values, no run, or a probability outside (0, 1).
    """
    _require(n, coverage, confidence, runs)
    z = _NORMAL.inv_cdf((1 + coverage) / 2)
    # 1/n for the mean, which is an estimate too; the low quantile for a deviation that came
    # out too small. A mean of r runs scatters by σ/√r.
    return z * math.sqrt(
        (n - 1) * (1 / runs + 1 / n) / _chi_square_quantile(1 - confidence, n - 1)
    )


@lru_cache(maxsize=256)
def one_sided(n: int, coverage: float, confidence: float, runs: int = 1) -> float:
    """Return k of the bound ``mean + k·sd`` (or ``mean − k·sd``), as ``two_sided``.

    Raises:
        ValueError: Fewer than three values, no run, or a probability outside (0, 1).
    """
    _require(n, coverage, confidence, runs)
    shift = _NORMAL.inv_cdf(coverage) * math.sqrt(n / runs)
    distribution = _noncentral_t(n - 1, shift)
    return _invert(distribution, confidence, start=max(shift, 1.0)) / math.sqrt(n)


def false_red_rate(n: int, factor: float, *, two: bool, runs: int = 1) -> float:
    """Return how often the mean of clean runs lies outside bounds made of n others.

    ``(x − mean)/(sd·√(1/r + 1/n))`` follows a t distribution with n − 1 degrees of freedom.
    """
    tail = 1 - _noncentral_t(n - 1, 0.0)(factor / math.sqrt(1 / runs + 1 / n))
    return max(0.0, 2 * tail if two else tail)


def normal_quantile(probability: float) -> float:
    """Return z with Φ(z) = probability."""
    return _NORMAL.inv_cdf(probability)


def chi_square_quantile(probability: float, freedom: int) -> float:
    """Return the value that a sum of so many squared normal numbers stays below."""
    return _chi_square_quantile(probability, freedom)


def f_quantile(probability: float, first: int, second: int) -> float:
    """Return the quantile of F, the ratio of two mean squares of so many normal numbers."""

    def distribution(x: float) -> float:
        return _incomplete_beta(first / 2, second / 2, first * x / (first * x + second))

    return _invert(distribution, probability, start=1.0)


def _require(n: int, coverage: float, confidence: float, runs: int) -> None:
    if runs < 1:
        raise ValueError(f"{runs} runs; at least one is judged")
    if n < SMALLEST_N:
        raise ValueError(f"{n} values; a tolerance interval needs {SMALLEST_N}")
    if not (0 < coverage < 1 and 0 < confidence < 1):
        raise ValueError(f"coverage {coverage}, confidence {confidence}; both lie in (0, 1)")


@lru_cache(maxsize=8)  # its weights serve every point
def _noncentral_t(freedom: int, shift: float) -> Callable[[float], float]:
    """Return the distribution function t ↦ ∫ Φ(t·s − δ) f(s) ds, f the density of S."""
    spread = 1 / math.sqrt(2 * freedom)
    # S lies about 1, with a deviation of 1/√(2ν).
    low, high = max(0.0, 1 - _REACH * spread), 1 + _REACH * spread
    step = (high - low) / _PANELS
    points = [low + i * step for i in range(_PANELS + 1)]
    # As a logarithm: the gamma function itself overflows at 171.
    constant = math.log(2) + freedom / 2 * math.log(freedom / 2) - math.lgamma(freedom / 2)
    weights = []
    for i, s in enumerate(points):
        simpson = 1 if i in (0, _PANELS) else 4 if i % 2 else 2
        log_density = constant + (freedom - 1) * math.log(s) - freedom * s * s / 2 if s else 0.0
        weights.append(simpson * step / 3 * math.exp(log_density) if s else 0.0)

    def distribution(t: float) -> float:
        root = math.sqrt(2)
        # erfc keeps its digits in the tail, where 1 − erf would have none left.
        return math.fsum(
            weight * math.erfc((shift - t * s) / root) / 2
            for s, weight in zip(points, weights, strict=True)
        )

    return distribution


def _chi_square_quantile(probability: float, freedom: int) -> float:
    half = freedom / 2
    return 2 * _invert(lambda x: _lower_gamma(half, x), probability, start=half)


def _lower_gamma(a: float, x: float) -> float:
    """Regularised lower incomplete gamma function P(a, x): series, or continued fraction."""
    if x <= 0:
        return 0.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    # Below the mean the series is the faster one, above it the fraction.
    if x < a + 1:
        term = total = 1 / a
        for i in range(1, _STEPS):
            term *= x / (a + i)
            total += term
        return front * total
    return 1 - front * _upper_fraction(a, x)


def _upper_fraction(a: float, x: float) -> float:
    """Continued fraction of Γ(a, x), by Lentz's method."""
    b = x + 1 - a
    c, d = 1 / _TINY, 1 / b
    value = d
    for i in range(1, _STEPS):
        numerator = -i * (i - a)
        b += 2
        d = 1 / (numerator * d + b or _TINY)
        c = b + numerator / c or _TINY
        value *= d * c
    return value


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # The fraction converges fast below the mean; above it, that of the complement.
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
    )
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for numerator in (even, odd):
            d = 1 / (1 + numerator * d or _TINY)
            c = 1 + numerator / c or _TINY
            value *= d * c
        if abs(d * c - 1) < _CLOSE:
            break
    return front * value / a


def _invert(function: Callable[[float], float], level: float, *, start: float) -> float:
    """Solve ``function(x) = level`` for x > 0, the function rising, to 12 digits."""
    low, high = 0.0, start
    while function(high) < level:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        # Neighbouring numbers: halving leads no further.
        if middle in (low, high):
            break
        low, high = (middle, high) if function(middle) < level else (low, middle)
    return high
