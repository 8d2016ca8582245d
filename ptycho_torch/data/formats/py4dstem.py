"""Data cubes of py4DSTEM, EMD 1.0; the probe lies in a second file.

Frames of a raster (scan rows, scan columns, detector rows, detector columns), both scan axes
along those of the detector; the steps of scan and detector stand in the calibration.

Source: py4DSTEM and emdfile, documentation of their classes DataCube, Calibration and Metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames, hdf5, hdf5_links, units
from ptycho_torch.data.frame_views import FlattenedFrames
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

_CUBE, _RASTER = "DataCube", 4
_CALIBRATION = "metadatabundle/calibration"
_PER_METRE = {"A^-1": 1e10, "1/A": 1e10, "nm^-1": 1e9, "1/nm": 1e9}
_TURNED_RAD = 1e-3
_REMEDY = "calibrate the cube with py4DSTEM and save it again"


def recognise(source: ScanSource) -> bool:
    """A group calls itself a data cube; EMD files have a root of any name."""
    return source.root is not None and bool(_list_cubes(source.root))


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a data cube of py4DSTEM.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        cube = _choose_cube(root, path)
        _refuse_turned(root, path, cube)
        pieces, scan_shape = _find_frames(root, path, cube)
        pieces = pieces.filled_from(request.spare)
        shape, probe = pieces.complete()
        side = frames.common_side(shape, probe.shape)
        # The window of a far field is one over the step of its detector (model.md §2).
        detector_step = _read_step(root, path, cube, "Q", _PER_METRE)
        pixel = 1.0 / (side * detector_step)
        said = f"{detector_step:g} per m and detector pixel, {side} px"
        pixel = units.check_pixel(pixel, f"{path}: {cube}", said)
        step = _read_step(root, path, cube, "R", units.LENGTHS) / pixel
        rows, columns = np.indices(scan_shape).reshape(2, -1) * step
        where = f"{path}: {cube}, steps of the raster"
        yield RawScan(
            pieces=pieces,
            x=columns + side // 2 + 1,
            y=rows + side // 2 + 1,
            where_x=where,
            where_y=where,
            pixel_size_m=pixel,
            notes=(f"a raster of {scan_shape[0]} x {scan_shape[1]}, step {step:.3g} px",),
        )


def _list_cubes(root: h5py.File) -> list[str]:
    """Return the data cubes of a file; EMD keeps them one level below its root group."""
    return [
        f"{top}/{name}"
        for top, group in root.items()
        if isinstance(group, h5py.Group)
        for name, node in group.items()
        if isinstance(node, h5py.Group) and _text(node.attrs.get("python_class", "")) == _CUBE
    ]


def _choose_cube(root: h5py.File, path: Path) -> str:
    cubes = _list_cubes(root)
    if len(cubes) != 1:
        listed = ", ".join(cubes)
        remedy = "save the cube alone in a file"
        raise InputError(str(path), expected="one data cube", found=listed, remedy=remedy)
    return cubes[0]


def _find_frames(root: h5py.File, path: Path, cube: str) -> tuple[Pieces, tuple[int, int]]:
    key = f"{cube}/data"
    where = f"{path}: {key}"
    stored = hdf5.open_frames(root, path, key)
    if len(stored.shape) != _RASTER:
        expected = "(scan rows, scan columns, detector rows, detector columns)"
        raise InputError(where, expected=expected, found=f"shape {stored.shape}")
    joined = FlattenedFrames(stored)
    pieces = Pieces(
        frames=joined,
        frame_shape=joined.shape,
        frame_where=where,
        kind="intensity",
        probe_where=f"{path}: a probe, which a data cube does not hold",
        marks=hdf5.list_marks(stored.stored),
        files=hdf5_links.list_files(root, path, key),
    )
    return pieces, (int(stored.shape[0]), int(stored.shape[1]))


def _refuse_turned(root: h5py.File, path: Path, cube: str) -> None:
    """Refuse a scan whose axes are not those of the detector: positions would be mirrored."""
    rotation = _find_value(root, cube, "QR_rotation")
    flip = _find_value(root, cube, "QR_flip")
    degrees = _find_value(root, cube, "QR_rotation_degrees")
    if rotation is None and degrees is not None:
        rotation = np.deg2rad(degrees)
    turned = rotation is not None and abs(float(rotation)) > _TURNED_RAD
    if turned or bool(flip):
        raise InputError(
            f"{path}: {cube}, calibration",
            expected="scan axes along those of the detector",
            found=f"QR_rotation {float(rotation or 0):.3g} rad, QR_flip {bool(flip)}",
            remedy="turn the positions and write the scan as NPZ with xcoords and ycoords",
        )


def _read_step(
    root: h5py.File, path: Path, cube: str, axis: str, known: dict[str, float]
) -> float:
    """Return a step of the raster [m] or of the detector [1/m]."""
    where = f"{path}: {cube}, {axis}_pixel_size"
    size = _find_value(root, cube, f"{axis}_pixel_size")
    unit = _find_value(root, cube, f"{axis}_pixel_units")
    if size is None:
        raise InputError(where, expected="a calibrated step", found="none", remedy=_REMEDY)
    word = _text(unit if unit is not None else "pixels")
    factor = known.get(word, known.get(word.lower()))
    if factor is None:
        listed = ", ".join(known)
        raise InputError(where, expected=f"a unit of {listed}", found=word, remedy=_REMEDY)
    return hdf5.positive(np.asarray(size), where) * factor


def _find_value(root: h5py.File, cube: str, name: str) -> NDArray[np.generic] | None:
    """Return an entry of the calibration, which lies beside the cube or below it."""
    for home in (cube, cube.rpartition("/")[0]):
        node = root.get(f"{home}/{_CALIBRATION}/{name}")
        if isinstance(node, h5py.Dataset) and _text(node.attrs.get("type", "")) != "None":
            return np.asarray(node[()])
    return None


def _text(value: object) -> str:
    """Return a stored word; HDF5 gives bytes, text, or an array of one."""
    plain = value.item() if isinstance(value, np.ndarray | np.generic) else value
    return plain.decode("utf-8", "replace") if isinstance(plain, bytes) else str(plain)
