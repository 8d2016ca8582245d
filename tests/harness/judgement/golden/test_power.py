"""Simulated calibrations against what the tolerance factors promise."""

from __future__ import annotations

import pytest

from harness.judgement.golden import power


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
