"""Moves by fractions of a pixel, as phases of the Fourier transform: the one place for them.

F′(ν) = F(ν) · exp(−2πi ν·d)  moves content by +d, x then y; what leaves comes in again at the
opposite edge. Unlike interpolation it blurs nothing, and undoes itself with the opposite sign.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Kind = TypeVar("Kind", bound=np.complexfloating[Any, Any])


def phases(shifts: NDArray[np.floating[Any]], side: int) -> NDArray[np.complex128]:
    """Return what a spectrum is multiplied by to move square images by +shift.

    Args:
        shifts: (…, 2) moves, x then y [px].
        side: N [px].

    Returns:
        (…, N, N) factors of magnitude 1, zero frequency in the corner.
    """
    turns = np.exp(-2j * np.pi * shifts[..., None] * fft.fftfreq(side))
    factors: NDArray[np.complex128] = turns[..., 0, None, :] * turns[..., 1, :, None]
    return factors


def apply(images: NDArray[Kind], factors: NDArray[Kind]) -> NDArray[Kind]:
    """Multiply the spectra of images (…, N, N) by factors that go with them.

    The conjugate of the factors of a shift is its adjoint, the way back.
    """
    moved: NDArray[Kind] = fft.ifft2(fft.fft2(images) * factors)
    return moved
