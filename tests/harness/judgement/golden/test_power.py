"""Simulated calibrations against what the tolerance factors promise."""

from __future__ import annotations

import pytest

from harness.judgement.golden import power


@pytest.mark.parametrize("n", [12, 30])
def test_trials_meet_theory(n: int) -> None:
    """Clean values are red as often as computed, below 5 %; a collapse by ten is seen."""
    found = power.simulate(n, 0.95, 0.95, shift=10.0)

    spread = (found.expected_false_red * (1 - found.expected_false_red) / power.TRIALS) ** 0.5
    assert abs(found.false_red - found.expected_false_red) < 4 * spread
    assert found.false_red <= 0.05
    assert found.power >= 0.99
