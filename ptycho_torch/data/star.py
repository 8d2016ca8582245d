"""The published Siemens star, 128 × 128 counts, to a scan of 64 × 64 amplitudes.

The detector is cropped to 80 × 80 and binned to 64 × 64, each photon of a pixel shared
by two bins going to one of them at random, so that counts stay counts. Cropping by
128 / 80 makes the object pixel larger by the same factor. The published probe is a rough
guess; it and an object are then refined by a few sweeps of ePIE.

Source: Maiden and Rodenburg, An improved ptychographical phase retrieval algorithm.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from ptycho_torch import fourier_shift
from ptycho_torch.rng import Stream, generator

SIDE = 64
CROP = 80
FULL = 128
SWEEPS = 40
_MARGIN = SIDE // 2 + 2
_SEED = 42
_KNOWN = 0.1

Counts = NDArray[np.int64]
Positions = NDArray[np.float64]


@dataclass(slots=True, kw_only=True, eq=False)
class Refinement:
    """An object and a probe while they are refined.

    Attributes:
        object_canvas: (Y, X) complex transmission.
        probe: (N, N) complex field, in units of √counts.
        errors: Relative misfit of the amplitudes after each sweep.
    """

    object_canvas: NDArray[np.complex128]
    probe: NDArray[np.complex128]
    errors: list[float]


def arrays(content: bytes, sweeps: int | None = None) -> dict[str, NDArray[Any]]:
    """Convert the published archive to the keys of the data contract.

    Args:
        content: The NPZ archive, unpacked from its compression.
        sweeps: Sweeps of the refinement over all frames; None takes the usual number.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        counts = fft.fftshift(stored["data"][0], axes=(1, 2)).astype(np.int64)
        steps = stored["scan"][0].astype(np.float64)
        guess = stored["probe"].reshape(FULL, FULL).astype(np.complex128)
    binned = rebin(counts, generator(_SEED, Stream.NOISE))
    positions = steps[:, ::-1] * (CROP / FULL)
    positions += _MARGIN - np.floor(positions.min(axis=0))
    amplitude = np.sqrt(binned).astype(np.float32)
    probe = resample(guess)
    probe *= np.sqrt(binned.sum() / len(binned) / np.square(np.abs(probe)).sum())
    refinement = in_gauge(
        refine(amplitude, positions, probe, SWEEPS if sweeps is None else sweeps), amplitude
    )
    return {
        "diff3d": amplitude,
        "xcoords": positions[:, 0],
        "ycoords": positions[:, 1],
        "probeGuess": refinement.probe.astype(np.complex64),
        "objectGuess": refinement.object_canvas.astype(np.complex64),
        "objectMask": find_illuminated(refinement, positions),
    }


def rebin(counts: Counts, rng: np.random.Generator) -> Counts:
    """Crop to 80 × 80 and bin to 64 × 64; every photon ends in exactly one bin."""
    edge = (FULL - CROP) // 2
    cropped = counts[:, edge : edge + CROP, edge : edge + CROP]
    rows = _rebin_last(np.swapaxes(cropped, 1, 2), rng)
    return _rebin_last(np.swapaxes(rows, 1, 2), rng)


def resample(probe: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Take a probe from the 128 px grid to the 64 px grid of the cropped detector."""
    spectrum = fft.fftshift(fft.fft2(fft.ifftshift(probe), norm="ortho"))
    edge, rim = (FULL - CROP) // 2, (CROP - SIDE) // 2
    central = spectrum[edge : edge + CROP, edge : edge + CROP]
    coarse = fft.fftshift(fft.ifft2(fft.ifftshift(central), norm="ortho"))
    return np.asarray(coarse[rim : rim + SIDE, rim : rim + SIDE])


def refine(
    amplitude: NDArray[np.float32],
    positions: Positions,
    probe: NDArray[np.complex128],
    sweeps: int,
) -> Refinement:
    """Sweep over the frames in random order, correcting object and probe.

    Args:
        amplitude: (M, N, N) measured amplitudes.
        positions: (M, 2) patch centres, x then y [px].
        probe: (N, N) first guess, in units of √counts.
        sweeps: Number of sweeps.
    """
    side = probe.shape[-1]
    columns, rows = (int(size) + side // 2 + 2 for size in np.ceil(positions.max(axis=0)))
    refinement = Refinement(
        object_canvas=np.ones((rows, columns), np.complex128), probe=probe.copy(), errors=[]
    )
    whole = np.floor(positions).astype(np.int64)
    turns = fourier_shift.phases(positions - whole, side)
    measured = fft.ifftshift(amplitude.astype(np.float64), axes=(1, 2))
    energy = float(np.square(measured).sum())
    rng = generator(_SEED, Stream.SHUFFLE)
    for sweep in range(sweeps):
        misfit = 0.0
        for index in rng.permutation(len(positions)):
            x, y = whole[index] - side // 2
            region = (slice(y, y + side), slice(x, x + side))
            misfit += _correct(
                refinement, region, turns[index], measured[index], is_probe_free=sweep > 0
            )
        refinement.errors.append(float(np.sqrt(misfit / energy)))
    return refinement


def in_gauge(refinement: Refinement, amplitude: NDArray[np.float32]) -> Refinement:
    """Move a common factor so that the probe's energy is the mean count of a frame."""
    mean = np.square(amplitude, dtype=np.float64).sum() / len(amplitude)
    factor = np.sqrt(mean / np.square(np.abs(refinement.probe)).sum())
    return Refinement(
        object_canvas=refinement.object_canvas / factor,
        probe=refinement.probe * factor,
        errors=refinement.errors,
    )


def find_illuminated(refinement: Refinement, positions: Positions) -> NDArray[np.bool_]:
    """Say where the probe has left enough light for the object to be known."""
    side = refinement.probe.shape[-1]
    light = np.zeros(refinement.object_canvas.shape)
    power = np.square(np.abs(refinement.probe))
    for x, y in np.rint(positions).astype(np.int64) - side // 2:
        light[y : y + side, x : x + side] += power
    return np.asarray(light > _KNOWN * light.max())


def _rebin_last(counts: Counts, rng: np.random.Generator) -> Counts:
    """Bin the last axis from 80 to 64: of five pixels, four bins."""
    grouped = counts.reshape(*counts.shape[:-1], SIDE // 4, 5)
    # Bin edges lie at 1.25, 2.5 and 3.75 px, so pixels 1, 2 and 3 are shared.
    shared = grouped[..., 1:4]
    left = rng.binomial(shared, np.array([0.25, 0.5, 0.75]))
    right = shared - left
    bins = np.stack(
        [
            grouped[..., 0] + left[..., 0],
            right[..., 0] + left[..., 1],
            right[..., 1] + left[..., 2],
            right[..., 2] + grouped[..., 4],
        ],
        axis=-1,
    )
    return bins.reshape(*counts.shape[:-1], SIDE)


def _correct(
    refinement: Refinement,
    region: tuple[slice, slice],
    turn: NDArray[np.complex128],
    measured: NDArray[np.float64],
    *,
    is_probe_free: bool,
) -> float:
    """Apply one frame; returns its squared misfit before the correction."""
    probe = fourier_shift.apply(refinement.probe, turn)
    patch = refinement.object_canvas[region].copy()
    wave = probe * patch
    spectrum = fft.fft2(fft.ifftshift(wave), norm="ortho")
    size = np.abs(spectrum)
    wanted = spectrum * (measured / np.maximum(size, 1e-12))
    change = fft.fftshift(fft.ifft2(wanted, norm="ortho")) - wave
    strength = np.square(np.abs(probe)).max()
    refinement.object_canvas[region] += np.conj(probe) * change / strength
    if is_probe_free:
        moved = np.conj(patch) * change / np.square(np.abs(patch)).max()
        refinement.probe += fourier_shift.apply(moved, np.conj(turn))
    return float(np.square(size - measured).sum())
