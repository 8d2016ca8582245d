"""Stitched object and reference → the metrics of protocol ``m1``.

Truth pixel (0, 0) is scan coordinate (0, 0), canvas pixel (0, 0) is ``origin_xy``: that alone
puts both on one frame. Phase and amplitude are judged after a shift, a phase ramp and one
complex factor were removed; the same numbers of the constant object are given beside them,
so that a score can be read against doing nothing.

Source: design of the model, section 14.2.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ptycho_torch.errors import InputError
from ptycho_torch.reconstruct import contrast, frc, registration, similarity

PROTOCOL = "m1"
REFERENCE = "objectGuess"  # key of the reference in a scan file
_WEIGHT_SHARE = 0.1
_EROSION_PX = 2
_SMALLEST_REGION = 64
_LARGE_SHIFT_PX = 1.0
# Whether more (1) or less (-1) of a metric is better.
_BETTER = MappingProxyType({"mae": -1, "mse": -1, "pearson": 1, "ssim": 1})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """A reference object on the scan frame.

    Attributes:
        object_canvas: (Yt, Xt) complex, pixel (0, 0) at scan coordinate (0, 0).
        known: (Yt, Xt) bool, where the reference may be used; None = everywhere.
        name: Key of the reference in its file.
    """

    object_canvas: NDArray[np.complex64]
    known: NDArray[np.bool_] | None = None
    name: str = REFERENCE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Registered:
    """A reconstruction brought onto its truth, on the pixels that both have.

    Attributes:
        image: (Y, X) complex128, shift, ramp and complex factor removed.
        truth: (Y, X) complex128.
        region: (Y, X) bool, the pixels that are judged.
        alignment: What was removed.
    """

    image: NDArray[np.complex128]
    truth: NDArray[np.complex128]
    region: NDArray[np.bool_]
    alignment: registration.Alignment


def register(
    rec: NDArray[np.complex64],
    weight: NDArray[np.float32],
    origin_xy: NDArray[np.float64],
    truth: Truth,
) -> Registered:
    """Bring a stitched object (Y, X) onto its reference.

    Args:
        rec: Stitched object, finite, 0 where uncovered.
        weight: Accumulated stitching weight of the same canvas.
        origin_xy: Scan coordinate (x, y) of canvas pixel (0, 0) [px], whole numbers.
        truth: The reference.

    Raises:
        InputError: Shapes differ, or fewer than 64 pixels have both weight and truth.
    """
    reconstruction, reference, region = _common_frame(rec, weight, origin_xy, truth)
    alignment = registration.align(reconstruction, reference, region)
    _report_shift(alignment)
    return Registered(
        image=alignment.image, truth=reference, region=region, alignment=alignment
    )


def judge(registered: Registered, name: str) -> dict[str, Any]:
    """Judge a registered reconstruction; ``name`` is that of its reference.

    Returns:
        JSON values: protocol, reference, region_pixels, shift_xy, ramp_xy, scale,
        amplitude, phase, complex_error, frc, baseline, against_constant.
    """
    alignment, region = registered.alignment, registered.region
    mean = complex(registered.truth[region].mean())
    scores = _scores(registered.image, registered.truth, region)
    baseline = _scores(np.broadcast_to(mean, region.shape), registered.truth, region)
    return {
        "protocol": PROTOCOL,
        "reference": name,
        "region_pixels": int(region.sum()),
        "shift_xy": list(alignment.shift_xy),
        "ramp_xy": list(alignment.ramp_xy),
        "scale": [alignment.scale.real, alignment.scale.imag],
        **scores,
        "frc": _ring_correlation(registered.image, registered.truth, region),
        "baseline": baseline,
        "against_constant": _against(scores, baseline),
    }


def evaluate(
    rec: NDArray[np.complex64],
    weight: NDArray[np.float32],
    origin_xy: NDArray[np.float64],
    truth: Truth,
) -> dict[str, Any]:
    """Judge a stitched object (Y, X) against a reference: ``register``, then ``judge``.

    Raises:
        InputError: Shapes differ, or fewer than 64 pixels have both weight and truth.
    """
    return judge(register(rec, weight, origin_xy, truth), truth.name)


def _common_frame(
    rec: NDArray[np.complex64],
    weight: NDArray[np.float32],
    origin_xy: NDArray[np.float64],
    truth: Truth,
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.bool_]]:
    """Crop both images to their overlap and find the region that is judged."""
    if rec.shape != weight.shape:
        raise InputError(
            "weight", expected=f"the shape of the object {rec.shape}", found=str(weight.shape)
        )
    heavy = weight > _WEIGHT_SHARE * float(weight.max(initial=0.0))
    region = ndimage.binary_erosion(heavy, np.ones((3, 3), bool), iterations=_EROSION_PX)
    x0, y0 = (round(float(value)) for value in origin_xy)
    rows = slice(max(0, -y0), max(0, min(rec.shape[0], truth.object_canvas.shape[0] - y0)))
    columns = slice(max(0, -x0), max(0, min(rec.shape[1], truth.object_canvas.shape[1] - x0)))
    in_truth = (
        slice(rows.start + y0, max(rows.start, rows.stop) + y0),
        slice(columns.start + x0, max(columns.start, columns.stop) + x0),
    )
    region = region[rows, columns]
    if truth.known is not None and region.size:
        region = region & truth.known[in_truth]
    if int(region.sum()) < _SMALLEST_REGION:
        raise InputError(
            truth.name,
            expected=f"at least {_SMALLEST_REGION} reconstructed pixels with a reference",
            found=f"{int(region.sum())}",
            remedy="check that positions and reference share one frame",
        )
    reference = truth.object_canvas[in_truth].astype(np.complex128)
    return rec[rows, columns].astype(np.complex128), reference, region


def _scores(
    reconstruction: NDArray[np.complex128],
    truth: NDArray[np.complex128],
    region: NDArray[np.bool_],
) -> dict[str, Any]:
    """Compare amplitudes, phases and complex values of two registered images."""
    mean = truth[region].mean()
    phase = np.angle(truth * np.conj(mean))
    found_phase = phase + np.angle(reconstruction * truth.conj())
    error = np.linalg.norm(reconstruction[region] - truth[region])
    norm = float(np.linalg.norm(truth[region]))
    return {
        "amplitude": similarity.compare(
            np.abs(reconstruction), np.abs(truth), region
        ).to_dict(),
        "phase": similarity.compare(found_phase, phase, region).to_dict(),
        "complex_error": float(error) / norm if norm > 0 else None,
    }


def _against(scores: dict[str, Any], baseline: dict[str, Any]) -> dict[str, Any]:
    """Name the metrics in which the constant object is as good or better.

    A constant correlates with nothing: its undefined coefficient counts as zero. A metric
    that is undefined for the reconstruction is lost. PSNR says what MSE says. Where the truth
    itself is flat, as the amplitude of a pure phase object, nothing can be better than the
    constant, and that part is not compared.

    Returns:
        ``lost``, sorted names such as ``phase.ssim``; ``lost_count``, and that of amplitude
        and phase alone; ``error_ratio``, complex error over that of the constant.
    """
    lost = []
    for part in ("amplitude", "phase"):
        if baseline[part]["psnr_peak"] < contrast.LEAST:
            continue
        for name, sign in _BETTER.items():
            own, other = scores[part][name], baseline[part][name] or 0.0
            if own is None or sign * (own - other) <= 0:
                lost.append(f"{part}.{name}")
    error, constant = scores["complex_error"], baseline["complex_error"]
    ratio = error / constant if error is not None and constant else None
    if ratio is None or ratio >= 1:
        lost.append("complex_error")
    return {
        "lost": sorted(lost),
        "lost_count": len(lost),
        "lost_amplitude_count": sum(name.startswith("amplitude.") for name in lost),
        "lost_phase_count": sum(name.startswith("phase.") for name in lost),
        "error_ratio": ratio,
    }


def _ring_correlation(
    reconstruction: NDArray[np.complex128],
    truth: NDArray[np.complex128],
    region: NDArray[np.bool_],
) -> dict[str, Any] | None:
    """Correlate the largest centred square; None when the region holds none."""
    square = frc.centred_square(region)
    if square is None:
        return None
    return frc.correlate(reconstruction[square], truth[square]).to_dict()


def _report_shift(alignment: registration.Alignment) -> None:
    """Warn about a shift that registration should not have needed."""
    shift = math.hypot(*alignment.shift_xy)
    if shift > _LARGE_SHIFT_PX:
        _log.warning(
            "The reconstruction lies %.2f px from its reference (dx=%.2f, dy=%.2f).",
            shift,
            *alignment.shift_xy,
        )
