"""Distances from an ensemble: against a loop, against known rates, and at their edges."""

from __future__ import annotations

import math
import random
import statistics

import pytest

from harness.judgement.golden import ensemble, tolerance


def draw(rng: random.Random, count: int, size: float = 1e-5) -> list[float]:
    """One member: deviations of half their neighbours' sizes."""
    return [rng.gauss(0.0, size * (1 + index % 7)) for index in range(count)]


def make(
    seed: int, members: int = 25, count: int = 300
) -> tuple[list[float], list[list[float]]]:
    rng = random.Random(seed)  # noqa: S311 - noise, not a secret
    reference = [rng.uniform(0.5, 2.0) for _ in range(count)]
    return reference, [[0.0] * count, *(draw(rng, count) for _ in range(members - 1))]


def test_distances_are_those_of_a_loop() -> None:
    """Leaving each member out in turn, with floors of the whole, gives the same numbers."""
    reference, rows = make(1, members=8, count=40)
    columns = list(zip(*rows, strict=True))
    sds = [statistics.stdev(column) for column in columns]
    quiet = sorted(sd / r for sd, r in zip(sds, reference, strict=True))[2]  # of forty
    expected = []
    for left in range(len(rows)):
        gaps = []
        for column, value in zip(columns, reference, strict=True):
            others = [x for index, x in enumerate(column) if index != left]
            sd = max(statistics.stdev(others), 6 * quiet * value)
            gaps.append(abs(column[left] - statistics.fmean(others)) / sd)
        gaps.sort()
        # Of forty: the farthest, twice; behind four of them, and behind twenty.
        expected.append((gaps[-1], gaps[-1], gaps[-5], gaps[-21]))

    distances = ensemble.list_distances(reference, rows)

    assert len(distances) == len(expected)
    for one, truth in zip(distances, expected, strict=True):
        assert one == pytest.approx(truth, rel=1e-9)


def test_clean_runs_stay_inside() -> None:
    """Of 2,000 runs of the ensemble's own distribution, at most one in a hundred alarms."""
    alarms = 0
    for seed in range(20):
        reference, rows = make(seed)
        limits = ensemble.find_limits(ensemble.list_distances(reference, rows), 0.001)
        spread = ensemble.measure_spread(reference, rows)
        rng = random.Random(1000 + seed)  # noqa: S311 - noise, not a secret
        for _ in range(100):
            run = [r + d for r, d in zip(reference, draw(rng, 300), strict=True)]
            alarms += ensemble.find_distance(run, spread).measure(limits)[0] > 1

    assert alarms <= 20


def test_one_number_that_moved_is_seen() -> None:
    """A shift of one number in three hundred by a thousandth is far beyond the limit."""
    reference, rows = make(3)
    limits = ensemble.find_limits(ensemble.list_distances(reference, rows), 0.001)
    spread = ensemble.measure_spread(reference, rows)
    run = list(reference)
    run[123] *= 1.001

    distance = ensemble.find_distance(run, spread)
    part, index = distance.measure(limits)

    assert distance.place == 123
    assert part > 2
    assert ensemble.SHARES[index] == 0


def test_many_numbers_that_moved_a_little_are_seen() -> None:
    """Two thirds of all numbers by four spreads: no single one is far, all together are."""
    reference, rows = make(3)
    rows[7][200] = 1.0  # a single number of a single member that went far makes one limit wide
    limits = ensemble.find_limits(ensemble.list_distances(reference, rows), 0.001)
    spread = ensemble.measure_spread(reference, rows)
    pairs = zip(spread.centre, spread.spread, strict=True)
    run = [c + 4 * sd * (i % 3 > 0) for i, (c, sd) in enumerate(pairs)]

    distance = ensemble.find_distance(run, spread)
    part, index = distance.measure(limits)

    assert distance.by_share[0] < limits[0]
    assert part > 2
    assert ensemble.SHARES[index] == 0.5


def test_every_member_lies_inside() -> None:
    """A limit that refused a member of the ensemble itself would be no limit of clean runs."""
    distances = [(0.001, 0.001)] * 20 + [(50.0, 0.001)]

    limits = ensemble.find_limits(distances, 0.4)

    assert limits[0] >= 100.0
    # What lies within one spread is never far.
    assert limits[1] == 1.0


def test_what_never_moves_has_a_floor() -> None:
    """A number that is constant in the ensemble may round, as much as quiet ones do."""
    reference, rows = make(4)
    for row in rows:
        row[5] = 0.0
    spread = ensemble.measure_spread(reference, rows)

    assert min(spread.spread) <= spread.spread[5] < 10 * min(spread.spread)


@pytest.mark.parametrize(("value", "expected"), [(math.nan, math.inf), (math.inf, math.inf)])
def test_no_number_is_farther_than_anything(value: float, expected: float) -> None:
    """NaN and infinity are never inside, wherever they stand."""
    reference, rows = make(5)
    spread = ensemble.measure_spread(reference, rows)
    run = list(reference)
    run[200] = value

    distance = ensemble.find_distance(run, spread)

    assert (distance.by_share[0], distance.place) == (expected, 200)


def test_zero_that_never_moved_must_stay() -> None:
    """Beside a zero there is no rounding."""
    reference, rows = make(6)
    reference[0] = 0.0
    for row in rows:
        row[0] = 0.0
    spread = ensemble.measure_spread(reference, rows)

    assert ensemble.find_distance(reference, spread).by_share[0] < math.inf
    moved = ensemble.find_distance([1e-30, *reference[1:]], spread)
    assert (moved.by_share[0], moved.place) == (math.inf, 0)


def test_spread_is_that_of_the_sample() -> None:
    """Centre is reference and mean deviation; the spread that of a sample, or its floor."""
    reference, rows = make(7, members=6, count=40)
    columns = list(zip(*rows, strict=True))
    sds = [statistics.stdev(column) for column in columns]
    quiet = sorted(sd / r for sd, r in zip(sds, reference, strict=True))[2]  # of forty

    spread = ensemble.measure_spread(reference, rows)

    truth = [r + statistics.fmean(c) for r, c in zip(reference, columns, strict=True)]
    assert spread.centre == pytest.approx(truth, rel=1e-12)
    floors = [max(sd, 6 * quiet * r) for sd, r in zip(sds, reference, strict=True)]
    assert spread.spread == pytest.approx(floors, rel=1e-9)


def test_ensemble_that_stands_still_may_round() -> None:
    """Four units in the last place, where nothing moved at all."""
    spread = ensemble.measure_spread([2.0, -3.0], [[0.0, 0.0]] * 5)

    assert spread.spread == pytest.approx((8 * 2.0**-52, 12 * 2.0**-52), rel=1e-12)
    assert ensemble.list_distances([2.0, -3.0], [[0.0, 0.0]] * 5) == ((0.0,) * 4,) * 5


def test_limit_is_a_bound_of_log_distances() -> None:
    """As the factor of goldens gives it, twice the farthest at least, the rate shared out."""
    distances = [(math.exp(0.2 * (i - 10)), 1.0) for i in range(21)]
    # What lies nearer than half the median counts as that far.
    logs = [max(0.2 * (i - 10), math.log(0.5)) for i in range(21)]
    factor = tolerance.one_sided(21, 1 - 0.001 / 2, 0.95)

    bound = math.exp(statistics.fmean(logs) + factor * statistics.stdev(logs))

    assert ensemble.find_limits(distances, 0.001) == pytest.approx((bound, 2.0), rel=1e-12)
    assert bound > 2 * math.exp(2.0)
    assert ensemble.find_limits([(1.0,)] * 20 + [(1.1,)], 0.4) == pytest.approx((2.2,))
    # No distance at all counts as a thousandth; the limit is one spread at least.
    assert ensemble.find_limits([(0.0,)] * 20 + [(1e-3,)], 0.4) == (1.0,)


def test_farthest_is_the_first_of_the_largest() -> None:
    """In spreads, on either side of the centre."""
    spread = ensemble.Spread(centre=(1.0, 2.0, 3.0), spread=(0.5, 0.25, 1.0))
    cases = {
        (1.0, 2.0, 3.0): ((0.0, 0.0, 0.0, 0.0), 0),
        (1.5, 1.5, 3.0): ((2.0, 2.0, 2.0, 1.0), 1),
        (2.0, 2.5, 1.0): ((2.0, 2.0, 2.0, 2.0), 0),
        (1.0, 2.0, -1.0): ((4.0, 4.0, 4.0, 0.0), 2),
    }

    for run, (by_share, place) in cases.items():
        distance = ensemble.find_distance(run, spread)
        assert (distance.by_share, distance.place) == (by_share, place)


def test_measure_is_the_worst_part_of_a_limit() -> None:
    """Each distance against its own limit."""
    distance = ensemble.Distance(by_share=(8.0, 6.0, 3.0, 1.0), place=0)

    assert distance.measure((10.0, 10.0, 2.0, 1.0)) == (1.5, 2)
    assert distance.measure((4.0, 10.0, 2.0, 1.0)) == (2.0, 0)


def test_other_count_of_numbers_is_refused() -> None:
    """Neither the ones too many nor the ones too few are passed over."""
    spread = ensemble.Spread(centre=(1.0, 2.0), spread=(0.5, 0.25))

    for numbers in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="zip"):
            ensemble.find_distance(numbers, spread)
