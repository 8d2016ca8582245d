"""Object, probe, positions and frames → all of them a little better, one sweep at a time.

Notation: X = αA is the measured amplitude, ψ_p = O·P_p the exit waves, F their far fields and
Î = Σ_p |F_p|². A frame pulls its far fields to the amplitude that was measured,

    Δψ_p = T⁻¹[(X / √Î − 1) F_p]          the negative gradient of Σ(√Î − X)² / 2 by ψ_p
    O   += β Σ_p P_p* Δψ_p / max Σ_p |P_p|²
    P_p += β O* Δψ_p / max |O|²           with_probe
    r   += δ, min ‖Δψ − δ·P ∂O/∂r‖        with_positions

one frame after the other, so that each sees what its neighbours found. √counts have the same
variance whatever their number: this is the likelihood of photon counts with its variance made
equal, and unlike their Poisson likelihood it stays bounded where Î goes to zero. The step β
falls from sweep to sweep, for at a constant one the object follows the noise of the last frame.
A fraction of a pixel is given to the probe as a Fourier shift, which blurs nothing.

Source:
    Maiden and Rodenburg, Ultramicroscopy 109 (2009) 1256, equations 6 and 7; Thibault and
    Guizar-Sicairos, New J. Phys. 14 (2012) 063004, for the likelihood; Odstrčil et al., Opt.
    Express 26 (2018) 3108, for the positions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch import fourier_shift
from ptycho_torch.data.scan import ScanData
from ptycho_torch.physics.canvas import CanvasGeometry
from ptycho_torch.rng import Stream, generator

_BLOCK = 512  # frames read at once
_DECAY = 0.1  # β = 1 / (1 + 0.1 k) in sweep k
_FARTHEST_PX = 1.0  # that a position may move, the margin of a canvas
_POSITION_STEP = 0.5
_LEAST_AMPLITUDE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is refined.

    Attributes:
        sweeps: Passes over all frames.
        with_probe: Refine the probe too.
        with_positions: Refine the positions too, each by at most a pixel.
        seed: Root of the random order of the frames.
    """

    sweeps: int
    with_probe: bool = False
    with_positions: bool = False
    seed: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """Where a refinement stands; swept in place.

    Attributes:
        object_canvas: (Y, X) complex64.
        probe: (P, N, N) complex64 normalised modes.
        positions: (M, 2) float64, patch centres, x then y [px].
        residuals: Σ|√Î − X| / ΣX of each finished sweep, as met on its way.
        background: (N, N) mean intensity left unexplained, where noise is weighed; else one 0.
    """

    object_canvas: NDArray[np.complex64]
    probe: NDArray[np.complex64]
    positions: NDArray[np.float64]
    residuals: list[float]
    background: NDArray[np.float64] = field(default_factory=lambda: np.zeros((1, 1)))


class Sweeper:
    """Sweeps over the frames of one scan.

    Args:
        scan: Frames, positions of the file, valid pixels.
        members: Scan points to use.
        geometry: Rectangle of the canvas.
        input_scale: α of the scaling contract.
        wanted: What is refined.
    """

    def __init__(
        self,
        scan: ScanData,
        members: NDArray[np.int64],
        geometry: CanvasGeometry,
        input_scale: float,
        wanted: Wanted,
    ) -> None:
        """Lay out what does not change from sweep to sweep."""
        self.scan, self.members, self.wanted = scan, members, wanted
        self.input_scale = np.float32(input_scale)
        self.side = scan.side
        self.origin = np.array([geometry.origin_x, geometry.origin_y], np.float64)
        self.largest = np.array([geometry.width, geometry.height]) - self.side
        # The transforms below keep zero frequency in the corner: frames come to them instead.
        self.valid = fft.ifftshift(scan.valid_mask)

    def sweep(self, state: State) -> None:
        """Pass once over all frames, in an order of this sweep's own."""
        number = len(state.residuals)
        order = generator(self.wanted.seed, Stream.REFINEMENT, number)
        step = np.float32(1.0 / (1.0 + _DECAY * number))
        energy = np.square(np.abs(state.probe)).sum()
        error = total = 0.0
        blocks = self.blocks()
        # Near frames lie together in a file: whole blocks are read, in random order.
        for place in order.permutation(len(blocks)):
            block = blocks[place]
            frames = self.input_scale * np.asarray(self.scan.amplitude[block], np.float32)
            for index in order.permutation(len(block)):
                measured = fft.ifftshift(frames[index])
                error += self._step(state, int(block[index]), measured, step, number)
                total += float(measured[self.valid].sum(dtype=np.float64))
        if self.wanted.with_probe:
            # Object and probe share one scale: the probe keeps the energy that it came with.
            factor = np.float32(np.sqrt(energy / np.square(np.abs(state.probe)).sum()))
            state.probe *= factor
            state.object_canvas /= factor
        if self.wanted.with_positions:
            self._hold_positions(state)
        state.residuals.append(error / total if total > 0 else float("inf"))

    def blocks(self) -> list[NDArray[np.int64]]:
        """Return the scan points that are read at once."""
        starts = range(0, len(self.members), _BLOCK)
        return [self.members[start : start + _BLOCK] for start in starts]

    def locate(
        self, position: NDArray[np.float64]
    ) -> tuple[int, int, NDArray[np.complex64] | None]:
        """Return row and column of a patch, and the phases of what is left of its place."""
        place = position - self.side // 2 - self.origin
        corner = np.clip(np.floor(place), 0, self.largest).astype(np.int64)
        column, row = corner.tolist()
        return row, column, self._ramp(place - corner)

    def _step(
        self,
        state: State,
        point: int,
        measured: NDArray[np.float32],
        step: np.float32,
        number: int,
    ) -> float:
        """Let one frame pull; return Σ|√Î − X| of its valid pixels before."""
        row, column, ramp = self.locate(state.positions[point])
        probe = state.probe if ramp is None else fourier_shift.apply(state.probe, ramp)
        window = state.object_canvas[row : row + self.side, column : column + self.side]
        wave = fft.fft2(window * probe, norm="ortho")
        amplitude = np.sqrt((np.square(wave.real) + np.square(wave.imag)).sum(axis=0))
        pull = measured / np.maximum(amplitude, _LEAST_AMPLITUDE) - 1
        change = fft.ifft2(np.where(self.valid, pull, 0) * wave, norm="ortho")
        light = np.square(probe.real) + np.square(probe.imag)
        along = (probe.conj() * change).sum(axis=0) / light.sum(axis=0).max()
        # Probe and positions wait for a first sweep: an object that is wrong drags them along.
        if self.wanted.with_positions and number:
            state.positions[point] += _POSITION_STEP * _find_shift(window, probe, change)
        if self.wanted.with_probe and number:
            strength = np.square(window.real) + np.square(window.imag)
            back = window.conj() * change / max(strength.max(), _LEAST_AMPLITUDE)
            state.probe += step * (
                back if ramp is None else fourier_shift.apply(back, ramp.conj())
            )
        window += step * along
        return float(np.abs(amplitude - measured)[self.valid].sum(dtype=np.float64))

    def _ramp(self, fraction: NDArray[np.float64]) -> NDArray[np.complex64] | None:
        """Return the phases that move an image by a fraction of a pixel, x then y."""
        if not fraction.any():
            return None
        return fourier_shift.phases(fraction, self.side).astype(np.complex64)

    def _hold_positions(self, state: State) -> None:
        """Keep positions near those of the file; a shift of all is the object's to take."""
        moved = state.positions[self.members] - self.scan.positions[self.members]
        moved -= moved.mean(axis=0)
        bounded = np.clip(moved, -_FARTHEST_PX, _FARTHEST_PX)
        state.positions[self.members] = self.scan.positions[self.members] + bounded


def _find_shift(
    window: NDArray[np.complex64],
    probe: NDArray[np.complex64],
    change: NDArray[np.complex64],
) -> NDArray[np.float64]:
    """Return the (x, y) by which a patch would explain its change best, to first order."""
    slopes = np.gradient(window)[::-1]
    waves = np.stack([(slope * probe).ravel() for slope in slopes])
    normal = (waves.conj() @ waves.T).real.astype(np.float64)
    right = (waves.conj() @ change.ravel()).real.astype(np.float64)
    if np.linalg.det(normal) <= np.finfo(np.float32).eps * np.trace(normal) ** 2:
        return np.zeros(2)  # a patch without structure says nothing of its place
    shift: NDArray[np.float64] = np.linalg.solve(normal, right)
    return np.clip(shift, -_FARTHEST_PX, _FARTHEST_PX)
