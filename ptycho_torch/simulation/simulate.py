"""A recipe to a complete simulated scan, and the scan to a file.

Source: design of the model, section 16.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ptycho_torch
from ptycho_torch.data import scan_write
from ptycho_torch.simulation import expose, objects, probes, scans
from ptycho_torch.simulation.recipe import SimulationRecipe
from ptycho_torch.streams import Stream, generator

_SLACK = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedScan:
    """A scan with its truth.

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


def simulate(recipe: SimulationRecipe) -> SimulatedScan:
    """Simulate a scan; the same recipe gives the same numbers.

    The mean expected frame sum is ``recipe.nphotons``, before the photon noise.
    """
    positions = scans.make(recipe, generator(recipe.seed, Stream.SCAN))
    border = recipe.n // 2 + expose.MARGIN + _SLACK
    positions = positions + (border - np.floor(positions.min(axis=0)))
    columns, rows = (int(size) for size in np.ceil(positions.max(axis=0)) + border)
    canvas = objects.draw(recipe, (rows, columns), generator(recipe.seed, Stream.OBJECT))
    probe = probes.make(recipe)
    expected = expose.intensities(canvas, probe, positions)
    gain = recipe.nphotons / expected.sum(axis=(1, 2)).mean()
    expected *= gain
    counts = (
        generator(recipe.seed, Stream.NOISE).poisson(expected).astype(np.float64)
        if recipe.noise
        else expected
    )
    return SimulatedScan(
        amplitude=np.sqrt(counts).astype(np.float32),
        positions=positions,
        probe=(probe * np.sqrt(gain)).astype(np.complex64),
        object_canvas=canvas,
        measured_photons=float(counts.sum(axis=(1, 2)).mean()),
        recipe=recipe,
    )


def write(scan: SimulatedScan, path: Path) -> None:
    """Write a simulated scan as NPZ, byte for byte the same for the same recipe.

    Raises:
        OutputError: The file cannot be written.
    """
    modes = len(scan.probe)
    scan_write.write_npz_arrays(
        path,
        {
            "diff3d": scan.amplitude,
            "xcoords": scan.positions[:, 0],
            "ycoords": scan.positions[:, 1],
            "probeGuess": scan.probe[0] if modes == 1 else scan.probe,
            "objectGuess": scan.object_canvas,
            "scan_index": np.zeros(len(scan.positions), np.int64),
            "_metadata": np.array(json.dumps(metadata(scan), sort_keys=True)),
        },
    )


def metadata(scan: SimulatedScan) -> dict[str, Any]:
    """Describe how the scan was made, without times or machine names."""
    return {
        "schema_version": "1",
        "creation_info": {
            "program": "ptycho_torch.simulate",
            "version": ptycho_torch.__version__,
        },
        "physics_parameters": {
            "nphotons": scan.recipe.nphotons,
            "measured_photons": scan.measured_photons,
        },
        "data_transformations": [],
        "additional_parameters": dataclasses.asdict(scan.recipe),
    }
