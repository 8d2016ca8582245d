"""The one door for measured data: a file of any known format to a checked scan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import (
    checks,
    cxi_scan,
    frame_cache,
    frames,
    hdf5,
    npy_frames,
    npz_scan,
    pieces,
    ptychodus_scan,
)
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.frame_store import Amplitudes, FrameStore
from ptycho_torch.data.frame_views import CroppedFrames
from ptycho_torch.data.frames import FrameOrder
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.data.raw_scan import RawScan, ScanHeader
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError, MissingInputError

__all__ = ["ScanHeader", "peek", "read"]

_ZIP_MAGIC = b"PK"
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_MEGABYTE = 1 << 20

Container = Literal["npz", "cxi", "ptychodus"]


def read(path: Path, config: DataConfig) -> ScanData:
    """Read and validate a scan; the format is found by content, not by extension.

    Frames are read block by block. Over ``config.mmap_threshold_mb`` they stay on disk and
    are read as they are asked for: where they lie, or from a cache file when they are
    compressed, in another kind of number or in another order.

    Args:
        path: NPZ, CXI or ptychodus product file.
        config: Settings that say how to understand the file.

    Returns:
        The scan, all checks passed.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: A file that cannot be used; the message names key and values.
    """
    companion = None if config.companion_file is None else Path(config.companion_file)
    with _opened(path, companion, config.translation_kind, with_frames=True) as raw:
        _, probe = raw.pieces.complete()
        positions = checks.coordinates(raw.x, raw.y, raw.where_x, raw.where_y)
        stored = _stored_frames(raw, len(positions))
        side = stored.shape[-1]
        checks.enough_points(positions, config.gridsize, raw.where_x)
        checks.compact(positions, config.gridsize, side, raw.where_x)
        digests = [files.sha256(file) for file in (path, companion) if file is not None]
        amplitude, valid_mask = _amplitude(stored, raw, ":".join(digests), config)
        reference = checks.reference(raw.object_canvas, positions, side, raw.object_where)
        return ScanData(
            amplitude=amplitude,
            positions=_oriented(positions, config),
            probe=checks.probe(probe, side, raw.pieces.probe_where),
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
            sha256=digests[0],
            name=path.name,
        )


def peek(
    path: Path, companion: Path | None = None, translation_kind: str = "sample"
) -> ScanHeader:
    """Read headers only, so that a configuration can be completed before any data.

    Args:
        path: NPZ, CXI or ptychodus product file.
        companion: Second file, for pieces missing in the first.
        translation_kind: What CXI translations move.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: The file is of no known format, or lacks a required piece.
    """
    with _opened(path, companion, translation_kind, with_frames=False) as raw:
        shape, probe = raw.pieces.complete()
        points = len(np.atleast_1d(raw.x))
        if raw.pieces.kind == "intensity":
            side = frames.common_side(shape, probe.shape)
            shape = (shape[0], side, side)
        _, side, _ = frames.canonical_shape(shape, points, raw.pieces.frame_where)
        return ScanHeader(
            N=side,
            point_count=points,
            probe_modes=len(checks.probe(probe, side, raw.pieces.probe_where)),
            nphotons=raw.nphotons,
            pixel_size_m=raw.pixel_size_m,
        )


def container(path: Path) -> Container:
    """Tell the container format from the first bytes.

    Raises:
        MissingInputError: The file does not exist.
        InputError: The file is of no known format.
    """
    _existing(path)
    with path.open("rb") as stream:
        start = stream.read(len(_HDF5_MAGIC))
    if start.startswith(_ZIP_MAGIC):
        return "npz"
    if start == _HDF5_MAGIC:
        return _hdf5_container(path)
    raise InputError(
        str(path),
        expected="an NPZ, CXI or ptychodus file",
        found="an empty file" if not start else "another format",
    )


@contextmanager
def _opened(
    path: Path, companion: Path | None, translation_kind: str, *, with_frames: bool
) -> Iterator[RawScan]:
    kind = container(path)
    if companion is not None:
        _existing(companion)
    with ExitStack() as stack:
        spare = stack.enter_context(pieces.opened(companion, with_frames=with_frames))
        if kind == "npz":
            yield stack.enter_context(npz_scan.opened(path, spare, with_frames=with_frames))
        elif kind == "cxi":
            yield stack.enter_context(cxi_scan.opened(path, spare, translation_kind))
        else:
            yield stack.enter_context(ptychodus_scan.opened(path, spare))


def _existing(path: Path) -> None:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no file"
        raise MissingInputError(str(path), expected="an existing scan file", found=found)


def _hdf5_container(path: Path) -> Container:
    with hdf5.opened(path) as root:
        if "entry_1" in root:
            return "cxi"
        if "probe_position_x_m" in root:
            return "ptychodus"
    raise InputError(
        str(path),
        expected="a CXI file or a ptychodus product",
        found="an HDF5 file without positions",
        remedy="give frames or a probe alone as --companion_file",
    )


def _stored_frames(raw: RawScan, point_count: int) -> FrameStore:
    stored = raw.pieces.frames
    _, probe = raw.pieces.complete()
    if stored is None:  # an opened scan without frames has been refused before
        raise InputError(raw.pieces.frame_where, expected="frames", found="none")
    if raw.pieces.kind == "intensity":
        side = frames.common_side(stored.shape, probe.shape)
        if stored.shape[-2:] != (side, side):
            stored = CroppedFrames(stored, side)
    return frames.orient(stored, point_count, raw.pieces.frame_where)


def _amplitude(
    stored: FrameStore, raw: RawScan, source: str, config: DataConfig
) -> tuple[Amplitudes, NDArray[np.bool_]]:
    """Convert the frames or leave them, check their content, and say which pixels are valid."""
    where, side = raw.pieces.frame_where, stored.shape[-1]
    given = checks.plane_mask(raw.valid_mask, (side, side), raw.where_mask)
    valid_mask = np.ones((side, side), np.bool_) if given is None else given
    kind = frames.resolve_kind(stored, raw.pieces.kind, config.input_kind, where)
    order = FrameOrder(where=where, kind=kind, valid_mask=valid_mask)
    needed = int(np.prod(stored.shape)) * np.dtype(np.float32).itemsize
    amplitude: Amplitudes
    if needed <= config.mmap_threshold_mb * _MEGABYTE:
        amplitude, census = frame_cache.load(stored, order)
    elif (left := _in_place(stored, order)) is not None:
        amplitude, census = left, frame_cache.survey(stored, order)
    else:
        folder = frame_cache.default_folder()
        amplitude, census = frame_cache.cached(stored, order, source, folder)
    checks.energy(census, where)
    checks.photons(census, config.nphotons, where)
    return amplitude, valid_mask


def _in_place(stored: FrameStore, order: FrameOrder) -> FrameFile | None:
    if order.changes(stored):
        return None
    if isinstance(stored, StreamedFrames):
        return stored.in_place()
    return npy_frames.in_place(stored) if isinstance(stored, np.ndarray) else None


def _oriented(positions: NDArray[np.float64], config: DataConfig) -> NDArray[np.float64]:
    """Apply the axis corrections of the settings; a flip mirrors inside the scan's extent."""
    turned = positions[:, ::-1].copy() if config.swap_xy else positions
    for axis, is_flipped in enumerate((config.flip_x, config.flip_y)):
        if is_flipped:
            column = turned[:, axis]
            turned[:, axis] = column.min() + column.max() - column
    return turned
