"""Small honest scans: simulated ones with truth, and plain files built key by key."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.scan import ScanData
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import SimulationRecipe

REAL_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NO_REAL_DATA = "the measured scans lie outside the repository and are absent here"


def collapse_recipe(seed: int = 42) -> SimulationRecipe:
    """Return the recipe of the fixture that shows a collapse at gridsize 1."""
    return SimulationRecipe(
        n=32, n_points=400, pitch=4.0, jitter=1.0, integer_positions=True, seed=seed
    )


def tiny_recipe(**changes: Any) -> SimulationRecipe:
    """Return a recipe of 24 points at N = 32, with parts replaced."""
    return SimulationRecipe(**{"n": 32, "n_points": 24, "pitch": 3.0, "seed": 7, **changes})


def write_simulated(path: Path, recipe: SimulationRecipe | None = None) -> Path:
    """Simulate a scan into a file, by default the tiny one."""
    simulate.write(recipe or tiny_recipe(), path)
    return path


def simulated_scan(recipe: SimulationRecipe | None = None) -> ScanData:
    """Simulate a scan in memory, as a reader would return it."""
    made = simulate.simulate(recipe or tiny_recipe())
    return ScanData(
        amplitude=made.amplitude,
        positions=made.positions,
        probe=made.probe,
        object_canvas=made.object_canvas,
        object_mask=None,
        scan_index=np.zeros(len(made.positions), np.int64),
        valid_mask=np.ones(made.amplitude.shape[1:], np.bool_),
        pixel_size_m=None,
        nphotons=made.recipe.nphotons,
        sha256="0" * 64,
        name="simulated.npz",
    )


def arrays(points: int = 12, side: int = 32, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return the keys of a plain scan with random frames, on 4 columns 3 px apart."""
    rng = np.random.default_rng(seed)
    index = np.arange(points)
    probe = rng.standard_normal((side, side)) + 1j * rng.standard_normal((side, side))
    return {
        "diff3d": rng.uniform(0.1, 2.0, (points, side, side)).astype(np.float32),
        "xcoords": 20.0 + 3.0 * (index % 4),
        "ycoords": 40.0 + 3.5 * (index // 4),
        "probeGuess": probe.astype(np.complex64),
    }


def write_arrays(path: Path, *, compressed: bool = False, **changes: Any) -> Path:
    """Write a plain scan with keys replaced, or left out when given as None."""
    content = {
        key: value for key, value in {**arrays(), **changes}.items() if value is not None
    }
    save = np.savez_compressed if compressed else np.savez
    with path.open("wb") as stream:
        save(stream, **content)
    return path


def member_names(path: Path) -> list[str]:
    """List the keys of an archive in their order."""
    with zipfile.ZipFile(path) as archive:
        return [name.removesuffix(".npy") for name in archive.namelist()]
