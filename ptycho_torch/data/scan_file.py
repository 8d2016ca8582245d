"""The one door for measured data: a file of any known format to a checked scan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.config_params import SIDES, DataConfig
from ptycho_torch.data import checks, frame_cache, frames, npz_scan
from ptycho_torch.data.frames import FrameCensus, FrameOrder
from ptycho_torch.data.raw_scan import FrameStore, RawScan, ScanHeader
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError, MissingInputError

__all__ = ["ScanHeader", "peek", "read"]

_ZIP_MAGIC = b"PK"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MEGABYTE = 1 << 20

Container = Literal["npz", "hdf5"]


def read(path: Path, config: DataConfig) -> ScanData:
    """Read and validate a scan; the format is found by content, not by extension.

    Frames over ``config.mmap_threshold_mb`` stay on disk and are mapped read-only.

    Args:
        path: NPZ, CXI or ptychodus product file.
        config: Settings that say how to understand the file.

    Returns:
        The scan, all checks passed.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: A file that cannot be used; the message names key and values.
    """
    container(path)
    digest = files.sha256(path)
    with _opened(path, config) as raw:
        where = {piece: f"{path}: {name}" for piece, name in raw.names.items()}
        positions = checks.coordinates(raw.x, raw.y, where["x"], where["y"])
        stored = frames.orient(raw.frames, len(positions), where["frames"])
        side = stored.shape[-1]
        checks.enough_points(positions, config.gridsize, where["x"])
        checks.compact(positions, config.gridsize, side, where["x"])
        valid = checks.plane_mask(raw.valid_mask, (side, side), f"{path}: valid_mask")
        valid_mask = np.ones((side, side), np.bool_) if valid is None else valid
        order = FrameOrder(
            where=where["frames"],
            kind=frames.resolve_kind(stored, raw.kind, config.input_kind, where["frames"]),
            valid_mask=valid_mask,
        )
        amplitude, census = _amplitude(stored, order, raw, digest, config)
        checks.energy(census, where["frames"])
        checks.photons(census, config.nphotons, where["frames"])
        reference = checks.reference(raw.object_canvas, positions, side, f"{path}: objectGuess")
        return ScanData(
            amplitude=amplitude,
            positions=_oriented(positions, config),
            probe=checks.probe(raw.probe, side, where["probe"]),
            object_canvas=reference,
            object_mask=None
            if reference is None
            else checks.plane_mask(raw.object_mask, reference.shape, f"{path}: objectMask"),
            scan_index=checks.experiment_ids(
                raw.scan_index, len(positions), f"{path}: scan_index"
            ),
            valid_mask=valid_mask,
            pixel_size_m=raw.pixel_size_m,
            nphotons=raw.nphotons,
            sha256=digest,
            name=path.name,
        )


def peek(path: Path) -> ScanHeader:
    """Read headers only, so that a configuration can be completed before any data.

    Raises:
        MissingInputError: The file does not exist.
        InputError: The file is of no known format, or lacks a required piece.
    """
    container(path)
    header = npz_scan.peek(path)
    if header.N not in SIDES:
        sides = ", ".join(str(side) for side in SIDES)
        raise InputError(
            str(path), expected=f"frames of side {sides}", found=f"side {header.N}"
        )
    return header


def container(path: Path) -> Container:
    """Tell the container format from the first bytes.

    Raises:
        MissingInputError: The file does not exist.
        InputError: The file is of no known format.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no file"
        raise MissingInputError(str(path), expected="an existing scan file", found=found)
    with path.open("rb") as stream:
        start = stream.read(len(_HDF5_MAGIC))
    if start.startswith(_ZIP_MAGIC):
        return "npz"
    if start == _HDF5_MAGIC:
        return "hdf5"
    raise InputError(
        str(path),
        expected="an NPZ, CXI or ptychodus file",
        found="an empty file" if not start else "another format",
    )


@contextmanager
def _opened(path: Path, config: DataConfig) -> Iterator[RawScan]:
    threshold = int(config.mmap_threshold_mb * _MEGABYTE)
    with npz_scan.opened(path, threshold) as raw:
        yield raw


def _amplitude(
    stored: FrameStore, order: FrameOrder, raw: RawScan, digest: str, config: DataConfig
) -> tuple[NDArray[np.float32], FrameCensus]:
    needed = np.prod(stored.shape, dtype=np.int64) * np.dtype(np.float32).itemsize
    if needed <= config.mmap_threshold_mb * _MEGABYTE:
        return frame_cache.load(stored, order)
    if raw.frames_stay and isinstance(stored, np.ndarray) and not order.changes(stored):
        return stored, frame_cache.survey(stored, order)
    return frame_cache.mapped(stored, order, digest, frame_cache.default_folder())


def _oriented(positions: NDArray[np.float64], config: DataConfig) -> NDArray[np.float64]:
    """Apply the axis corrections of the settings; a flip mirrors inside the scan's extent."""
    turned = positions[:, ::-1].copy() if config.swap_xy else positions
    for axis, is_flipped in enumerate((config.flip_x, config.flip_y)):
        if is_flipped:
            column = turned[:, axis]
            turned[:, axis] = column.min() + column.max() - column
    return turned
