"""Scans to files of every format that can be read back: NPZ, CXI, ptychodus product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.data import frames, npz_write
from ptycho_torch.data.cxi_keys import (
    BASIS,
    DETECTOR,
    ILLUMINATION,
    INDEXES,
    MASK,
    OBJECT,
    OBJECT_CENTRES,
    OBJECT_MASK,
    OBJECT_PIXELS,
    PHOTONS,
    PROBE_IMAGE,
    PROBE_PIXELS,
    SCAN_INDEX,
    SOURCE,
    TRANSLATIONS,
)
from ptycho_torch.data.formats.ptychodus import (
    INDEX_KEY,
    OBJECT_MASK_KEY,
    PLACEHOLDER,
    POSITION_KEYS,
    SCAN_KEY,
)
from ptycho_torch.data.scan import ScanData
from ptycho_torch.data.units import JOULE_PER_EV, wavelength_of_ev

_CXI_VERSION = 160


@dataclass(frozen=True, slots=True)
class Intensities:
    """The squared amplitudes of a scan; double precision keeps the root exact."""

    scan: ScanData

    def fill(self, root: h5py.File, key: str) -> None:
        """Write them block by block into a dataset of the given name."""
        shape = tuple(self.scan.amplitude.shape)
        target = root.create_dataset(key, shape, np.float64, track_times=False)
        start = 0
        for block in frames.blocks(self.scan.amplitude):
            target[start : start + len(block)] = np.square(block, dtype=np.float64)
            start += len(block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What an experiment's file states beyond the arrays.

    Attributes:
        pixel_size_m: Object pixel [m].
        energy_ev: Photon energy [eV].
        distance_m: From the object to the detector [m].
    """

    pixel_size_m: float
    energy_ev: float
    distance_m: float

    def detector_pixel_m(self, side: int) -> float:
        """Return the detector pixel that gives the object pixel at this side N [m]."""
        wavelength = wavelength_of_ev(self.energy_ev)
        return wavelength * self.distance_m / (side * self.pixel_size_m)


def write_npz(path: Path, scan: ScanData) -> None:
    """Write a scan as NPZ with the keys of the data contract.

    Raises:
        OutputError: The file cannot be written.
    """
    stated = {"nphotons": scan.nphotons, "pixel_size_m": scan.pixel_size_m}
    metadata = {
        "schema_version": "1",
        "physics_parameters": {key: value for key, value in stated.items() if value},
    }
    optional = {"objectGuess": scan.object_canvas, "objectMask": scan.object_mask}
    arrays = {
        "xcoords": scan.positions[:, 0],
        "ycoords": scan.positions[:, 1],
        "probeGuess": scan.probe[0] if len(scan.probe) == 1 else scan.probe,
        **{key: value for key, value in optional.items() if value is not None},
        "scan_index": scan.scan_index,
        "valid_mask": scan.valid_mask,
        "_metadata": np.array(json.dumps(metadata, sort_keys=True)),
    }
    with npz_write.open_writer(path) as archive:
        archive.add_frames("diff3d", tuple(scan.amplitude.shape), frames.blocks(scan.amplitude))
        for name, array in arrays.items():
            archive.add(name, array)


def write_cxi(path: Path, scan: ScanData, geometry: Geometry) -> None:
    """Write a scan as CXI, readable by cdtools and by ptychodus without a mirror.

    Translations are t = r, in metres from the centre of the object, and columns and rows of
    the detector run along −x and −y: the motion of the sample, −t, seen in that geometry is
    r again. So cdtools, which follows the geometry, and ptychodus, which takes translations
    for places of the probe, both find the points where they are. Object, probe and photons
    lie where ptychodus keeps them.

    Raises:
        OutputError: The file cannot be written.
    """
    placed = _place(scan, geometry.pixel_size_m)
    pixel = geometry.detector_pixel_m(scan.side)
    translation = np.column_stack([placed.metres, np.zeros(scan.point_count)])
    content: dict[str, Any] = {
        "cxi_version": _CXI_VERSION,
        f"{DETECTOR}/data": Intensities(scan),
        f"{DETECTOR}/distance": geometry.distance_m,
        f"{DETECTOR}/x_pixel_size": pixel,
        f"{DETECTOR}/y_pixel_size": pixel,
        BASIS: np.array([[0.0, -pixel], [-pixel, 0.0], [0.0, 0.0]]),
        MASK: (~scan.valid_mask).astype(np.uint32),
        f"{SOURCE}/energy": geometry.energy_ev * JOULE_PER_EV,
        PROBE_IMAGE: scan.probe[None],
        TRANSLATIONS[0]: translation,
        SCAN_INDEX: scan.scan_index,
        INDEXES: np.arange(scan.point_count),
        OBJECT: placed.canvas[None],
        **dict.fromkeys(OBJECT_CENTRES, 0.0),
        **dict.fromkeys((*OBJECT_PIXELS, *PROBE_PIXELS), geometry.pixel_size_m),
    }
    if scan.object_mask is not None:
        content[OBJECT_MASK] = (~scan.object_mask).astype(np.uint32)
    if scan.nphotons:
        content[PHOTONS] = scan.nphotons
    links = {
        "entry_1/data_1/data": f"/{DETECTOR}/data",
        "entry_1/data_1/translation": f"/{TRANSLATIONS[0]}",
        ILLUMINATION: f"/{PROBE_IMAGE}",
    }
    attributes = {OBJECT: {PLACEHOLDER: placed.is_placeholder}}
    _write_hdf5(path, content, attributes, links)


def write_ptychodus(path: Path, scan: ScanData, geometry: Geometry) -> None:
    """Write a scan as a ptychodus product that also holds its frames, as ``dp``.

    Without a reference object, the stored object is one of unit transmission, large
    enough for every patch, so that the positions keep their meaning; it says so itself.

    Raises:
        OutputError: The file cannot be written.
    """
    placed = _place(scan, geometry.pixel_size_m)
    content = {
        "dp": Intensities(scan),
        "bad_pixels": ~scan.valid_mask,
        "probe": scan.probe,
        "object": placed.canvas[None],
        POSITION_KEYS[0]: placed.metres[:, 0],
        POSITION_KEYS[1]: placed.metres[:, 1],
        INDEX_KEY: np.arange(scan.point_count),
        SCAN_KEY: scan.scan_index,
    }
    if scan.object_mask is not None:
        content[OBJECT_MASK_KEY] = scan.object_mask
    pixels = {
        "pixel_width_m": geometry.pixel_size_m,
        "pixel_height_m": geometry.pixel_size_m,
    }
    attributes: dict[str, dict[str, Any]] = {
        "/": {
            "name": Path(scan.name).stem,
            "comments": "",
            "detector_object_distance_m": geometry.distance_m,
            "photon_energy_eV": geometry.energy_ev,
            "probe_energy_eV": geometry.energy_ev,  # its name before version 1.7
            "probe_photon_count": scan.nphotons or 0.0,
        },
        "probe": pixels,
        "object": {
            **pixels,
            "center_x_m": 0.0,
            "center_y_m": 0.0,
            PLACEHOLDER: placed.is_placeholder,
        },
    }
    _write_hdf5(path, content, attributes, {})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Placed:
    """Points in metres from the centre of an object."""

    metres: NDArray[np.float64]
    canvas: NDArray[np.complex64]
    is_placeholder: bool


def _place(scan: ScanData, pixel_size_m: float) -> _Placed:
    canvas = scan.object_canvas
    is_placeholder = canvas is None
    if canvas is None:
        columns, rows = np.ceil(scan.positions.max(axis=0)).astype(int) + scan.side // 2 + 1
        canvas = np.ones((rows, columns), np.complex64)
    centre = np.array(canvas.shape[::-1]) / 2
    metres = (scan.positions - centre) * pixel_size_m
    return _Placed(metres=metres, canvas=canvas, is_placeholder=is_placeholder)


def _write_hdf5(
    path: Path,
    content: Mapping[str, Any],
    attributes: Mapping[str, Mapping[str, Any]],
    links: Mapping[str, str],
) -> None:
    with (
        files.open_replacement(path) as stream,
        h5py.File(stream, "w", track_order=False) as root,
    ):
        for key, value in content.items():
            if isinstance(value, Intensities):
                value.fill(root, key)
            else:
                root.create_dataset(key, data=value, track_times=False)
        for key, target in links.items():
            root[key] = h5py.SoftLink(target)
        for key, values in attributes.items():
            root[key].attrs.update(values)
