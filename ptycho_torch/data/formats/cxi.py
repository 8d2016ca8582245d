"""HDF5 with `entry_1`, as the CXI data bank, cdtools and ptychodus write it.

Source: CXI file format 1.6; `ptycho_torch.data.cxi_geometry` for the places.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import (
    checks,
    cxi_geometry,
    cxi_image,
    frames,
    hdf5,
    hdf5_links,
    hdf5_pieces,
    pairing,
    units,
)
from ptycho_torch.data.cxi_keys import (
    BASIS,
    DETECTOR,
    ENERGIES,
    ENTRY,
    FRAMES,
    INDEXES,
    OBJECT,
    ORIENTATION,
    SAMPLE_PLANES,
    SCAN_INDEX,
    TRANSLATIONS,
    WAVELENGTHS,
)
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

_PIXEL_RATIO = 0.01
# What may lie behind a link, beside the pieces.
_READ_KEYS = (
    *TRANSLATIONS,
    *ENERGIES,
    *WAVELENGTHS,
    BASIS,
    ORIENTATION,
    INDEXES,
    SCAN_INDEX,
    OBJECT,
)
_PLANE, _SPACE = 2, 3
_ALONG_BEAM = 0.999
_CORRECTIONS = ("data_dark", "data_white")

_log = logging.getLogger(__name__)


def recognise(source: ScanSource) -> bool:
    """A CXI file numbers its entries."""
    return source.container == "hdf5" and source.holds(ENTRY)


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a CXI scan; frames larger than the probe are cropped to it.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        _report_unread(root, path)
        own = hdf5_pieces.find_in_hdf5(path, root)
        _check_axes(root, path)
        _check_sample(root, path)
        parts = cxi_image.add_probe(own, root, path).filled_from(request.spare)
        shape, probe = parts.complete()
        side = frames.common_side(shape, probe.shape)
        geometry = cxi_geometry.read_geometry(
            root, path, side, request.config.translation_kind, parts
        )
        where, translation = _translation(root, path, shape[:-2])
        x, y = (geometry.to_pixels(translation, axis) for axis in range(_PLANE))
        image = cxi_image.read_object(root, path, geometry.to_pixels, geometry.pixels)
        if image is None:
            x, y = (values - np.nanmin(values) + side // 2 + 1 for values in (x, y))
        else:
            x, y = x + image.shift[0], y + image.shift[1]
        numbers = hdf5.array(root, path, INDEXES) if INDEXES in root else None
        yield RawScan(
            pieces=pairing.pair_frames(parts, numbers, len(x), f"{path}: {INDEXES}"),
            x=x,
            y=y,
            where_x=where,
            where_y=where,
            object_canvas=None if image is None else image.canvas,
            object_where=f"{path}: {OBJECT}",
            object_mask=None if image is None else image.mask,
            scan_index=hdf5.array(root, path, SCAN_INDEX) if SCAN_INDEX in root else None,
            nphotons=cxi_image.read_photons(root, path),
            pixel_size_m=sum(geometry.pixels) / _PLANE,
            notes=(geometry.note,),
            files=hdf5_links.list_all(root, path, *_READ_KEYS),
        )


def _report_unread(root: h5py.File, path: Path) -> None:
    """Say which further entries and detectors are left alone: one scan is read of a file."""
    instrument = root.get(f"{ENTRY}/instrument_1")
    more = [name for name in root if name.startswith("entry_") and name != ENTRY]
    if isinstance(instrument, h5py.Group):
        more += [name for name in instrument if name.startswith("detector_")][1:]
    if more:
        _log.warning("%s: %s not read, only the first is", path.name, ", ".join(more))
    unread = [name for name in _CORRECTIONS if f"{DETECTOR}/{name}" in root]
    if unread:
        _log.warning(
            "%s: %s not applied; correct the frames first if they are raw",
            path.name,
            " and ".join(unread),
        )


def _check_axes(root: h5py.File, path: Path) -> None:
    """Refuse frames whose own names of axes put columns before rows.

    Raises:
        InputError: The last two axes are x, y.
    """
    for key in FRAMES:
        if key in root:
            stated = np.ravel(root[key].attrs.get("axes", ""))  # one text, or one for each axis
            named = ":".join(
                text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
                for text in stated
            )
            axes = [axis.strip().lower() for axis in named.split(":")]
            if axes[-2:] == ["x", "y"]:
                raise InputError(
                    f"{path}: {key}.axes",
                    expected="rows before columns, y:x",
                    found=named,
                    remedy="store the frames with rows first",
                )


def _check_sample(root: h5py.File, path: Path) -> None:
    """Refuse a sample that is tilted to the beam: translations are not those of its plane.

    Raises:
        InputError: The normal of its surface is not along the beam.
    """
    for key in SAMPLE_PLANES:
        if not hdf5_links.check_links(root, path, key):
            continue
        stored = np.ravel(hdf5.array(root, path, key).astype(np.float64))
        is_pair = stored.size == _PLANE * _SPACE
        normal = np.cross(stored[:_SPACE], stored[_SPACE:]) if is_pair else stored
        length = float(np.linalg.norm(normal))
        along_beam = abs(normal[-1]) / length if normal.size == _SPACE and length > 0 else 0.0
        if along_beam < _ALONG_BEAM:
            raise InputError(
                f"{path}: {key}",
                expected="a sample across the beam, its normal along z",
                found=f"{normal.tolist()}",
                remedy="project the translations onto the plane of the detector, and leave "
                "the tilt of the sample out",
            )


def _translation(
    root: h5py.File, path: Path, scan_shape: tuple[int, ...]
) -> tuple[str, NDArray[Any]]:
    present = (key for key in TRANSLATIONS if hdf5_links.check_links(root, path, key))
    key = next(present, TRANSLATIONS[0])
    where = f"{path}: {key}"
    stored = hdf5.array(root, path, key)
    if stored.ndim > _PLANE and stored.shape[-1] in (_PLANE, _SPACE):
        # A raster keeps its rows, as NeXus has them.
        parts = np.moveaxis(stored, -1, 0)
        listed = [checks.list_places(part, scan_shape, where) for part in parts]
        stored = np.stack(listed, axis=-1)
    is_turned = stored.ndim == _PLANE and len(stored) in (_PLANE, _SPACE)
    if is_turned and stored.shape[1] == math.prod(scan_shape) > _SPACE:
        stored = stored.T
    if stored.ndim != _PLANE or stored.shape[1] < _PLANE or not len(stored):
        raise InputError(where, expected="(M, 2) or (M, 3) metres", found=f"{stored.shape}")
    if stored.dtype.kind not in "fiu":
        raise InputError(where, expected="finite real positions", found=f"{stored.dtype}")
    return where, stored.astype(np.float64) * units.length_factor(root, path, key)
