"""Noise and object by rings of spatial frequency: the most probable object under its noise.

Notation: u is the score, the gradient of a log-likelihood by the real or the imaginary part of
an object ε, and W the light that fell on each pixel [photons]. Its Fisher information, which is
the covariance of u as well, is taken for I = √W C √W, where C is a factor of each ring of
frequencies: W says where light fell, C what the probe transfers. Then u + Iε has the power
C + C² W̄ S in a ring where S is the power of the object, and the most probable object is

    x = (I + 1/S)⁻¹ (u + Iε)        in the middle of a scan (P − C) / P times the likeliest one

Source: Thibault and Guizar-Sicairos, New J. Phys. 14 (2012) 063004, for likelihood and
information; Wiener, "Extrapolation, Interpolation and Smoothing" (1949), for the factor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Image = NDArray[np.float64]

_LEAST_LIGHT = 1e-3  # of the brightest pixel: what lies below says nothing of a spectrum
_ENOUGH = 1e-3  # of the right side, where conjugate gradients end
_MOST_STEPS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """What the frames say of the real or the imaginary part of an object.

    Attributes:
        data: (Y, X) u + Iε.
        noise: (Y, X) a draw of the noise that is in the data.
        transfer: C of each ring.
        signal: S of each ring.
        variance: Of the object about its mean a pixel, as measured.
    """

    data: Image
    noise: Image
    transfer: Image
    signal: Image
    variance: float


class Rings:
    """Rings of spatial frequency of real images of one shape.

    Args:
        light: (Y, X) W [photons].
    """

    def __init__(self, light: Image) -> None:
        """Number the ring of each frequency."""
        self.shape = light.shape
        rows, columns = light.shape
        down, across = np.meshgrid(fft.fftfreq(rows), fft.rfftfreq(columns), indexing="ij")
        self.ring = np.rint(np.hypot(down, across) * max(light.shape)).astype(np.int64)
        # A real image's other half of the plane is the mirror of the one that is held.
        self.times = np.full(self.ring.shape, 2.0)
        self.times[:, 0] = 1
        if columns % 2 == 0:
            self.times[:, -1] = 1
        self.count: Image = np.bincount(self.ring.ravel(), self.times.ravel()).astype(
            np.float64
        )
        self.root = np.sqrt(light)
        self.lit = light > _LEAST_LIGHT * light.max()
        self.share = float(self.lit.mean())
        self.mean_light = float(light[self.lit].mean())
        self.whitening = np.where(self.lit, 1 / np.where(self.lit, self.root, 1), 0)

    def power(self, image: Image) -> Image:
        """Return the mean power of each ring, of an image that fills what is lit."""
        spectrum = fft.rfft2(image, norm="ortho")
        power = self.times * (np.square(spectrum.real) + np.square(spectrum.imag))
        summed: Image = np.bincount(self.ring.ravel(), power.ravel()).astype(np.float64)
        return summed / (self.count * self.share)

    def filter(self, image: Image, factors: Image) -> Image:
        """Multiply each ring by its factor."""
        spectrum = factors[self.ring] * fft.rfft2(image, norm="ortho")
        filtered: Image = fft.irfft2(spectrum, s=self.shape, norm="ortho")
        return filtered

    def measure(self, score: Image, noise: Image, part: Image) -> Spectra:
        """Tell object from noise by the power of each ring.

        Args:
            score: (Y, X) u at the present object.
            noise: (Y, X) a score of noise alone, drawn with the variances of the photons.
            part: (Y, X) ε, the present object about its mean.
        """
        transfer = self.power(noise * self.whitening)
        data = score + self._inform(part, transfer)
        total = self.power(data * self.whitening)
        excess = np.maximum(total - transfer, 0)
        safe = np.where(transfer > 0, transfer, np.inf)
        signal = excess / (np.square(safe) * self.mean_light)
        signal[0] = signal[1]  # the mean is no part of the object here
        return Spectra(
            data,
            noise,
            transfer,
            signal,
            float((signal * self.count)[1:].sum() / self.count.sum()),
        )

    def solve(self, spectra: Spectra, data: Image | None = None) -> Image:
        """Return the most probable part (Y, X); of other data, of a draw of noise its share."""
        root = np.sqrt(spectra.signal)

        def normal(image: Image) -> Image:
            informed = self._inform(self.filter(image, root), spectra.transfer)
            return self.filter(informed, root) + image

        wanted = spectra.data if data is None else data
        return self.filter(_solve(normal, self.filter(wanted, root)), root)

    def _inform(self, image: Image, transfer: Image) -> Image:
        return self.root * self.filter(self.root * image, transfer)


def _solve(normal: Callable[[Image], Image], right: Image) -> Image:
    """Solve by conjugate gradients: the operator is 1 and something positive."""
    solution = np.zeros_like(right)
    left, way = right.copy(), right.copy()
    size = first = float(np.square(left).sum())
    for _ in range(_MOST_STEPS):
        if size <= _ENOUGH**2 * first:
            break
        ahead = normal(way)
        step = size / float((way * ahead).sum())
        solution += step * way
        left -= step * ahead
        before, size = size, float(np.square(left).sum())
        way = left + size / before * way
    return solution
