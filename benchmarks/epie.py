"""A plain ePIE with a known probe, the iterative reference beside the network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch import fourier_shift
from ptycho_torch.data import scaling
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import canvas_geometry

_STEP = 1.0


class Estimate(NamedTuple):
    """The object after some sweeps, its weight and origin, and the CPU seconds so far."""

    object_canvas: NDArray[np.complex128]
    weight: NDArray[np.float64]
    origin: NDArray[np.float64]
    sweeps: int
    cpu_seconds: float


def reconstruct(scan: ScanData, sweeps: int, seed: int = 0) -> Iterator[Estimate]:
    """Yield the object after each sweep over all frames, starting from ones.

    The probe of the file is kept; its first mode is used. Fractions of a pixel are given
    to the probe by Fourier shifts, once.

    Source:
        Maiden and Rodenburg, Ultramicroscopy 109 (2009) 1256, equation 6.
    """
    began = time.process_time()
    side = scan.side
    contract = scaling.fit(scan, scan.nphotons or 1e5)
    amplitude = fft.ifftshift(np.asarray(scan.amplitude) * contract.input_scale, axes=(1, 2))
    geometry = canvas_geometry(scan.positions, side)
    origin = np.array([geometry.origin_x, geometry.origin_y], np.float64)
    whole = np.floor(scan.positions)
    corners = (whole - side // 2 - origin).astype(int)
    probe = (scan.probe[0] * contract.probe_scale).astype(np.complex128)
    probes = fourier_shift.apply(probe, fourier_shift.phases(scan.positions - whole, side))
    step = _STEP / np.abs(probes).max(axis=(1, 2)) ** 2
    estimate = np.ones((geometry.height, geometry.width), np.complex128)
    weight = np.zeros(estimate.shape)
    for (column, row), probe in zip(corners, probes, strict=True):
        weight[row : row + side, column : column + side] += np.abs(probe) ** 2
    rng = np.random.default_rng(seed)
    spent = 0.0
    for sweep in range(sweeps):
        for index in rng.permutation(len(probes)):
            column, row = corners[index]
            patch = estimate[row : row + side, column : column + side]
            wave = patch * probes[index]
            field = fft.fft2(wave, norm="ortho")
            field *= amplitude[index] / np.maximum(np.abs(field), 1e-12)
            change = fft.ifft2(field, norm="ortho") - wave
            patch += step[index] * probes[index].conj() * change
        spent += time.process_time() - began
        yield Estimate(estimate.copy(), weight, origin, sweep + 1, spent)
        began = time.process_time()  # who judges the estimate does so in a time of its own
