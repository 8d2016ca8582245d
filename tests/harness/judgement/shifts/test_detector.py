"""Shifts against series whose levels are known."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from harness.judgement.shifts import detector
from harness.judgement.shifts.detector import Shift


def _noise(count: int, seed: int) -> list[float]:
    chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
    return [chance.gauss(0, 1) for _ in range(count)]


def _dependent(count: int, seed: int, alike: float) -> list[float]:
    fresh = _noise(count, seed)
    values = fresh[:1]
    for one in fresh[1:]:
        values.append(alike * values[-1] + math.sqrt(1 - alike**2) * one)
    return values


def _cuts(values: Sequence[float]) -> list[int]:
    return [shift.cut for shift in detector.find_shifts(values)]


def _share(series: list[list[float]]) -> float:
    return sum(bool(detector.find_shifts(one)) for one in series) / len(series)


@pytest.mark.parametrize("at", [3, 20, 97])
def test_a_step_is_found_where_it_is(at: int) -> None:
    """A step of twenty standard deviations is found at its run, also near an end."""
    values = [100 + 20 * (i >= at) + e for i, e in enumerate(_noise(100, at))]

    assert _cuts(values) == [at]


def test_a_small_lasting_step_is_found_nearby() -> None:
    """A step of two standard deviations in the middle of a long series is found once."""
    values = [100 + 2 * (i >= 60) + e for i, e in enumerate(_noise(120, 5))]

    (shift,) = detector.find_shifts(values)

    assert abs(shift.cut - 60) <= 4
    assert shift.earliest <= 60 <= shift.latest


def test_a_step_is_noticed_by_its_fifth_run() -> None:
    """Of 100 steps of three standard deviations after 60 runs, at least 85 are noticed."""
    series = [
        [3 * (i >= 60) + e for i, e in enumerate(_noise(65, seed))] for seed in range(100)
    ]

    assert _share(series) >= 0.85


def test_noise_alone_rarely_alarms() -> None:
    """Of 300 series of 100 steady runs at most one in fifty alarms."""
    assert _share([_noise(100, seed) for seed in range(300)]) <= 0.02


def test_values_of_a_heavy_law_rarely_alarm() -> None:
    """Of 300 series whose runs lie far off now and then, at most one in fifty alarms."""
    series = [[math.exp(1.5 * e) for e in _noise(100, seed)] for seed in range(300)]

    assert _share(series) <= 0.02


def test_dependent_runs_alarm_less_than_they_seem() -> None:
    """Runs that follow their predecessors alarm in less than a seventh of all series."""
    assert _share([_dependent(100, seed, 0.5) for seed in range(200)]) <= 1 / 7


def test_answers_stand_when_runs_are_added() -> None:
    """What was called after some runs is called alike after more of them."""
    levels = (0.0, 4.0, -1.0)
    values = [levels[i // 30] + e for i, e in enumerate(_noise(90, 12))]
    whole = [(shift.cut, shift.seen) for shift in detector.find_shifts(values)]
    assert len(whole) == 2

    for count in range(len(values)):
        part = [(shift.cut, shift.seen) for shift in detector.find_shifts(values[:count])]
        assert part == [call for call in whole if call[1] < count]


@pytest.mark.parametrize("at", [0, 1, 40, 79])
def test_a_single_run_is_no_change(at: int) -> None:
    """One run far off, even by decades or at an end, makes no new level."""
    values = [5 + e / 10 for e in _noise(80, 9)]
    values[at] = 3e7

    assert _cuts(values) == []


def test_a_deterministic_series_shows_every_step() -> None:
    """Where runs repeat bit for bit, steps of a hundredth are found at their runs."""
    values = [1.0] * 10 + [1.02] * 10 + [0.97] * 10

    shifts = detector.find_shifts(values)

    assert [(s.cut, s.earliest, s.latest) for s in shifts] == [(10, 10, 10), (20, 20, 20)]
    assert [s.size for s in shifts] == pytest.approx([0.02, -0.05])
    assert all(s.noise == 0.0 and s.seen <= s.cut + 3 for s in shifts)


def test_rounding_is_no_step() -> None:
    """The same seed on another instruction set, 3e-4 away, is the same level."""
    assert _cuts([1.0] * 20 + [1.0003] * 20) == []


def test_zeros_may_end() -> None:
    """A count that was always zero, and is no more, has found a new level."""
    shifts = detector.find_shifts([0.0] * 10 + [1.0] * 4)

    assert [(s.cut, s.before, s.after) for s in shifts] == [(10, 0.0, 1.0)]


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], [0.0] * 30, [-1e300] * 30])
def test_short_and_constant_series_have_none(values: list[float]) -> None:
    """Nothing is said about series that cannot change."""
    assert _cuts(values) == []


def test_a_factor_changes_nothing() -> None:
    """The unit of a metric does not decide, nor on which side of zero it lies."""
    values = [3 + 4 * (i >= 30) + e for i, e in enumerate(_noise(70, 8))]

    assert _cuts([1e200 * v for v in values]) == _cuts([-v for v in values]) == [30]
    assert _cuts(values) == [30]


def test_levels_and_noise_are_told() -> None:
    """Both levels, the size and the noise of a shift are those it was made of."""
    values = [10 + 5 * (i >= 50) + 0.5 * e for i, e in enumerate(_noise(100, 2))]

    (shift,) = detector.find_shifts(values)

    assert isinstance(shift, Shift)
    assert shift.before == pytest.approx(10, abs=0.25)
    assert shift.after == pytest.approx(15, abs=0.25)
    assert shift.noise == pytest.approx(0.5, rel=0.3)
    assert shift.size == shift.after - shift.before
