"""Stitched object → how much it shows, in numbers that no colour scale is fitted to.

Source: design of the model, section 20.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.reconstruct import registration

RANGE = (0.5, 99.5)  # percentiles that span what is shown
LEAST = 1e-3  # a narrower range shows nothing [rad, or transmission]
_BY_CHANCE = 1e-3  # share of neighbours that may jump

Plane = NDArray[np.float64]
Mask = NDArray[np.bool_]


def measure(object_canvas: NDArray[np.complex64], mask: Mask) -> dict[str, Any]:
    """Measure what the covered pixels of a stitched object (Y, X) show.

    Returns:
        JSON values: for amplitude and phase std and range (between the half percentiles),
        None without a covered pixel; whether the phase wraps. The phase is that without
        constant and ramp, which diffraction cannot tell.
    """
    phase = levelled_phase(object_canvas, mask)
    amplitude = np.abs(object_canvas).astype(np.float64)
    return {
        "amplitude": _spread(amplitude[mask]),
        "phase": _spread(phase[mask]),
        "phase_wraps": wraps(phase, mask),
    }


def levelled_phase(object_canvas: NDArray[np.complex64], mask: Mask) -> Plane:
    """Compute the phase (Y, X) after removing the plane and the constant of covered pixels."""
    wide = object_canvas.astype(np.complex128)
    flat = registration.remove_plane(wide, registration.fit_plane(wide, mask))
    return centred_phase(flat, mask)


def centred_phase(object_canvas: NDArray[np.complexfloating[Any, Any]], mask: Mask) -> Plane:
    """Compute the phase (Y, X) about the mean of the covered pixels."""
    level = np.angle(object_canvas[mask].sum()) if mask.any() else 0.0
    centred: Plane = np.angle(object_canvas.astype(np.complex128) * np.exp(-1j * level))
    return centred


def wraps(phase: Plane, mask: Mask) -> bool:
    """Tell whether a phase jumps by more than π between covered neighbours.

    A wrap is a line through the picture; single pixels of the rim, where hardly any light
    fell, do not make one.
    """
    jumps = pairs = 0
    for axis in (0, 1):
        both = _both(mask, axis)
        pairs += int(both.sum())
        jumps += int((np.abs(np.diff(phase, axis=axis)) > math.pi)[both].sum())
    return jumps > _BY_CHANCE * pairs


def shown_range(values: Plane) -> tuple[float, float]:
    """Return a range that leaves out a few extreme values; never narrower than ``LEAST``.

    What varies by less keeps to one shade, instead of rounding errors filling the scale.
    """
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, RANGE))
    lacking = max(0.0, LEAST - (high - low)) / 2
    return low - lacking, high + lacking


def _both(mask: Mask, axis: int) -> Mask:
    """Tell where a pixel and the next one along an axis are covered."""
    first = np.take(mask, range(mask.shape[axis] - 1), axis)
    return np.asarray(first & np.take(mask, range(1, mask.shape[axis]), axis))


def _spread(values: Plane) -> dict[str, float | None]:
    if values.size == 0:
        return {"std": None, "range": None}
    low, high = np.percentile(values, RANGE)
    return {"std": float(values.std()), "range": float(high - low)}
