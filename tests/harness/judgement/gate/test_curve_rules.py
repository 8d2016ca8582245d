"""Bands of two revisions: narrower is stricter; wider, fewer or gone is weaker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.judgement.gate import curve_rules, reference_rules
from harness.judgement.gate.difference import Change
from harness.judgement.golden import curve
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet
from tests.builders import curves

ROWS = np.random.default_rng(1).standard_normal((16, 5))
BAND = curves.calibrate(ROWS)


def classes(was: GoldenCurve | None, now: GoldenCurve | None) -> list[Change]:
    sets = (GoldenSet(curves=() if one is None else (one,)) for one in (was, now))
    return [one.change for one in curve_rules.compare_curves("tiny", *sets)]


def scaled(factor: float) -> GoldenCurve:
    other = replace(BAND, factor=BAND.factor * factor)
    low, high = curve.bounds(other)
    return replace(other, low=low, high=high)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (BAND, []),
        (None, [Change.WEAKER]),
        (scaled(0.9), [Change.STRICTER]),
        (scaled(1.1), [Change.WEAKER]),
        (replace(scaled(0.9), n=12), [Change.WEAKER]),
        (replace(BAND, names_sha256="0" * 64), [Change.WEAKER]),
        (replace(BAND, reason="another"), [Change.OTHER]),
        (replace(BAND, metric="all(history:[*].misfit)"), [Change.OTHER]),
        (replace(BAND, high=None, sides="low"), [Change.WEAKER]),
        (replace(BAND, high=(*(BAND.high or ())[:4], 99.0)), [Change.WEAKER]),
    ],
)
def test_bands_are_compared(now: GoldenCurve | None, expected: list[Change]) -> None:
    """Each edge counts: one value that may go farther is a weakening."""
    assert classes(BAND, now) == expected


def test_a_new_band_is_stricter() -> None:
    """A curve that had none has one; numbers for other data are new numbers."""
    other: dict[str, Any] = {"datasets": {"train": "f" * 64}}
    both = GoldenSet(curves=(BAND, replace(BAND, **other)))

    assert classes(None, BAND) == [Change.STRICTER]
    changes = curve_rules.compare_curves("tiny", GoldenSet(curves=(BAND,)), both)
    assert [one.change for one in changes] == [Change.WEAKER]


def test_fewer_components_are_weaker() -> None:
    """What was judged together is not judged any more."""
    judged = curves.calibrate(ROWS, components=1)
    alone = replace(judged, components=())

    assert classes(judged, alone) == [Change.WEAKER]


def test_a_renamed_metric_is_known() -> None:
    """The guard that reads the new name is the same rule."""
    heir = replace(BAND, metric="all(history:[*].misfit)")
    sets = (GoldenSet(curves=(one,)) for one in (BAND, heir))

    assert reference_rules.find_renamed(*(one.curves for one in sets)) == {
        BAND.metric: heir.metric
    }
