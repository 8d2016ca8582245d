"""Change points against series whose levels are known."""

from __future__ import annotations

import random

import pytest

from harness.reporting.website import change_points


def _noise(count: int, seed: int) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    return [chance.gauss(0, 1) for _ in range(count)]


@pytest.mark.parametrize("at", [3, 20, 97])
def test_a_step_is_found_where_it_is(at: int) -> None:
    """A step of twenty standard deviations is found at its run, also near an end."""
    values = [100 + 20 * (i >= at) + e for i, e in enumerate(_noise(100, at))]

    assert change_points.find(values) == [at]


def test_a_small_lasting_step_is_found_nearby() -> None:
    """A step of two standard deviations in the middle of a long series is found."""
    values = [100 + 2 * (i >= 60) + e for i, e in enumerate(_noise(120, 5))]

    cuts = change_points.find(values)

    assert len(cuts) == 1
    assert abs(cuts[0] - 60) <= 4


def test_noise_alone_rarely_alarms() -> None:
    """Of 200 series of noise at most one in fifty shows a change."""
    alarms = sum(bool(change_points.find(_noise(150, seed))) for seed in range(200))

    assert alarms <= 4


@pytest.mark.parametrize("at", [0, 1, 40, 79])
def test_a_single_run_is_no_change(at: int) -> None:
    """One run far off, even by decades or at an end, makes no new level."""
    values = [5 + e / 10 for e in _noise(80, 9)]
    values[at] = 3e7

    assert change_points.find(values) == []


def test_a_deterministic_series_shows_every_step() -> None:
    """Where runs repeat bit for bit, steps of a hundredth are found."""
    values = [1.0] * 10 + [1.02] * 10 + [0.97] * 10

    assert change_points.find(values) == [10, 20]


def test_decades_are_compared_as_logarithms() -> None:
    """A fall over six decades does not hide the step at the low end."""
    low = [10 ** (-8 + e / 50) for e in _noise(40, 3)]
    lower = [10 ** (-9 + e / 50) for e in _noise(40, 4)]
    high = [10 ** (-2 + e / 50) for e in _noise(40, 2)]

    assert change_points.find(high + low + lower) == [40, 80]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], [0.0] * 30, [-1e300] * 30])
def test_short_and_constant_series_have_none(values: list[float]) -> None:
    """Nothing is said about series that cannot change."""
    assert change_points.find(values) == []


def test_a_factor_changes_nothing() -> None:
    """The unit of a metric does not decide."""
    values = [3 + 4 * (i >= 30) + e for i, e in enumerate(_noise(70, 8))]

    assert change_points.find([1e200 * v for v in values]) == change_points.find(values) == [30]
