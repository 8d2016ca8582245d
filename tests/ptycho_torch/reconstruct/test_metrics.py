"""The metric protocol judged on objects whose errors are known."""

from __future__ import annotations

import json
import logging
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch.errors import InputError
from ptycho_torch.reconstruct import metrics
from tests.ptycho_torch.reconstruct.images import waves

TRUTH_SHAPE = (150, 170)


def placed(
    origin_xy: tuple[int, int], shape: tuple[int, int], shift_xy: tuple[float, float] = (0, 0)
) -> tuple[NDArray[np.complex64], NDArray[np.float32], NDArray[np.float64]]:
    """A canvas cut from the known object at an origin, with a soft-edged weight."""
    seen = waves((400, 400), (100.0 + shift_xy[0], 100.0 + shift_xy[1]))
    x0, y0 = origin_xy[0] + 100, origin_xy[1] + 100
    rec = seen[y0 : y0 + shape[0], x0 : x0 + shape[1]].astype(np.complex64)
    weight = np.zeros(shape, np.float32)
    weight[10:-10, 10:-10] = 1.0
    return np.where(weight > 0, rec, 0).astype(np.complex64), weight, np.array(origin_xy, float)


def truth() -> metrics.Truth:
    """The known object on the scan frame."""
    return metrics.Truth(object_canvas=waves(TRUTH_SHAPE).astype(np.complex64))


def test_exact_copy_has_no_error() -> None:
    """A perfect reconstruction at its own origin needs no shift and has no error."""
    result = metrics.evaluate(*placed((20, 31), (100, 121)), truth())

    assert result["protocol"] == "m1"
    assert result["reference"] == "objectGuess"
    assert result["shift_xy"] == [0.0, 0.0]
    assert result["scale"] == pytest.approx([1.0, 0.0], abs=1e-5)
    assert result["complex_error"] < 1e-5
    assert result["phase"]["pearson"] > 1 - 1e-6
    assert result["frc"]["f_0p5"] is None
    assert result["region_pixels"] == (100 - 24) * (121 - 24)


@pytest.mark.parametrize("origin", [(-30, 12), (64, -25), (90, 80)])
def test_canvas_may_leave_the_reference(origin: tuple[int, int]) -> None:
    """Only the overlap of canvas and reference is judged, wherever the canvas lies."""
    result = metrics.evaluate(*placed(origin, (100, 121)), truth())

    assert result["complex_error"] < 1e-5
    assert 0 < result["region_pixels"] < (100 - 24) * (121 - 24)


def test_memory_is_that_of_a_few_canvases() -> None:
    """Judging needs less than twelve complex copies of the canvas."""
    canvas, reference = placed((0, 0), (280, 300)), waves((280, 300)).astype(np.complex64)

    tracemalloc.start()
    try:
        metrics.evaluate(*canvas, metrics.Truth(object_canvas=reference))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 12 * reference.size * np.dtype(np.complex128).itemsize


def test_shift_is_reported_and_warned(caplog: pytest.LogCaptureFixture) -> None:
    """A shift above a pixel is undone, reported and warned about."""
    canvas = placed((20, 31), (100, 121), (-1.5, 0.5))

    with caplog.at_level(logging.WARNING):
        result = metrics.evaluate(*canvas, truth())

    assert result["shift_xy"] == pytest.approx([1.5, -0.5], abs=0.021)
    assert result["complex_error"] < 0.02
    assert "from its reference" in caplog.text


def test_unknown_reference_is_excluded() -> None:
    """Pixels the reference does not know are not judged, however wrong they are."""
    known = np.ones(TRUTH_SHAPE, bool)
    known[:80] = False
    spoiled = np.where(known, waves(TRUTH_SHAPE), 9.0).astype(np.complex64)

    result = metrics.evaluate(
        *placed((20, 31), (100, 121)), metrics.Truth(object_canvas=spoiled, known=known)
    )

    assert result["complex_error"] < 1e-5
    assert result["region_pixels"] == (131 - 80 - 12) * (121 - 24)


def test_amplitude_error_by_hand() -> None:
    """Noise of a known size gives its MSE, and the PSNR states its peak."""
    rec, weight, origin = placed((20, 31), (100, 121))
    noise = np.random.default_rng(2).normal(scale=0.05, size=rec.shape)
    noisy = (rec * (1 + noise / np.maximum(np.abs(rec), 0.1))).astype(np.complex64)

    result = metrics.evaluate(noisy, weight, origin, truth())

    amplitude = result["amplitude"]
    assert amplitude["mse"] == pytest.approx(0.05**2, rel=0.05)
    expected = 10 * np.log10(amplitude["psnr_peak"] ** 2 / amplitude["mse"])
    assert amplitude["psnr"] == pytest.approx(expected)


def test_phase_error_is_in_radians() -> None:
    """Pixels off by ±0.05 rad are a phase MSE of 0.05²; the best scale is then cos 0.05."""
    rec, weight, origin = placed((20, 31), (100, 121))
    rows, columns = np.indices(rec.shape)
    sign = np.where((rows + columns) % 2 == 0, 0.05, -0.05)

    result = metrics.evaluate(
        (rec * np.exp(1j * sign)).astype(np.complex64), weight, origin, truth()
    )

    assert result["phase"]["mse"] == pytest.approx(0.05**2, rel=1e-2)
    inside = np.abs(waves(TRUTH_SHAPE))[43:119, 32:129]
    shrunk = (1 - np.cos(0.05)) ** 2 * np.mean(inside**2)
    assert result["amplitude"]["mse"] == pytest.approx(shrunk, rel=1e-2)


def test_baseline_is_the_constant_object() -> None:
    """The constant object's error is the spread of the truth; its correlation is undefined."""
    result = metrics.evaluate(*placed((20, 31), (100, 121)), truth())

    inside = waves(TRUTH_SHAPE)[43:119, 32:129]
    error = np.linalg.norm(inside - inside.mean()) / np.linalg.norm(inside)
    assert result["baseline"]["complex_error"] == pytest.approx(error, rel=1e-5)
    assert result["baseline"]["amplitude"]["pearson"] is None
    assert result["baseline"]["phase"]["pearson"] is None


def test_transposed_object_is_not_accepted() -> None:
    """A transposed reconstruction scores far worse than the true one."""
    rec, weight, origin = placed((25, 25), (100, 100))

    straight = metrics.evaluate(rec, weight, origin, truth())
    turned = metrics.evaluate(np.ascontiguousarray(rec.T), weight, origin, truth())

    assert turned["phase"]["pearson"] < 0.5 < straight["phase"]["pearson"]


def test_no_overlap_is_refused() -> None:
    """A canvas that misses the reference is an error that names it."""
    rec, weight, _ = placed((20, 31), (100, 121))

    with pytest.raises(InputError) as caught:
        metrics.evaluate(rec, weight, np.array([900.0, 0.0]), truth())

    assert caught.value.where == "objectGuess"


def test_unequal_weight_is_refused() -> None:
    """A weight of another shape than the object is an error."""
    rec, weight, origin = placed((20, 31), (100, 121))

    with pytest.raises(InputError) as caught:
        metrics.evaluate(rec, weight[1:], origin, truth())

    assert caught.value.where == "weight"


def test_metrics_are_plain_json() -> None:
    """Every number is finite or null, so that strict JSON can hold it."""
    result = metrics.evaluate(*placed((20, 31), (100, 121)), truth())

    json.dumps(result, allow_nan=False)
