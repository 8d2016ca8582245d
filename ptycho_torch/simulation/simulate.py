"""A recipe to a complete simulated scan, in memory or straight into a file.

Source: design of the model, section 16.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ptycho_torch
from ptycho_torch.data import npz_write
from ptycho_torch.rng import Stream, generator
from ptycho_torch.simulation import expose, objects, probes, scans
from ptycho_torch.simulation.recipe import SimulationRecipe

_SLACK = 2
# Intensities that may wait between the pass that finds the gain and the one that counts.
_KEPT_BYTES = 128 << 20

Blocks = Callable[[], Iterator[NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposure:
    """All of a scan but its frames, and how to count them.

    Attributes:
        positions: (M, 2) float64, x then y [px of ``object_canvas``].
        probe: (P, N, N) complex64, such that |FFT(P·O)|² are counts.
        object_canvas: (Y, X) complex64.
        recipe: What was asked for.
        gain: Counts per unit of intensity.
        blocks: Gives the intensities of all points in order, some at a time.
    """

    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_canvas: NDArray[np.complex64]
    recipe: SimulationRecipe
    gain: float
    blocks: Blocks

    def count(self) -> Iterator[NDArray[np.float64]]:
        """Count photons: (m, N, N) of the next points, in order; the same each time."""
        # Made anew in each pass, so that each counts the same photons.
        noise = generator(self.recipe.seed, Stream.NOISE)
        for block in self.blocks():
            expected = block * self.gain
            yield noise.poisson(expected).astype(np.float64) if self.recipe.noise else expected


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedScan:
    """A scan with its truth, in memory.

    Attributes:
        amplitude: (M, N, N) float32, √counts.
        positions: (M, 2) float64, x then y [px of ``object_canvas``].
        probe: (P, N, N) complex64, such that |FFT(P·O)|² are counts.
        object_canvas: (Y, X) complex64.
        measured_photons: Mean counts per frame after noise.
        recipe: What was asked for.
    """

    amplitude: NDArray[np.float32]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    object_canvas: NDArray[np.complex64]
    measured_photons: float
    recipe: SimulationRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is worth telling about a scan that was written.

    Attributes:
        object_shape: Rows and columns of the object [px].
        measured_photons: Mean counts per frame after noise.
    """

    object_shape: tuple[int, int]
    measured_photons: float


def prepare(recipe: SimulationRecipe) -> Exposure:
    """Prepare a scan; the same recipe gives the same numbers.

    The mean expected frame sum is ``recipe.nphotons``, before the photon noise.
    """
    positions = scans.make(recipe, generator(recipe.seed, Stream.SCAN))
    border = recipe.n // 2 + expose.MARGIN + _SLACK
    # By whole pixels, so that the fractions stay those of the recipe.
    positions = positions + (border - np.floor(positions.min(axis=0)))
    columns, rows = (int(size) for size in np.ceil(positions.max(axis=0)) + border)
    canvas = objects.draw(recipe, (rows, columns), generator(recipe.seed, Stream.OBJECT))
    probe = probes.make(recipe)
    blocks = _blocks(canvas, probe, positions)
    sums = np.concatenate([block.sum(axis=(1, 2)) for block in blocks()])
    # From the expected sums, before noise: the dose that was asked for, not the one counted.
    gain = recipe.nphotons / sums.mean()
    return Exposure(
        positions=positions,
        probe=(probe * np.sqrt(gain)).astype(np.complex64),
        object_canvas=canvas,
        recipe=recipe,
        gain=gain,
        blocks=blocks,
    )


def simulate(recipe: SimulationRecipe) -> SimulatedScan:
    """Simulate a scan in memory."""
    exposed = prepare(recipe)
    counts = np.concatenate(list(exposed.count()))
    return SimulatedScan(
        amplitude=np.sqrt(counts).astype(np.float32),
        positions=exposed.positions,
        probe=exposed.probe,
        object_canvas=exposed.object_canvas,
        measured_photons=float(counts.sum(axis=(1, 2)).mean()),
        recipe=recipe,
    )


def write(recipe: SimulationRecipe, path: Path) -> Written:
    """Simulate a scan into an NPZ file, byte for byte the same for the same recipe.

    Frames are written as they are counted, so memory is bounded by the object.

    Raises:
        OutputError: The file cannot be written.
    """
    exposed = prepare(recipe)
    sums: list[NDArray[np.float64]] = []

    def amplitudes() -> Iterator[NDArray[np.float32]]:
        for counts in exposed.count():
            sums.append(counts.sum(axis=(1, 2)))
            yield np.sqrt(counts).astype(np.float32)

    probe, positions = exposed.probe, exposed.positions
    with npz_write.open_writer(path) as archive:
        archive.add_frames("diff3d", (len(positions), recipe.n, recipe.n), amplitudes())
        measured = float(np.concatenate(sums).mean())
        about = json.dumps(metadata(recipe, measured), sort_keys=True)
        for name, array in {
            "xcoords": positions[:, 0],
            "ycoords": positions[:, 1],
            "probeGuess": probe[0] if len(probe) == 1 else probe,
            "objectGuess": exposed.object_canvas,
            "scan_index": np.zeros(len(positions), np.int64),
            "_metadata": np.array(about),
        }.items():
            archive.add(name, array)
    rows, columns = exposed.object_canvas.shape
    return Written(object_shape=(rows, columns), measured_photons=measured)


def metadata(recipe: SimulationRecipe, measured_photons: float) -> dict[str, Any]:
    """Describe how a scan was made, without times or machine names."""
    return {
        "schema_version": "1",
        "creation_info": {
            "program": "ptycho_torch.simulate",
            "version": ptycho_torch.__version__,
        },
        "physics_parameters": {
            "nphotons": recipe.nphotons,
            "measured_photons": measured_photons,
        },
        "data_transformations": [],
        "additional_parameters": dataclasses.asdict(recipe),
    }


def _blocks(
    canvas: NDArray[np.complex64],
    probe: NDArray[np.complex128],
    positions: NDArray[np.float64],
) -> Blocks:
    """Give the intensities as often as asked: kept when they are few, else computed anew."""
    if len(positions) * probe[0].size * np.dtype(np.float64).itemsize > _KEPT_BYTES:
        return lambda: expose.blocks(canvas, probe, positions)
    blocks = list(expose.blocks(canvas, probe, positions))
    return lambda: iter(blocks)
