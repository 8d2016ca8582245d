"""The kinds of scans on which the defaults of a training are chosen, each with an unseen one.

A measured star, the scan of the suites, X-ray scans at two doses, and electron scans at two:
a weak phase object under a defocused probe, many overlapping patterns, few electrons a pixel.
One more has its zero frequency in the corner and must be refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ptycho_torch.data import npz_write
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import SimulationRecipe

SEEDS = (42, 43)  # of the scan that is trained on and of the unseen one
CORNER = "corner"
STAR = "star"
_EMBEDDED = "embedded"


def electron(dose: float, seed: int = 42, points: int = 2704) -> SimulationRecipe:
    """Return the recipe of a thin specimen under a defocused electron probe.

    Args:
        dose: Electrons a pattern; 1e3 is one electron in four pixels.
        seed: Root of its random streams.
        points: Number of patterns.
    """
    return SimulationRecipe(
        n=64,
        n_points=points,
        pitch=2.0,
        jitter=0.5,
        amp_range=(1.0, 1.0),
        phase_range=0.3,
        probe="defocused",
        nphotons=dose,
        seed=seed,
    )


def x_ray(dose: float, seed: int = 42) -> SimulationRecipe:
    """Return the recipe of a smooth random object behind a pinhole, unlike the embedded one."""
    return SimulationRecipe(object="grf", probe="fresnel", nphotons=dose, seed=seed)


RECIPES: Mapping[str, SimulationRecipe] = MappingProxyType(
    {
        _EMBEDDED: SimulationRecipe(),
        "x-ray-1e6": x_ray(1e6),
        "x-ray-1e3": x_ray(1e3),
        "electron-1e5": electron(1e5),
        "electron-1e3": electron(1e3),
    }
)
NAMES = (STAR, *RECIPES)


@dataclass(frozen=True, slots=True)
class Pair:
    """A scan to train on and an unseen one."""

    train: Path
    unseen: Path


def files_of(name: str, folder: Path, star: Path | None) -> Pair | None:
    """Return the files of a kind, written below ``folder`` unless they are there.

    Args:
        name: One of ``NAMES`` or ``CORNER``.
        folder: For simulated scans.
        star: Folder of the measured star; without it that kind has no files.
    """
    if name == STAR:
        if star is None:
            return None
        return Pair(*(star / f"siemens_star_{part}.npz" for part in ("train", "test")))
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}-{seed}.npz" for seed in SEEDS]
    for path, seed in zip(paths, SEEDS, strict=True):
        if path.is_file():
            continue
        if name == CORNER:
            _write_corner(path, SimulationRecipe(seed=seed, n_points=100))
        else:
            simulate.write(dataclasses.replace(RECIPES[name], seed=seed), path)
    return Pair(*paths)


def _write_corner(path: Path, recipe: SimulationRecipe) -> None:
    made = simulate.simulate(recipe)
    frames = np.fft.ifftshift(made.amplitude, axes=(1, 2))
    with npz_write.open_writer(path) as archive:
        for key, array in {
            "diff3d": frames,
            "xcoords": made.positions[:, 0],
            "ycoords": made.positions[:, 1],
            "probeGuess": made.probe[0],
            "objectGuess": made.object_canvas,
        }.items():
            archive.add(key, array)
