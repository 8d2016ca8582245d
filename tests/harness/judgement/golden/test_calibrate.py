"""From the values of many seeds to a golden, and the refusals on the way."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from harness.errors import EvidenceMissingError
from harness.judgement.golden import calibrate, store
from harness.judgement.golden.calibrate import (
    CalibrationRefusedError,
    Provenance,
    Sample,
    Target,
)
from tests.builders.evidence import DATASETS, ENVIRONMENT, guard
from tests.harness.judgement.golden.test_store import golden

PROVENANCE = Provenance(
    environment=ENVIRONMENT,
    datasets=DATASETS,
    reason="first",
    author="A. Person",
    date="2026-01-02T03:04:05Z",
    commit="c" * 40,
)


def samples(values: list[float]) -> list[Sample]:
    """One run per value, each with its own seed."""
    return [
        Sample(seed=str(i), hub=f"hubs/s/{i}", values={"x:a": value})
        for i, value in enumerate(values)
    ]


def test_statistics_are_those_of_the_sample() -> None:
    """Mean and unbiased sd are taken on the log scale."""
    values = np.random.default_rng(1).lognormal(-5, 0.4, size=14).tolist()

    made = calibrate.make(Target(metric="x:a", scale="log10"), samples(values), PROVENANCE)

    logs = np.log10(values)
    assert (made.mean, made.sd) == pytest.approx((logs.mean(), logs.std(ddof=1)), rel=1e-12)
    assert made.n == 14
    assert store.check(made, "x") is None
    assert made.low is not None
    assert made.low < min(values)


@pytest.mark.parametrize(
    ("values", "scale", "error"),
    [
        ([1.0 + i / 9 for i in range(11)], "linear", EvidenceMissingError),
        ([2.0] * 12, "linear", CalibrationRefusedError),
        ([0.0] * 12, "linear", CalibrationRefusedError),
        ([1.0 * i for i in range(12)], "log10", CalibrationRefusedError),
        ([*range(11), math.nan], "linear", CalibrationRefusedError),
        ([*range(11), math.inf], "linear", CalibrationRefusedError),
    ],
)
def test_unusable_values_are_refused(values: list[float], scale: str, error: type) -> None:
    """Too few seeds, no spread, no logarithm and no number make no golden."""
    with pytest.raises(error):
        calibrate.make(Target(metric="x:a", scale=scale), samples(values), PROVENANCE)


SEEDS = [
    ([str(i) for i in range(12)], True),
    ([str(i) for i in range(13)], True),
    ([str(i) for i in range(11)], False),
    ([*map(str, range(12)), "3"], False),  # enough of them, and one of them twice
    (["1"] * 12, False),
    ([], False),
]


@pytest.mark.parametrize(("seeds", "is_enough"), SEEDS)
def test_seeds_are_enough_and_each_once(seeds: list[str], *, is_enough: bool) -> None:
    """A seed that was run twice would narrow the band without saying anything."""
    if is_enough:
        calibrate.require_seeds("x:a", seeds)
    else:
        with pytest.raises(EvidenceMissingError):
            calibrate.require_seeds("x:a", seeds)


def test_a_seed_counts_once() -> None:
    """Twelve runs of eleven seeds are eleven seeds."""
    runs = samples([1.0 + i / 9 for i in range(12)])
    runs[11] = dataclasses.replace(runs[11], seed="0")

    with pytest.raises(EvidenceMissingError):
        calibrate.make(Target(metric="x:a"), runs, PROVENANCE)


@pytest.mark.parametrize(("value", "differs"), [(1.5, False), (1.5 + 1e-6, True)])
def test_repeat_of_a_seed_must_agree(value: float, differs: bool) -> None:  # noqa: FBT001
    """Two runs of one seed that differ show that the seed does not decide the outcome."""
    first, repeat = samples([1.5, value])

    problem = calibrate.disagreement(first, repeat, [Target(metric="x:a")])

    assert bool(problem) is differs
    assert not calibrate.disagreement(first, repeat, [Target(metric="x:a", repeatable=False)])


def test_target_reads_the_declaration() -> None:
    """Scale, sides and probabilities come from the guard; time need not repeat."""
    spec = guard("golden", metric="x:a", scale="log10", sides="low", coverage=0.999)

    target = calibrate.target(spec, "x:a")

    assert (target.scale, target.sides, target.coverage) == ("log10", "low", 0.999)
    assert not calibrate.target(guard("resource", stage="t"), "t.duration_s").repeatable


@pytest.mark.parametrize("scale", ["linear", "log10"])
def test_noticed_shift_is_noticed(scale: str) -> None:
    """Moved by the stated shift, a population is outside the bounds in 99 of 100 draws."""
    rng = np.random.default_rng(5)
    values: Any = 10 ** rng.normal(-2, 0.2, 16) if scale == "log10" else rng.normal(3, 0.2, 16)
    made = calibrate.make(
        Target(metric="x:a", scale=scale), samples(values.tolist()), PROVENANCE
    )
    facts = calibrate.explain(made)
    assert facts["noticed_high"] is not None
    assert made.high is not None

    draws = rng.normal(made.mean, made.sd, 200_000)
    moved = (
        10**draws * facts["noticed_high"] if scale == "log10" else draws + facts["noticed_high"]
    )

    assert np.mean(moved > made.high) == pytest.approx(0.99, abs=0.001)


@pytest.mark.parametrize("runs", calibrate.RUNS)
@pytest.mark.parametrize("scale", ["linear", "log10"])
def test_noticed_shift_over_several_runs_is_noticed(scale: str, runs: int) -> None:
    """The mean of r runs, moved by the stated shift, is red in 99 of 100, both ways."""
    rng = np.random.default_rng(6)
    values: Any = 10 ** rng.normal(-2, 0.2, 16) if scale == "log10" else rng.normal(3, 0.2, 16)
    made = calibrate.make(
        Target(metric="x:a", scale=scale), samples(values.tolist()), PROVENANCE
    )
    noticed = calibrate.find_noticed(made, runs)
    bounds = [store.scale(bound or 0, scale) for bound in store.bounds(made, runs)]
    shifts = [store.scale(shift or 0, scale) for shift in noticed]

    means = rng.normal(made.mean, made.sd, (100_000, runs)).mean(axis=1)

    assert np.mean(means + shifts[0] < bounds[0]) == pytest.approx(0.99, abs=0.002)
    assert np.mean(means + shifts[1] > bounds[1]) == pytest.approx(0.99, abs=0.002)


def test_more_runs_notice_less() -> None:
    """What ten runs notice is a third of what one does, or less."""
    values = np.random.default_rng(3).normal(3, 0.2, 30).tolist()
    made = calibrate.make(Target(metric="x:a"), samples(values), PROVENANCE)

    noticed = [calibrate.find_noticed(made, runs)[1] or 0 for runs in calibrate.RUNS]

    assert noticed == sorted(noticed, reverse=True)
    assert noticed[-1] < 0.37 * noticed[0]
    facts = calibrate.explain(made)
    assert (facts["noticed_low"], facts["noticed_high"]) == calibrate.find_noticed(made)


WIDE = [1.0 + 0.3 * (-1) ** i + 0.02 * i for i in range(12)]  # k·sd is about 1


@pytest.mark.parametrize(
    ("ends", "sides"),
    [((-9.0, 9.0), "two"), ((0.5, 9.0), "high"), ((-9.0, 1.5), "low"), ((None, 1.5), "low")],
)
def test_side_that_nothing_leaves_stays_open(
    ends: tuple[float | None, float], sides: str
) -> None:
    """The other bound is the nearer one of a one-sided interval, and can be left."""
    target = Target(metric="x:a", ends=ends)

    made = calibrate.make(target, samples(WIDE), PROVENANCE)

    plain = calibrate.make(Target(metric="x:a", sides=sides), samples(WIDE), PROVENANCE)
    assert made == plain
    assert (made.low is None, made.high is None) == (sides == "high", sides == "low")


@pytest.mark.parametrize(
    ("ends", "sides"), [((0.5, 1.5), "two"), ((0.5, 9.0), "low"), ((-9.0, 1.5), "high")]
)
def test_band_that_nothing_leaves_is_refused(ends: tuple[float, float], sides: str) -> None:
    """Where no side would be left that a value can leave, there is no golden."""
    with pytest.raises(CalibrationRefusedError, match=r"no value is (below|above)"):
        calibrate.make(Target(metric="x:a", ends=ends, sides=sides), samples(WIDE), PROVENANCE)


@pytest.mark.parametrize(("ends", "advice"), [((0.6, 1.5), False), ((0.2, 1.9), True)])
def test_more_seeds_are_advised_where_they_help(
    ends: tuple[float, float],
    advice: bool,  # noqa: FBT001
) -> None:
    """They bring a bound no nearer than the quantile of the coverage."""
    with pytest.raises(CalibrationRefusedError) as caught:
        calibrate.make(Target(metric="x:a", ends=ends), samples(WIDE), PROVENANCE)

    assert ("more seeds" in caught.value.remedy) is advice


def test_factors_of_resources_have_no_band() -> None:
    """Time is judged by factors on its mean; how wide its interval would be is nothing."""
    target = Target(metric="x:a", ends=(0.5, 1.5), repeatable=False)

    made = calibrate.make(target, samples(WIDE), PROVENANCE)

    assert made.sides == "two"
    assert not calibrate.is_wide(target, made)


@pytest.mark.parametrize(
    ("low", "high", "ends", "is_wide"),
    [
        (1.0, 29.0, (None, None), False),
        (1.0, 31.0, (None, None), True),
        (-1.0, 2.0, (None, None), True),  # zero is in it, and it may be that nothing is below
        (-1.0, 2.0, (-5.0, 5.0), False),
        (None, 31e-3, (None, None), True),  # of a centre of 10⁻³
        (None, 29e-3, (None, None), False),
    ],
)
def test_width_is_the_factor_between_the_bounds(
    low: float | None,
    high: float,
    ends: tuple[float | None, float | None],
    is_wide: bool,  # noqa: FBT001
) -> None:
    """Over thirty wants a reason in words."""
    value = dataclasses.replace(golden(), low=low, high=high)

    assert calibrate.is_wide(Target(metric="x:a", ends=ends), value) is is_wide
    reason = Target(metric="x:a", ends=ends, wide_because="it cannot be helped")
    assert not calibrate.is_wide(reason, value)


@pytest.mark.parametrize(
    ("sides", "has_low", "has_high"),
    [("two", True, True), ("low", True, False), ("high", False, True)],
)
def test_open_side_notices_nothing(sides: str, has_low: bool, has_high: bool) -> None:  # noqa: FBT001
    """What is promised of the other side is as far below as above."""
    values = np.random.default_rng(3).normal(3, 0.2, 16).tolist()
    made = calibrate.make(Target(metric="x:a", sides=sides), samples(values), PROVENANCE)

    facts = calibrate.explain(made)

    assert (facts["noticed_low"] is not None, facts["noticed_high"] is not None) == (
        has_low,
        has_high,
    )
    assert (made.low is not None, made.high is not None) == (has_low, has_high)
    if sides == "two":
        assert facts["noticed_low"] == -(facts["noticed_high"] or 0)
    logs = calibrate.make(
        Target(metric="x:a", scale="log10", sides=sides), samples(values), PROVENANCE
    )
    below = calibrate.explain(logs)["noticed_low"]
    assert below is None or 0 < below < 1


@pytest.mark.parametrize(
    ("spread", "is_refused"), [(0.0, True), (1e-11, True), (1e-7, False), (0.1, False)]
)
def test_spread_is_held_against_the_centre(spread: float, is_refused: bool) -> None:  # noqa: FBT001
    """A billionth of the mean is rounding; about zero any spread is one."""
    for centre in (-5.0, 5.0):
        values = [centre + spread * (i - 6) for i in range(13)]
        if is_refused:
            with pytest.raises(CalibrationRefusedError, match="no spread"):
                calibrate.make(Target(metric="x:a"), samples(values), PROVENANCE)
        else:
            made = calibrate.make(Target(metric="x:a"), samples(values), PROVENANCE)
            assert made.sd == pytest.approx(np.std(values, ddof=1), rel=1e-6)


def test_negative_values_have_no_logarithm() -> None:
    """On a linear scale they are values like others."""
    values = [float(i - 6) for i in range(13)]

    assert calibrate.make(Target(metric="x:a"), samples(values), PROVENANCE).mean == 0.0
    for wrong in (0.0, -1.0):
        positive = [wrong, *(1.0 + i for i in range(12))]
        with pytest.raises(CalibrationRefusedError, match="log scale"):
            calibrate.make(Target(metric="x:a", scale="log10"), samples(positive), PROVENANCE)


def test_rates_of_one_comparison_are_added() -> None:
    """Two metrics of one environment together; of two environments the larger sum."""
    values = np.random.default_rng(4).normal(3, 0.2, 16).tolist()
    made = calibrate.make(Target(metric="x:a"), samples(values), PROVENANCE)
    rate = calibrate.explain(made)["false_red_rate"] or 0.0
    second = dataclasses.replace(made, metric="x:b")
    elsewhere = dataclasses.replace(made, environment={"device": "cuda"})

    assert 0.001 < rate < 0.05
    assert calibrate.suite_rate(()) == 0.0
    assert calibrate.suite_rate((made, second)) == pytest.approx(2 * rate)
    assert calibrate.suite_rate((made, second, elsewhere)) == pytest.approx(2 * rate)
    assert calibrate.suite_rate((made, elsewhere)) == pytest.approx(rate)


@pytest.mark.parametrize("size", [1e-310, 1e-200, 1e200, 1e300])
def test_very_large_and_small_values_have_a_spread(size: float) -> None:
    """Their squares are no numbers, their deviation is one."""
    values = [size * (1 + i / 100) for i in range(13)]

    mean, spread = calibrate.describe("x:a", values, "")

    assert (mean, spread) == pytest.approx((size * 1.06, size * 0.0389444), rel=1e-5)


def test_values_beyond_numbers_are_refused() -> None:
    """A sum that no number holds is one line, and no failure of the harness."""
    for values in ([1.7e308, -1.7e308] * 6, [-1.7e308, *[1.7e308] * 12]):
        with pytest.raises(CalibrationRefusedError, match="e\\+308"):
            calibrate.describe("x:a", values, "")


def test_a_seed_that_settled_elsewhere_is_noticed() -> None:
    """As Grubbs says: by chance in one of a hundred normal samples."""
    rng = np.random.default_rng(3)
    normal = [calibrate.find_outlier(rng.normal(size=12).tolist()) for _ in range(1500)]
    astray = [*rng.normal(size=11).tolist(), 9.0]

    assert 0.004 < sum(one is not None for one in normal) / 1500 < 0.018
    assert (calibrate.find_outlier(astray) or (0, 0.0))[0] == 11
    # Table of Grubbs' critical values, two-sided, n = 12 and 1 %: 2.636.
    base = [0.0] * 2 + [1.0, -1.0] * 4 + [0.5]
    edges = [calibrate.find_outlier([*base, x]) for x in np.linspace(2.0, 9.0, 2000)]
    assert min(edge[1] for edge in edges if edge) == pytest.approx(2.636, abs=2e-3)
