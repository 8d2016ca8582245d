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
