"""Scans that ended green with a useless reconstruction, each as a recipe of its own.

``python -m tests.builders.bad_scans FOLDER`` writes a training and an unseen scan of each kind
with its full size, for ``harness run quick --dataset … --test-dataset …``; all must be red.
Beside them lies the sound scan that they are made of.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ptycho_torch.data.scan import ScanData
from ptycho_torch.simulation import simulate
from ptycho_torch.simulation.recipe import SimulationRecipe
from tests.builders import scans

SEEDS = MappingProxyType({"train": 42, "unseen": 43})
PHOTONS_PER_PIXEL = 10
_FLAT = np.float32(0.3712)


def weak_phase(n: int = 64, n_points: int = 400, seed: int = 42) -> SimulationRecipe:
    """Return the recipe of a thin specimen under a defocused electron probe at low dose."""
    return SimulationRecipe(
        n=n,
        n_points=n_points,
        pitch=2.0,
        jitter=0.5,
        amp_range=(1.0, 1.0),
        phase_range=0.3,
        probe="defocused",
        nphotons=float(PHOTONS_PER_PIXEL * n * n),
        seed=seed,
    )


def in_corner(scan: ScanData) -> ScanData:
    """Put the zero frequency of all frames into the corner, as a transform leaves it."""
    frames = np.fft.ifftshift(np.asarray(scan.amplitude), axes=(1, 2))
    return dataclasses.replace(scan, amplitude=frames)


def as_counts(scan: ScanData) -> ScanData:
    """Store the counts where amplitudes are read."""
    return dataclasses.replace(scan, amplitude=np.square(np.asarray(scan.amplitude)))


def as_flattened(scan: ScanData) -> ScanData:
    """Store counts behind a flat field, no whole numbers, where amplitudes are read."""
    return dataclasses.replace(scan, amplitude=_FLAT * np.square(np.asarray(scan.amplitude)))


def mirrored(scan: ScanData) -> ScanData:
    """Turn the sign of x, about the middle of the scan."""
    x = scan.positions[:, 0]
    turned = np.stack([x.max() + x.min() - x, scan.positions[:, 1]], axis=1)
    return dataclasses.replace(scan, positions=turned)


SPOILERS: Mapping[str, Callable[[ScanData], ScanData]] = MappingProxyType(
    {
        "corner": in_corner,
        "counts": as_counts,
        "flattened": as_flattened,
        "mirrored": mirrored,
    }
)


def _leave(scan: ScanData) -> ScanData:
    return scan


def write_all(folder: Path) -> list[Path]:
    """Write every kind, for training and unseen, under ``folder``; return the files."""
    written = []
    for role, seed in SEEDS.items():
        path = folder / f"weak-phase-{role}.npz"
        simulate.write(weak_phase(seed=seed), path)
        written.append(path)
        sound = scans.simulated_scan(SimulationRecipe(seed=seed))
        for name, spoil in {"sound": _leave, **SPOILERS}.items():
            spoilt = spoil(sound)
            written.append(
                scans.write_arrays(
                    folder / f"{name}-{role}.npz",
                    diff3d=spoilt.amplitude,
                    xcoords=spoilt.positions[:, 0],
                    ycoords=spoilt.positions[:, 1],
                    probeGuess=spoilt.probe[0],
                    objectGuess=spoilt.object_canvas,
                )
            )
    return written


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for made in write_all(target):
        sys.stdout.write(f"{made}\n")
