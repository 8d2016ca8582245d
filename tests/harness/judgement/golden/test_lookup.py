"""Which of many goldens judges a metric, what a set holds, and what takes whose place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import EvidenceMissingError
from harness.judgement.golden.store import GoldenSet
from tests.builders import curves, fingerprints
from tests.builders.evidence import DATASETS, ENVIRONMENT
from tests.harness.judgement.golden.test_store import golden

CLASS = {"numeric_class": "aaaa"}
HERE = {**ENVIRONMENT, **CLASS}
NEAR = {**HERE, "python": "3.12.0"}  # of one numeric class, under another interpreter
ALIKE = {**ENVIRONMENT, "numeric_class": "bbbb"}
OTHER = {**HERE, "device": "cuda"}
EARLY, LATE = "2026-01-02T03:04:05Z", "2027-01-02T03:04:05Z"

# Environments and dates of the goldens there are; which of them is taken.
CHOICES: list[tuple[list[tuple[dict[str, str], str]], int | None]] = [
    ([(HERE, EARLY), (NEAR, LATE), (ALIKE, LATE)], 0),
    ([(ALIKE, LATE), (NEAR, EARLY)], 1),
    ([(NEAR, EARLY), (ALIKE, LATE), (OTHER, LATE)], 0),
    ([(NEAR, EARLY), (NEAR, LATE)], 1),
    ([(NEAR, LATE), (NEAR, EARLY)], 0),
    ([(OTHER, LATE), (ALIKE, EARLY)], 1),
    ([(OTHER, LATE)], None),
    ([], None),
]


@pytest.mark.parametrize(("made", "taken"), CHOICES)
def test_the_nearest_environment_judges(
    made: list[tuple[dict[str, str], str]], taken: int | None
) -> None:
    """The exact one, else one of the numeric class, else of the device; then the newest."""
    values = tuple(
        golden(environment=environment, date=date, mean=float(-i))
        for i, (environment, date) in enumerate(made)
    )
    goldens = GoldenSet(values=values)
    if taken is None:
        with pytest.raises(EvidenceMissingError):
            goldens.lookup("x:a", HERE, DATASETS)
    else:
        assert goldens.lookup("x:a", HERE, DATASETS).mean == float(-taken)


def test_a_golden_of_a_number_says_nothing_of_a_curve() -> None:
    """Nor one curve of another; each is found by its own metric."""
    rows = curves.draw(np.random.default_rng(1), 14, curves.covariance("none", 3, 0.0))
    curve = curves.calibrate(rows + 5.0, scale="linear")
    goldens = GoldenSet(values=(golden(metric="x:b"),), curves=(curve,))
    assert goldens.find_curve(curves.METRIC, ENVIRONMENT, DATASETS) is curve
    assert not GoldenSet(curves=(curve,)).is_empty
    assert goldens.references == (*goldens.values, curve)
    for metric in ("x:b", "all(history:[*].other)"):
        with pytest.raises(EvidenceMissingError):
            goldens.find_curve(metric, ENVIRONMENT, DATASETS)
    with pytest.raises(EvidenceMissingError):
        goldens.lookup(curves.METRIC, ENVIRONMENT, DATASETS)


def test_a_set_of_fingerprints_alone_is_not_empty(tmp_path: Path) -> None:
    """There is something to compare with."""
    made = fingerprints.store_ensemble(tmp_path, count=5)
    assert (made.values, made.curves) == ((), ())
    assert not made.is_empty
    assert made.digest != GoldenSet().digest


def test_new_goldens_take_the_place_of_those_of_the_same_identity() -> None:
    """By metric, environment and data; all others stay as they are."""
    others = (
        golden(metric="x:b"),
        golden(environment=OTHER),
        golden(datasets={**DATASETS, "train": "f" * 64}),
    )
    new = golden(mean=-2.0)
    replaced = GoldenSet(values=(others[0], golden(), *others[1:])).replace((new,))
    assert replaced.values == (*others, new)
    assert replaced.curves == ()
