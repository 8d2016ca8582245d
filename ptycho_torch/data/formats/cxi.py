"""HDF5 with `entry_1`, as the CXI data bank, cdtools and ptychodus write it.

λ  wavelength [m]   z  distance to the detector [m]   p_det  detector pixel [m]
p  object pixel [m], λ·z / (N·p_det)   t  translation [m]   r  position [px], −t / p

Source: design of the model, section 4.3; translations are those of the sample.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frame_views, frames, hdf5, pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

PLANCK_TIMES_LIGHT = 1.98644586e-25
JOULE_PER_EV = 1.602176634e-19
DETECTOR = "entry_1/instrument_1/detector_1"
SOURCE = "entry_1/instrument_1/source_1"
TRANSLATIONS = (
    "entry_1/sample_1/geometry_1/translation",
    "entry_1/data_1/translation",
    f"{DETECTOR}/translation",
)
_LARGEST_ENERGY_J = 1e-10
_PIXEL_RATIO = 0.01
_PLANE = 2

_log = logging.getLogger(__name__)


def recognise(source: ScanSource) -> bool:
    """A CXI file numbers its entries."""
    return source.container == "hdf5" and source.holds("entry_1")


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a CXI scan; frames larger than the probe are cropped to it.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path, spare = request.path, request.spare
    translation_kind = request.config.translation_kind
    with hdf5.opened(path) as root:
        found = pieces.of_hdf5(path, root).filled_from(spare)
        shape, probe = found.complete()
        side = frames.common_side(shape, probe.shape)
        pixels = _object_pixels(root, path, side)
        where, translation = _translation(root, path)
        sign = -1.0 if translation_kind == "sample" else 1.0
        x, y = (sign * translation[:, axis] / pixels[axis] for axis in range(_PLANE))
        mask = f"{DETECTOR}/mask"
        is_bad = hdf5.array(root, path, mask) != 0 if mask in root else None
        yield RawScan(
            pieces=found,
            x=x - x.min() + side // 2 + 1,
            y=y - y.min() + side // 2 + 1,
            where_x=where,
            where_y=where,
            valid_mask=None if is_bad is None else frame_views.centre(~is_bad, side),
            where_mask=f"{path}: {mask}",
            pixel_size_m=sum(pixels) / _PLANE,
        )


def _object_pixels(root: h5py.File, path: Path, side: int) -> tuple[float, float]:
    distance = hdf5.positive(
        hdf5.array(root, path, f"{DETECTOR}/distance"), f"{path}: {DETECTOR}/distance"
    )
    keys = [f"{DETECTOR}/{axis}_pixel_size" for axis in "xy"]
    given = [key for key in keys if key in root] or keys[:1]
    sizes = [hdf5.positive(hdf5.array(root, path, key), f"{path}: {key}") for key in given]
    if max(sizes) - min(sizes) > _PIXEL_RATIO * min(sizes):
        raise InputError(
            f"{path}: {keys[1]}", expected="square detector pixels", found=f"{sizes} m"
        )
    wavelength = _wavelength(root, path)
    return (
        wavelength * distance / (side * sizes[0]),
        wavelength * distance / (side * sizes[-1]),
    )


def _wavelength(root: h5py.File, path: Path) -> float:
    key = f"{SOURCE}/energy"
    if key not in root:
        direct = f"{SOURCE}/wavelength"
        return hdf5.positive(hdf5.array(root, path, direct), f"{path}: {direct}")
    energy = hdf5.positive(hdf5.array(root, path, key), f"{path}: {key}")
    if energy > _LARGEST_ENERGY_J:
        _log.warning("%s: %s is %g, taken as eV; CXI asks for joules", path.name, key, energy)
        energy *= JOULE_PER_EV
    return PLANCK_TIMES_LIGHT / energy


def _translation(root: h5py.File, path: Path) -> tuple[str, NDArray[Any]]:
    key = next((name for name in TRANSLATIONS if name in root), TRANSLATIONS[0])
    where = f"{path}: {key}"
    stored = hdf5.array(root, path, key)
    if stored.ndim != _PLANE or stored.shape[1] < _PLANE or not len(stored):
        raise InputError(where, expected="(M, 2) or (M, 3) metres", found=f"{stored.shape}")
    if stored.dtype.kind not in "fiu" or not np.isfinite(stored[:, :_PLANE]).all():
        raise InputError(where, expected="finite real positions", found=f"{stored.dtype}")
    return where, stored.astype(np.float64)
