"""Tolerance factors against theory, tables and simulation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import integrate, stats

from harness.judgement.golden import tolerance


@pytest.mark.parametrize(("coverage", "confidence"), [(0.95, 0.95), (0.99, 0.9), (0.999, 0.95)])
def test_two_sided_is_howes(coverage: float, confidence: float) -> None:
    """The two-sided factor is z·√((n−1)(1+1/n)/χ²) to ten digits, for n from 3 to 100."""
    for n in range(3, 101):
        chi = stats.chi2.ppf(1 - confidence, n - 1)
        expected = stats.norm.ppf((1 + coverage) / 2) * math.sqrt((n - 1) * (1 + 1 / n) / chi)

        assert tolerance.two_sided(n, coverage, confidence) == pytest.approx(
            expected, rel=1e-10
        )


@pytest.mark.parametrize(
    ("coverage", "confidence", "sizes"),
    [
        pytest.param(0.95, 0.95, range(3, 101), marks=pytest.mark.slow),
        (0.999, 0.9, (3, 4, 7, 12, 30, 100)),
    ],
)
def test_one_sided_is_noncentral_t(
    coverage: float, confidence: float, sizes: Sequence[int]
) -> None:
    """The one-sided factor is the noncentral t quantile over √n, to eight digits."""
    for n in sizes:
        shift = stats.norm.ppf(coverage) * math.sqrt(n)
        expected = stats.nct.ppf(confidence, n - 1, shift) / math.sqrt(n)

        assert tolerance.one_sided(n, coverage, confidence) == pytest.approx(expected, rel=1e-8)


def test_design_table_is_met() -> None:
    """The factors that the design states, to its two decimals."""
    table = {3: 9.99, 5: 5.09, 6: 4.42, 8: 3.74, 10: 3.38, 20: 2.75, 30: 2.55}

    assert {n: round(tolerance.two_sided(n, 0.95, 0.95), 2) for n in table} == table


@pytest.mark.parametrize("n", [3, 12, 30])
def test_two_sided_reaches_its_confidence(n: int) -> None:
    """Integrated over mean and sd, the confidence of the factor is 0.95 within 0.002."""
    factor = tolerance.two_sided(n, 0.95, 0.95)

    def confidence_given(mean: float) -> float:
        # The half-width r with Φ(mean + r) − Φ(mean − r) = 0.95, then P(k·S ≥ r).
        low, high = 0.0, 20.0
        for _ in range(60):
            r = (low + high) / 2
            inside = stats.norm.cdf(mean + r) - stats.norm.cdf(mean - r)
            low, high = (r, high) if inside < 0.95 else (low, r)
        return float(stats.chi2.sf((n - 1) * (low / factor) ** 2, n - 1))

    reach = 6 / math.sqrt(n)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    density = stats.norm.pdf(nodes * reach, scale=1 / math.sqrt(n))
    values = np.array([confidence_given(abs(x) * reach) for x in nodes])
    confidence = float(np.sum(weights * values * density) * reach)

    assert 0.948 < confidence < 0.952


@pytest.mark.parametrize("two", [True, False])
@pytest.mark.parametrize("n", [3, 12, 60])
def test_false_red_rate_is_students(n: int, two: bool) -> None:  # noqa: FBT001
    """The expected rate of false alarms is the tail of Student's t."""
    tail = stats.t.sf(2.5 / math.sqrt(1 + 1 / n), n - 1)

    rate = tolerance.false_red_rate(n, 2.5, two=two)

    assert rate == pytest.approx(2 * tail if two else tail, rel=1e-7)


@pytest.mark.parametrize("n", [12, 20])
@pytest.mark.parametrize("sides", ["two", "one"])
def test_false_alarms_stay_below_five_percent(n: int, sides: str) -> None:
    """In 10⁴ calibrations a fresh clean value is red in at most 5 %, as expected."""
    rng = np.random.default_rng(20260102)
    samples, fresh = rng.normal(size=(10_000, n)), rng.normal(size=10_000)
    distance = (fresh - samples.mean(axis=1)) / samples.std(axis=1, ddof=1)
    factor = (tolerance.two_sided if sides == "two" else tolerance.one_sided)(n, 0.95, 0.95)

    rate = np.mean(np.abs(distance) > factor if sides == "two" else distance > factor)

    expected = tolerance.false_red_rate(n, factor, two=sides == "two")
    assert rate <= 0.05
    assert rate == pytest.approx(expected, abs=4 * math.sqrt(expected / 10_000))


@pytest.mark.parametrize("spread", [0.05, 0.1])
@pytest.mark.parametrize("direction", [-1, 1])
def test_tenfold_change_is_noticed(spread: float, direction: int) -> None:
    """With 12 seeds on a log scale a tenfold collapse or burst is red in over 99 %.

    ``spread`` is the standard deviation in decades: a factor of 1.1 and of 1.26.
    """
    rng = np.random.default_rng(7)
    samples = rng.normal(-3, spread, size=(10_000, 12))
    broken = rng.normal(-3 + direction, spread, size=10_000)
    reach = tolerance.two_sided(12, 0.95, 0.95) * samples.std(axis=1, ddof=1)

    power = np.mean(np.abs(broken - samples.mean(axis=1)) > reach)

    assert power >= 0.99


@pytest.mark.parametrize(
    "arguments",
    [
        (2, 0.95, 0.95),
        *((12, wrong, 0.95) for wrong in (-0.5, 0.0, 1.0, 1.5)),
        *((12, 0.95, wrong) for wrong in (-0.5, 0.0, 1.0, 1.5)),
    ],
)
def test_impossible_plans_are_refused(arguments: tuple[int, float, float]) -> None:
    """Too few values and probabilities that are none are refused."""
    for factor in (tolerance.one_sided, tolerance.two_sided):
        with pytest.raises(ValueError, match=r"needs 3|both lie in \(0, 1\)"):
            factor(*arguments)


def test_bisection_is_as_good_as_quadrature() -> None:
    """The noncentral t distribution agrees with adaptive quadrature of its definition."""
    freedom, shift, t = 4, 3.0, 5.0

    def integrand(s: float) -> float:
        density = stats.chi2.pdf(freedom * s * s, freedom) * 2 * freedom * s
        return float(stats.norm.cdf(t * s - shift) * density)

    expected, _ = integrate.quad(integrand, 0, 10, epsabs=1e-12)

    assert tolerance._noncentral_t(freedom, shift)(t) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("runs", [1, 3, 5, 10])
@pytest.mark.parametrize("n", [12, 30])
def test_factors_of_several_runs_have_closed_forms(n: int, runs: int) -> None:
    """The mean of r runs scatters by σ/√r: noncentral t to one side, Student's t of reds."""
    shift = stats.norm.ppf(0.999) * math.sqrt(n / runs)
    one = stats.nct.ppf(0.95, n - 1, shift) / math.sqrt(n)
    two = tolerance.two_sided(n, 0.999, 0.95, runs)
    tail = stats.t.sf(two / math.sqrt(1 / runs + 1 / n), n - 1)

    assert tolerance.one_sided(n, 0.999, 0.95, runs) == pytest.approx(one, rel=1e-8)
    assert tolerance.false_red_rate(n, two, two=True, runs=runs) == pytest.approx(2 * tail)


@pytest.mark.parametrize("runs", [1, 3, 5, 10])
def test_bands_of_several_runs_reach_their_confidence(runs: int) -> None:
    """Of 50,000 calibrations 92 to 98 % hold 99.9 % of the means of r further runs."""
    rng, n = np.random.default_rng(7), 12
    factor = tolerance.two_sided(n, 0.999, 0.95, runs)
    mean = rng.normal(0, 1 / math.sqrt(n), 50_000)
    reach = factor * np.sqrt(rng.chisquare(n - 1, 50_000) / (n - 1))

    ends = (mean + reach) * math.sqrt(runs), (mean - reach) * math.sqrt(runs)
    content = stats.norm.cdf(ends[0]) - stats.norm.cdf(ends[1])

    assert 0.92 < np.mean(content >= 0.999) < 0.98


def test_no_run_has_no_mean() -> None:
    """At least one run is judged."""
    for factor in (tolerance.two_sided, tolerance.one_sided):
        with pytest.raises(ValueError, match="0 runs"):
            factor(12, 0.95, 0.95, 0)
