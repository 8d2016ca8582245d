"""The one door for measured data: a file of any known format to a checked scan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import (
    catalogue,
    checks,
    frame_cache,
    frames,
    npy_frames,
    pieces,
    scan_reader,
)
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.frame_store import Amplitudes, FrameStore
from ptycho_torch.data.frame_views import CroppedFrames
from ptycho_torch.data.frames import FrameOrder
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.data.raw_scan import RawScan, ScanHeader
from ptycho_torch.data.scan import ScanData
from ptycho_torch.data.scan_reader import ScanRequest
from ptycho_torch.errors import InputError

__all__ = ["ScanHeader", "peek", "read"]

_MEGABYTE = 1 << 20


def read(path: Path, config: DataConfig) -> ScanData:
    """Read and validate a scan; the format is found by content, not by extension.

    Frames are read block by block. Over ``config.mmap_threshold_mb`` they stay on disk and
    are read as they are asked for: where they lie, or from a cache file when they are
    compressed, in another kind of number or in another order.

    Args:
        path: File of any format of the catalogue.
        config: Settings that say how to understand the file.

    Returns:
        The scan, all checks passed.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: A file that cannot be used; the message names key and values.
    """
    companion = None if config.companion_file is None else Path(config.companion_file)
    with _opened(path, config, with_frames=True) as raw:
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


def peek(path: Path, config: DataConfig) -> ScanHeader:
    """Read headers only, so that a configuration can be completed before any data.

    Args:
        path: File of any format of the catalogue.
        config: Settings that say how to understand the file.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: The file is of no known format, or lacks a required piece.
    """
    with _opened(path, config, with_frames=False) as raw:
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


@contextmanager
def _opened(path: Path, config: DataConfig, *, with_frames: bool) -> Iterator[RawScan]:
    companion = None if config.companion_file is None else Path(config.companion_file)
    if companion is not None:
        scan_reader.check_exists(companion)
    with scan_reader.open_source(path) as source:
        _, reader = catalogue.find_reader(source)
    with ExitStack() as stack:
        spare = stack.enter_context(pieces.opened(companion, with_frames=with_frames))
        request = ScanRequest(path=path, spare=spare, config=config, with_frames=with_frames)
        yield stack.enter_context(reader.open_scan(request))


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
