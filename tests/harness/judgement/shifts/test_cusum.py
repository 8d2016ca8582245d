"""Sums since a golden against runs whose law is known."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from harness.judgement.shifts import cusum, family
from harness.judgement.shifts.cusum import Reference


def _draw(chance: random.Random, count: int, level: float = 0.0) -> list[float]:
    return [chance.gauss(level, 1) for _ in range(count)]


def _calibrate(chance: random.Random, count: int = 12) -> Reference:
    values = _draw(chance, count)
    return Reference(
        mean=statistics.fmean(values), deviation=statistics.stdev(values), count=count
    )


def test_clean_runs_stay_by_their_golden() -> None:
    """Of 150 goldens of twelve seeds at most three alarm within 100 clean runs."""
    chance = random.Random(1)  # noqa: S311 - repeatable, no secret
    alarms = [
        cusum.find_drift(_draw(chance, 100), _calibrate(chance)) is not None for _ in range(150)
    ]

    assert sum(alarms) <= 3


def test_a_level_beside_the_golden_is_found() -> None:
    """A level three standard deviations away is found within 20 runs, nine times of ten."""
    chance = random.Random(2)  # noqa: S311 - repeatable, no secret
    drifts = [cusum.find_drift(_draw(chance, 20, 3.0), _calibrate(chance)) for _ in range(100)]

    assert sum(drift is not None for drift in drifts) >= 85


def test_a_slow_slide_is_found_where_it_began() -> None:
    """A slide that no single step shows is found by its sum, with its direction."""
    known = Reference(mean=1.0, deviation=0.1, count=30)
    values = [1.0] * 30 + [1.0 - 0.004 * i for i in range(100)]

    drift = cusum.find_drift(values, known)

    assert drift is not None
    assert 30 <= drift.start < drift.seen
    assert drift.offset < -1.0


def test_a_single_run_is_for_the_guard() -> None:
    """One run far from the golden is no drift; three in a row are."""
    known = Reference(mean=0.0, deviation=1.0, count=40)

    assert cusum.find_drift([0.0] * 5 + [1e9] + [0.0] * 5, known) is None
    assert cusum.find_drift([1e9], known) is None
    assert cusum.find_drift([0.0] * 5 + [1e9] * 3, known) is not None


def test_too_few_seeds_say_nothing() -> None:
    """A golden of two seeds has no limit that could be passed."""
    known = Reference(mean=0.0, deviation=1.0, count=2)

    assert cusum.find_drift([50.0] * 40, known) is None


def test_a_family_shares_its_rate() -> None:
    """Series that vary share the rate; a constant one takes none of it."""
    values = {"a": [1.0, 2.0], "b": [1.0, 3.0], "c": [4.0, 4.0]}

    assert family.share_rate(values, 0.01) == pytest.approx(0.005)
    assert family.share_rate({}, 0.01) == 0.01
    assert math.isclose(family.share_rate({"c": [1.0]}, 0.01), 0.01)


def test_a_family_needs_more_than_one_alone() -> None:
    """A step that is just enough for one series is not enough for one of fifty."""
    chance = random.Random(0)  # noqa: S311 - repeatable, no secret
    step = _draw(chance, 30) + _draw(chance, 4, 5.0)
    others = {str(i): _draw(chance, 34) for i in range(50)}

    assert family.find_family({"step": step})["step"]
    assert not family.find_family({"step": step, **others})["step"]
