"""Object, probe and positions to counted frames.

Patches are cut with a margin of 16 px and moved by the fraction of a pixel through the
Fourier transform, so that the data do not share the interpolation of the model.

Source: design of the model, section 16.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch import fourier_shift

# A shift through the transform wraps around; what comes in at the edges is cut off with it.
MARGIN = 16
_BLOCK = 32


def cut(
    canvas: NDArray[np.complex64], positions: NDArray[np.float64], side: int
) -> NDArray[np.complex128]:
    """Cut patches whose pixel (N / 2, N / 2) lies exactly on each position.

    Args:
        canvas: (Y, X) object; every crop of side N + 32 must lie inside.
        positions: (M, 2) patch centres, x then y [px].
        side: N [px].

    Returns:
        (M, N, N) object patches; exact copies where positions are whole pixels.
    """
    whole = np.floor(positions).astype(np.int64)
    fraction = positions - whole
    wide = side + 2 * MARGIN
    # wide // 2 is N // 2 + margin, so pixel N // 2 of the inner cut lies on the position.
    corner = whole - wide // 2
    crops = np.stack([canvas[y : y + wide, x : x + wide] for x, y in corner])
    inner = slice(MARGIN, MARGIN + side)
    # Whole pixels need no transform, which would leave rounding in an exact copy.
    if not fraction.any():
        return crops[:, inner, inner].astype(np.complex128)
    # A patch reads the object at x + f, so content moves towards −f.
    phases = fourier_shift.phases(-fraction, wide)
    return fourier_shift.apply(crops.astype(np.complex128), phases)[:, inner, inner]


def blocks(
    canvas: NDArray[np.complex64],
    probe: NDArray[np.complex128],
    positions: NDArray[np.float64],
) -> Iterator[NDArray[np.float64]]:
    """Compute the diffracted intensity some points at a time, modes added incoherently.

    Args:
        canvas: (Y, X) object.
        probe: (P, N, N) modes.
        positions: (M, 2) patch centres, x then y [px].

    Yields:
        (m, N, N) intensity of the next points, zero frequency at (N / 2, N / 2).
    """
    side = probe.shape[-1]
    for start in range(0, len(positions), _BLOCK):
        exit_waves = cut(canvas, positions[start : start + _BLOCK], side)[:, None] * probe
        far_field = fft.fft2(exit_waves, norm="ortho")
        power = np.square(far_field.real) + np.square(far_field.imag)
        yield fft.fftshift(power.sum(axis=1), axes=(1, 2))
