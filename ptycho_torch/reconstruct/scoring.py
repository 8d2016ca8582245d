"""Frames of few photons → an object that weighs their noise, one sweep at a time.

Where one frame says less of a pixel than is known of it beforehand, an object that follows
frame after frame follows noise. Here it stands still while all frames are summed up:

    g = c Σ P* T⁻¹[(n / μ − 1) F],  μ = |F|² + b        the score, n the measured intensity
    g₀: the same of ±√(μ / c) instead of n − μ          a draw of what the photons alone give

b is the mean intensity that the present object leaves unexplained, and never less than the
error of that mean: without it a photon in a dark corner would outweigh all others. Object and
noise are told apart by rings of spatial frequency (``spectra``), real and imaginary part each
by itself, and the object goes to the most probable one; after the first sweep by half the way,
for the information is approximate and whole steps swing about their goal.

Source: design of the model, section 20; Fisher scoring, Osborne, Int. Stat. Rev. 60 (1992) 99.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch import fourier_shift
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import CanvasGeometry
from ptycho_torch.reconstruct.spectra import Rings, Spectra
from ptycho_torch.reconstruct.sweeps import State, Sweeper, Wanted
from ptycho_torch.rng import Stream, generator

_log = logging.getLogger(__name__)

_PILOT = 512  # frames that choose the way of sweeping
_WHOLE = 1e-3  # off a whole number, at most, where squared amplitudes are counts
_DARK = 1e-12


@dataclass(slots=True, kw_only=True, eq=False)
class Sums:
    """What one sweep sums up.

    Attributes:
        score: (Y, X) g.
        noise: (Y, X) g₀.
        light: (Y, X) c Σ Σ_p |P_p|² [photons].
        measured: (N, N) Σ n, zero frequency in the corner.
        predicted: (N, N) Σ |F|².
        error: Σ|√Î − X| of valid pixels.
        total: ΣX of valid pixels.
    """

    score: NDArray[np.complex128]
    noise: NDArray[np.complex128]
    light: NDArray[np.float64]
    measured: NDArray[np.float64]
    predicted: NDArray[np.float64]
    error: float = 0.0
    total: float = 0.0


class Scorer(Sweeper):
    """Sweeps that move the object once, when all frames are summed up.

    Args:
        scan: Frames, positions of the file, valid pixels.
        members: Scan points to use.
        geometry: Rectangle of the canvas.
        input_scale: α of the scaling contract.
        wanted: What is refined; the object alone.
        photons: c, photons of a frame for each unit of X².
    """

    def __init__(
        self,
        scan: ScanData,
        members: NDArray[np.int64],
        geometry: CanvasGeometry,
        input_scale: float,
        wanted: Wanted,
        photons: float,
    ) -> None:
        """Lay out what does not change from sweep to sweep."""
        super().__init__(scan, members, geometry, input_scale, wanted)
        self.photons = photons

    def sweep(self, state: State) -> None:
        """Sum up all frames, then move the object."""
        if state.background.size == 1:
            state.background = self.leave(self.sum_up(state, with_score=False))
        sums = self.sum_up(state)
        rings = Rings(sums.light)
        mean, turn, spectra = self.measure(state, sums, rings)
        real, imaginary = (rings.solve(one) for one in spectra)
        # The frames' energy fixes the mean; what is unexplained would else be taken from it.
        gain = np.sqrt(sums.measured.sum() / max(sums.predicted.sum(), _DARK))
        real -= (real * sums.light).sum() / sums.light.sum()
        goal = (mean * gain + real + 1j * imaginary) * turn
        if state.residuals:
            goal = (state.object_canvas + goal) / 2
        state.object_canvas = goal.astype(np.complex64)
        state.background = self.leave(sums)
        state.residuals.append(sums.error / sums.total if sums.total > 0 else float("inf"))

    def measure(
        self, state: State, sums: Sums, rings: Rings
    ) -> tuple[float, complex, tuple[Spectra, Spectra]]:
        """Return size and phase of the mean, and what is known of both parts about it."""
        mean = complex((state.object_canvas * sums.light).sum() / sums.light.sum())
        size = abs(mean)
        turn = mean / size if size > 0 else 1.0 + 0j
        score, noise = (2 * turn.conjugate() * image for image in (sums.score, sums.noise))
        part = state.object_canvas.astype(np.complex128) * turn.conjugate() - size
        real = rings.measure(score.real, noise.real, part.real)
        return size, turn, (real, rings.measure(score.imag, noise.imag, part.imag))

    def leave(self, sums: Sums) -> NDArray[np.float64]:
        """Return b: the mean intensity that is not explained, or the error of the mean."""
        rest = np.maximum(sums.measured - sums.predicted, 0)
        left: NDArray[np.float64] = rest + np.sqrt(sums.measured / self.photons)
        return left / len(self.members)

    def sum_up(self, state: State, *, with_score: bool = True) -> Sums:
        """Pass once over all frames in their order; the object stands still."""
        shape, square = state.object_canvas.shape, (self.side, self.side)
        sums = Sums(
            score=np.zeros(shape, np.complex128),
            noise=np.zeros(shape, np.complex128),
            light=np.zeros(shape),
            measured=np.zeros(square),
            predicted=np.zeros(square),
        )
        signs = generator(self.wanted.seed, Stream.REFINEMENT, len(state.residuals))
        for block in self.blocks():
            frames = self.input_scale * np.asarray(self.scan.amplitude[block], np.float32)
            for point, frame in zip(block.tolist(), frames, strict=True):
                self._add(
                    sums, state, point, fft.ifftshift(frame), signs if with_score else None
                )
        return sums

    def _add(
        self,
        sums: Sums,
        state: State,
        point: int,
        measured: NDArray[np.float32],
        signs: np.random.Generator | None,
    ) -> None:
        """Add one frame; without signs only its intensities."""
        row, column, ramp = self.locate(state.positions[point])
        probe = state.probe if ramp is None else fourier_shift.apply(state.probe, ramp)
        place = np.s_[row : row + self.side, column : column + self.side]
        field = fft.fft2(state.object_canvas[place] * probe, norm="ortho")
        intensity = (np.square(field.real) + np.square(field.imag)).sum(axis=0)
        counts = np.where(self.valid, np.square(measured), 0)
        intensity = np.where(self.valid, intensity, 0)
        sums.measured += counts
        sums.predicted += intensity
        if signs is None:
            return
        expected = np.maximum(intensity + state.background, _DARK).astype(np.float32)
        pull = np.where(self.valid, counts / expected - 1, 0)
        sign = 2 * signs.integers(0, 2, expected.shape, np.int8) - 1
        draw = np.where(self.valid, sign / np.sqrt(self.photons * expected), 0)
        waves = np.stack([pull * field, draw.astype(np.float32) * field])
        back = fft.ifft2(waves, norm="ortho")
        score, noise = self.photons * (probe.conj() * back).sum(axis=1)
        sums.score[place] += score
        sums.noise[place] += noise
        sums.light[place] += self.photons * np.square(np.abs(probe)).sum(axis=0)
        amplitude = np.sqrt(intensity)
        sums.error += float(np.abs(amplitude - measured)[self.valid].sum(dtype=np.float64))
        sums.total += float(measured[self.valid].sum(dtype=np.float64))


def choose(
    scan: ScanData,
    members: NDArray[np.int64],
    geometry: CanvasGeometry,
    input_scale: float,
    intensity_scale: float,
    wanted: Wanted,
    state: State,
) -> Sweeper:
    """Choose the way of sweeping that the light of a frame allows.

    The information of one frame on its brightest pixel, times the variance of the object as
    some frames show it: from 1 on a frame alone says more than was known, and the object
    follows it. Probe and positions are refined by frames that are followed.

    Args:
        scan: Frames, positions, valid pixels.
        members: Scan points to use.
        geometry: Rectangle of the canvas.
        input_scale: α.
        intensity_scale: s; where frames hold whole counts, these are their photons instead.
        wanted: What is refined.
        state: Where the refinement begins.
    """
    if wanted.with_probe or wanted.with_positions or not len(members):
        return Sweeper(scan, members, geometry, input_scale, wanted)
    start = max(0, (len(members) - _PILOT) // 2)
    pilot = members[start : start + _PILOT]
    intensity = np.square(np.asarray(scan.amplitude[pilot], np.float64))[:, scan.valid_mask]
    # Counts in single precision are off by what their square root rounds.
    off = np.abs(intensity - np.rint(intensity)) - 4 * np.finfo(np.float32).eps * intensity
    is_counted = bool((off <= _WHOLE).all()) and intensity.max(initial=0) > 0
    photons = 1 / input_scale**2 if is_counted else intensity_scale**2
    scorer = Scorer(scan, pilot, geometry, input_scale, wanted, photons)
    pilot_state = State(
        object_canvas=state.object_canvas,
        probe=state.probe,
        positions=state.positions,
        residuals=[],
    )
    pilot_state.background = scorer.leave(scorer.sum_up(pilot_state, with_score=False))
    sums = scorer.sum_up(pilot_state)
    if not (np.isfinite(sums.score).all() and sums.light.max() > 0):
        return Sweeper(scan, members, geometry, input_scale, wanted)
    rings = Rings(sums.light)
    _, _, spectra = scorer.measure(pilot_state, sums, rings)
    light = photons * np.square(np.abs(state.probe)).sum(axis=0).max()
    snr = 2 * light * max(one.variance for one in spectra)
    _log.info("refine: one frame says %.3g times what its noise hides", snr)
    if snr >= 1:
        return Sweeper(scan, members, geometry, input_scale, wanted)
    return Scorer(scan, members, geometry, input_scale, wanted, photons)
