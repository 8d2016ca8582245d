"""Curves of known covariance, and the bands that are calibrated on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.judgement.golden import curve_calibration
from harness.judgement.golden.calibrate import Provenance
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.curve_calibration import Curve, CurveSample, CurveTarget
from tests.builders.evidence import DATASETS, ENVIRONMENT

PARAMETERS = {"epochs": "4"}
METRIC = "all(history:[*].loss)"
PROVENANCE = Provenance(
    environment=ENVIRONMENT,
    datasets=DATASETS,
    reason="first",
    author="A. Person",
    date="2026-01-02T03:04:05Z",
    commit="c" * 40,
)


def covariance(kind: str, count: int, correlation: float) -> np.ndarray:
    """Return a correlation matrix: neighbours alike, all alike by one share, or none."""
    place = np.arange(count)
    if kind == "neighbours":
        return correlation ** abs(place[:, None] - place)
    return correlation * np.ones((count, count)) + (1 - correlation) * np.eye(count)


def draw(rng: np.random.Generator, runs: int, matrix: np.ndarray) -> np.ndarray:
    """Draw runs of a normal curve with mean 0 [runs, values]."""
    return rng.standard_normal((runs, len(matrix))) @ np.linalg.cholesky(matrix).T


def samples(rows: np.ndarray) -> list[CurveSample]:
    """One run for each row, each with its own seed."""
    names = tuple(f"#{i}" for i in range(rows.shape[1]))
    return [
        CurveSample(
            seed=str(i),
            hub=f"hubs/s/{i}",
            curves={METRIC: Curve(names=names, values=tuple(row.tolist()))},
        )
        for i, row in enumerate(rows)
    ]


def calibrate(rows: np.ndarray, **changes: Any) -> GoldenCurve:
    """Make the band of a metric from runs."""
    target = CurveTarget(metric=METRIC, **changes)
    return curve_calibration.make(target, samples(rows), PROVENANCE, PARAMETERS)
