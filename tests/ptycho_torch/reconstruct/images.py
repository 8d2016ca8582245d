"""Smooth complex objects whose fractional shift is known in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def waves(
    shape: tuple[int, int], shift_xy: tuple[float, float] = (0.0, 0.0), *, seed: int = 5
) -> NDArray[np.complex128]:
    """Evaluate a fixed sum of plane waves, moved towards +x, +y by a shift [px].

    The frequencies do not divide the image, so that nothing is periodic by accident.
    """
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    x, y = x - shift_xy[0], y - shift_xy[1]
    amplitude, phase = np.ones(shape), np.zeros(shape)
    for _ in range(60):
        kx, ky = rng.uniform(-0.7, 0.7, 2)
        offset = rng.uniform(0, 2 * np.pi)
        amplitude += 0.02 * np.cos(kx * x + ky * y + offset)
        phase += 0.05 * np.cos(ky * x - kx * y + 2 * offset)
    return amplitude * np.exp(1j * phase)


def blob(shape: tuple[int, int], margin: int = 6) -> NDArray[np.bool_]:
    """Mark an elliptic region that is neither square nor centred."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    centre_x, centre_y = 0.45 * shape[1], 0.55 * shape[0]
    radius_x, radius_y = 0.45 * shape[1] - margin, 0.45 * shape[0] - margin
    inside: NDArray[np.bool_] = ((x - centre_x) / radius_x) ** 2 + (
        (y - centre_y) / radius_y
    ) ** 2 < 1
    return inside
