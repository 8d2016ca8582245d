"""Simulated calibrations against what the tolerance factors promise."""

from __future__ import annotations

import numpy as np
import pytest

from harness.judgement.golden import power, tolerance


@pytest.mark.parametrize("n", [12, 30])
def test_trials_meet_theory(n: int) -> None:
    """Clean values are red as often as computed, below 5 %; a collapse by ten is seen."""
    simulation = power.simulate(n, 0.95, 0.95, shift=10.0)

    spread = (
        simulation.expected_false_red * (1 - simulation.expected_false_red) / power.TRIALS
    ) ** 0.5
    assert abs(simulation.false_red - simulation.expected_false_red) < 4 * spread
    assert simulation.false_red <= 0.05
    assert simulation.power >= 0.99


@pytest.mark.parametrize(("shift", "low", "high"), [(0.0, 0.0, 0.068), (5.0, 0.99, 1.0)])
def test_two_looks_keep_one_rate_for_a_suite(shift: float, low: float, high: float) -> None:
    """Six goldens over three runs, and over six where one is red: at most the sum of rates.

    Simulated: 4,000 suites, each calibrated on twelve values of each metric; then one metric is
    moved by a number of its deviations.
    """
    rng, suites, metrics, n, runs = np.random.default_rng(11), 4_000, 6, 12, 3
    clean = rng.normal(size=(suites, metrics, n))
    mean, sd = clean.mean(axis=2), clean.std(axis=2, ddof=1)
    fresh = rng.normal(size=(suites, metrics, 2 * runs))
    fresh[:, 0] += shift

    looks = [
        np.abs(fresh[:, :, :count].mean(axis=2) - mean)
        > tolerance.two_sided(n, 0.95, 0.95, count) * sd
        for count in (runs, 2 * runs)
    ]
    red = looks[0].any(axis=1) & looks[1].any(axis=1)

    factor = tolerance.two_sided(n, 0.95, 0.95, 2 * runs)
    rate = metrics * tolerance.false_red_rate(n, factor, two=True, runs=2 * runs)
    assert rate == pytest.approx(0.0676, abs=0.0005)
    assert low <= red.mean() <= high
