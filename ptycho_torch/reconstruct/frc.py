"""Fourier ring correlation of two images: how far the detail agrees.

Frequencies are cycles per pixel, ring k of a square of side L lies at k / L; the ring of
zero frequency is left out, because the mean of each image is removed first.

Source: design of the model, section 14.2, step 5; van Heel and Schatz, Fourier shell
correlation threshold criteria (half-bit curve).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TUKEY_SHARE = 0.2
_SMALLEST_SIDE = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingCorrelation:
    """The curve and where it falls below the usual thresholds.

    Attributes:
        freq: (R,) ring frequencies [cycles / px].
        curve: (R,) correlation in [−1, 1].
        n: (R,) pixels in each ring.
        f_0p5: First frequency below 0.5, None when never.
        f_0p143: First frequency below 0.143, None when never.
        f_halfbit: First frequency below the half-bit curve, None when never.
    """

    freq: NDArray[np.float64]
    curve: NDArray[np.float64]
    n: NDArray[np.int64]
    f_0p5: float | None
    f_0p143: float | None
    f_halfbit: float | None

    def to_dict(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return {
            "freq": self.freq.tolist(),
            "curve": self.curve.tolist(),
            "n": self.n.tolist(),
            "f_0p5": self.f_0p5,
            "f_0p143": self.f_0p143,
            "f_halfbit": self.f_halfbit,
        }


def centred_square(region: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """Find the largest square around the centre of mass of a region that it wholly covers.

    Returns:
        Row and column slices of even side, or None when no square of side 8 fits.
    """
    rows, columns = np.nonzero(region)
    if rows.size == 0:
        return None
    row, column = round(float(rows.mean())), round(float(columns.mean()))
    half = min(row, column, region.shape[0] - row, region.shape[1] - column)
    while 2 * half >= _SMALLEST_SIDE:
        square = (slice(row - half, row + half), slice(column - half, column + half))
        if region[square].all():
            return square
        half -= 1
    return None


def correlate(
    reconstruction: NDArray[np.complex128], truth: NDArray[np.complex128]
) -> RingCorrelation:
    """Correlate two square images of one size ring by ring.

    Rings where one of the images has no power correlate as 0.

    Raises:
        ValueError: The images differ in shape or are not square.
    """
    if (
        reconstruction.shape != truth.shape
        or reconstruction.shape[0] != reconstruction.shape[1]
    ):
        raise ValueError(
            f"images of shape {reconstruction.shape} and {truth.shape} are not one square"
        )
    side = reconstruction.shape[0]
    taper = tukey(side, _TUKEY_SHARE)
    window = taper[:, None] * taper[None, :]
    spectra = [
        np.fft.fft2((image - image.mean()) * window) for image in (reconstruction, truth)
    ]
    frequency = np.fft.fftfreq(side, 1 / side)
    ring = np.rint(np.hypot(frequency[:, None], frequency[None, :])).astype(np.int64).ravel()
    # Up to Nyquist: beyond it lie the corners, which hold no whole ring.
    rings = np.arange(1, side // 2 + 1)
    cross, first, second = (
        np.bincount(ring, weights=values.ravel())[rings]
        for values in (
            (spectra[0] * spectra[1].conj()).real,
            np.abs(spectra[0]) ** 2,
            np.abs(spectra[1]) ** 2,
        )
    )
    power = np.sqrt(first * second)
    curve = np.divide(cross, power, out=np.zeros_like(cross), where=power > 0)
    count = np.bincount(ring)[rings].astype(np.int64)
    freq = rings / side
    return RingCorrelation(
        freq=freq,
        curve=curve,
        n=count,
        f_0p5=find_crossing(freq, curve, np.full_like(curve, 0.5)),
        f_0p143=find_crossing(freq, curve, np.full_like(curve, 0.143)),
        f_halfbit=find_crossing(freq, curve, half_bit(count)),
    )


def tukey(size: int, share: float) -> NDArray[np.float64]:
    """Make a window that is flat but for a cosine over ``share`` of it, half on each side."""
    depth = np.minimum(np.arange(size), np.arange(size)[::-1]) / (share * (size - 1) / 2)
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(np.pi * np.minimum(depth, 1.0))
    return window


def half_bit(n: NDArray[np.int64]) -> NDArray[np.float64]:
    """Evaluate the half-bit threshold for rings of ``n`` pixels."""
    root = np.sqrt(n.astype(np.float64))
    # The half-bit curve as van Heel and Schatz print it, with their four digits.
    threshold: NDArray[np.float64] = (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root)
    return threshold


def find_crossing(
    freq: NDArray[np.float64], curve: NDArray[np.float64], threshold: NDArray[np.float64]
) -> float | None:
    """Find where a curve first falls below a threshold, linearly between rings.

    A curve that starts below gives its first frequency.
    """
    margin = curve - threshold
    below = np.flatnonzero(margin < 0)
    if below.size == 0:
        return None
    k = int(below[0])
    if k == 0:
        return float(freq[0])
    share = margin[k - 1] / (margin[k - 1] - margin[k])
    return float(freq[k - 1] + share * (freq[k] - freq[k - 1]))
