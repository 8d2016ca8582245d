"""Misfits of a prediction and of models without content, against their definitions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.data.null_models import Misfit, far_field_amplitude

SIDE, FRAMES = 16, 12


def probe() -> NDArray[np.complex128]:
    """Two modes without symmetry."""
    rng = np.random.default_rng(1)
    return rng.standard_normal((2, SIDE, SIDE)) + 1j * rng.standard_normal((2, SIDE, SIDE))


def patterns(seed: int) -> NDArray[np.float64]:
    """Positive frames that differ."""
    return np.random.default_rng(seed).uniform(0.1, 2.0, (FRAMES, SIDE, SIDE))


def report(
    predicted: NDArray[np.float64],
    measured: NDArray[np.float64],
    valid: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Judge frames in two blocks of unequal size."""
    mask = np.ones((SIDE, SIDE), bool) if valid is None else valid
    misfit = Misfit(probe(), mask)
    for part in (slice(0, 5), slice(5, None)):
        misfit.add(predicted[part][:, mask], measured[part][:, mask])
    return misfit.report()


def error_at_best_factor(model: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    """Search the factor by least squares and return the relative error."""
    factor = np.linalg.lstsq(model.reshape(-1, 1), measured.ravel(), rcond=None)[0][0]
    return float(np.linalg.norm(factor * model - measured) / np.linalg.norm(measured))


def test_errors_are_those_of_their_definitions() -> None:
    """Each error is the least relative distance that any factor leaves, on valid pixels."""
    predicted, measured = patterns(2), patterns(3)
    valid = np.ones((SIDE, SIDE), bool)
    valid[3, 4:9] = False

    report_ = report(predicted, measured, valid)

    seen = measured[:, valid]
    light = np.broadcast_to(far_field_amplitude(probe())[valid], seen.shape)
    mean = np.broadcast_to(seen.mean(axis=0), seen.shape)
    assert report_["fit_residual"] == pytest.approx(
        error_at_best_factor(predicted[:, valid], seen)
    )
    nulls = report_["null_residual"]
    assert nulls["empty"] == 1.0
    assert nulls["constant"] == pytest.approx(error_at_best_factor(light, seen))
    assert nulls["mean"] == pytest.approx(error_at_best_factor(mean, seen))
    best = min(nulls, key=lambda name: nulls[name])
    assert report_["best_null"] == best
    assert report_["ratio"]["best"] == pytest.approx(report_["fit_residual"] / nulls[best])
    assert report_["frame_count"] == FRAMES


def test_the_far_field_is_that_of_a_transform() -> None:
    """Modes add as intensities, zero frequency at N / 2; energy is kept."""
    plane = np.ones((1, SIDE, SIDE), complex)

    amplitude = far_field_amplitude(plane)

    assert np.unravel_index(amplitude.argmax(), amplitude.shape) == (SIDE // 2, SIDE // 2)
    assert amplitude[SIDE // 2, SIDE // 2] == pytest.approx(SIDE)
    energy = np.square(np.abs(probe())).sum()
    assert np.square(far_field_amplitude(probe())).sum() == pytest.approx(energy)


def test_a_constant_object_is_its_own_null_model() -> None:
    """What predicts the light of the probe alone is exactly as good as the constant object."""
    measured = patterns(3)
    light = far_field_amplitude(probe())

    report_ = report(np.broadcast_to(0.3 * light, measured.shape), measured)

    assert report_["ratio"]["constant"] == pytest.approx(1.0, abs=1e-12)


def test_exposure_does_not_count() -> None:
    """Neither the unit of the prediction nor that of the frames changes an error."""
    predicted, measured = patterns(2), patterns(3)

    first, second = report(predicted, measured), report(7 * predicted, 0.01 * measured)

    assert second["fit_residual"] == pytest.approx(first["fit_residual"], rel=1e-9)
    assert second["null_residual"] == pytest.approx(first["null_residual"], rel=1e-9)


def test_what_is_no_number_is_none() -> None:
    """Dark frames have no error, predicting nothing that of nothing, NaN none; all JSON."""
    measured = patterns(3)

    dark = report(patterns(2), np.zeros_like(measured))
    nothing = report(np.zeros_like(measured), measured)
    odd = report(np.full_like(measured, np.nan), measured)

    assert (dark["fit_residual"], dark["best_null"], dark["ratio"]["best"]) == (
        None,
        None,
        None,
    )
    assert nothing["fit_residual"] == 1.0
    assert (odd["fit_residual"], odd["ratio"]["best"]) == (None, None)
    assert odd["null_residual"]["mean"] > 0
    json.dumps([dark, nothing, odd], allow_nan=False)
