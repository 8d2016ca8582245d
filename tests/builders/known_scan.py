"""One scan with a known object in plain arrays, files of other programs, and its residual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.scan import ScanData
from ptycho_torch.simulation import expose, simulate
from tests.builders import scans

PIXEL_M, ENERGY_EV, DISTANCE_M = 4.6e-8, 8800.0, 1.9
JOULE_PER_EV = 1.602176634e-19
WAVELENGTH_M = 1.98644586e-25 / (ENERGY_EV * JOULE_PER_EV)
SIDE, POINTS = 32, 49
DETECTOR_PIXEL_M = WAVELENGTH_M * DISTANCE_M / (SIDE * PIXEL_M)
DETECTOR = "entry_1/instrument_1/detector_1"
SOURCE = "entry_1/instrument_1/source_1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The truth: counts (M, N, N), positions (M, 2), probe (1, N, N), object (Y, X)."""

    counts: NDArray[np.float64]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    canvas: NDArray[np.complex64]

    @property
    def metres(self) -> NDArray[np.float64]:
        """Places of the probe from the centre of the object [m]."""
        return (self.positions - np.array(self.canvas.shape[::-1]) / 2) * PIXEL_M


@cache
def known() -> Known:
    """Simulate the scan: whole counts, so many that rounding does not show."""
    recipe = scans.tiny_recipe(
        n_points=POINTS, scan="jitter", integer_positions=True, nphotons=1e9, noise=False
    )
    made = simulate.simulate(recipe)
    return Known(
        counts=np.rint(np.square(made.amplitude.astype(np.float64))),
        positions=made.positions,
        probe=made.probe,
        canvas=made.object_canvas,
    )


def expose_known(
    places: NDArray[np.float64], probe: NDArray[np.complex64] | None = None
) -> NDArray[np.float64]:
    """Return the counts (M, N, N) that the known object leaves at places [px]."""
    truth = known()
    canvas = np.pad(truth.canvas, expose.MARGIN, mode="edge")
    light = (truth.probe if probe is None else probe).astype(np.complex128)
    return np.rint(np.concatenate(list(expose.blocks(canvas, light, places + expose.MARGIN))))


def residual(scan: ScanData) -> float:
    """Return |√Î − A| / |A| of what was read, predicted from the object that is known.

    A common shift of all positions is no error where a format keeps no origin.
    """
    truth = known()
    amplitude = np.asarray(scan.amplitude, np.float64)
    moved = truth.positions.min(axis=0) - scan.positions.min(axis=0)
    residuals = []
    canvas = np.pad(truth.canvas, expose.MARGIN + 1, mode="edge")  # for what rounding asks
    for shift in (np.zeros(2), moved):
        places = scan.positions + shift
        rim = SIDE // 2 - 1e-6
        inside = (places >= rim) & (places <= np.array(truth.canvas.shape[::-1]) - rim)
        if not inside.all():
            continue
        probe = scan.probe.astype(np.complex128)
        blocks = list(expose.blocks(canvas, probe, places + expose.MARGIN + 1))
        error = (np.sqrt(np.concatenate(blocks)) - amplitude)[:, scan.valid_mask]
        residuals.append(np.linalg.norm(error) / np.linalg.norm(amplitude[:, scan.valid_mask]))
    return float(min(residuals, default=np.inf))


def write_npz(path: Path, **changes: Any) -> Path:
    """Write the scan with the keys of this package, some replaced or left out by None."""
    truth = known()
    content = {
        "diff3d": np.sqrt(truth.counts).astype(np.float32),
        "xcoords": truth.positions[:, 0],
        "ycoords": truth.positions[:, 1],
        "probeGuess": truth.probe[0],
        **changes,
    }
    with path.open("wb") as stream:
        np.savez(stream, **{key: value for key, value in content.items() if value is not None})
    return path


def write_cxi(path: Path, **changes: Any) -> Path:
    """Write the scan as cdtools does, its basis along −x and −y; keys replaced, None left out.

    Keys are given by their last part.
    """
    truth = known()
    pixel = DETECTOR_PIXEL_M
    content = {
        "data": (f"{DETECTOR}/data", truth.counts),
        "distance": (f"{DETECTOR}/distance", DISTANCE_M),
        "x_pixel_size": (f"{DETECTOR}/x_pixel_size", pixel),
        "y_pixel_size": (f"{DETECTOR}/y_pixel_size", pixel),
        "basis_vectors": (
            f"{DETECTOR}/basis_vectors",
            np.array([[0, -pixel], [-pixel, 0], [0, 0]]),
        ),
        "orientation": (f"{DETECTOR}/geometry_1/orientation", None),
        "mask": (f"{DETECTOR}/mask", None),
        "energy": (f"{SOURCE}/energy", ENERGY_EV * JOULE_PER_EV),
        "wavelength": (f"{SOURCE}/wavelength", None),
        "beam_energy": ("entry_1/instrument_1/beam_1/energy", None),
        "illumination": (f"{SOURCE}/illumination", truth.probe),
        "translation": (
            "entry_1/sample_1/geometry_1/translation",
            np.column_stack([truth.metres, np.zeros(POINTS)]),
        ),
    }
    with h5py.File(path, "w") as root:
        for key, (place, usual) in content.items():
            value = changes.pop(key, usual)
            if value is not None:
                root[place] = value
        for key, value in changes.items():
            root[key] = value
    return path


def set_units(path: Path, units: dict[str, tuple[float, str]]) -> Path:
    """State datasets in other units: each is divided by a factor and named its unit."""
    with h5py.File(path, "r+") as root:
        for key, (factor, unit) in units.items():
            root[key][...] = root[key][()] / factor
            if unit:
                root[key].attrs["units"] = unit
    return path


def write_product(path: Path, **changes: Any) -> Path:
    """Write the scan as a product of ptychodus that holds its frames; None leaves out."""
    truth = known()
    content: dict[str, Any] = {
        "dp": truth.counts,
        "probe": truth.probe,
        "object": truth.canvas[None],
        "probe_position_x_m": truth.metres[:, 0],
        "probe_position_y_m": truth.metres[:, 1],
        "probe_position_indexes": np.arange(POINTS),
        **changes,
    }
    pixels = {"pixel_width_m": PIXEL_M, "pixel_height_m": PIXEL_M}
    with h5py.File(path, "w") as root:
        root.attrs["probe_photon_count"] = 1e9
        for key, value in content.items():
            if value is not None:
                root[key] = value
        root["probe"].attrs.update(pixels)
        if "object" in root:
            root["object"].attrs.update({**pixels, "center_x_m": 0.0, "center_y_m": 0.0})
    return path


def write_frames(path: Path, **arrays: Any) -> Path:
    """Write arrays into an HDF5 file of frames."""
    with h5py.File(path, "w") as root:
        for key, value in arrays.items():
            root[key] = value
    return path
