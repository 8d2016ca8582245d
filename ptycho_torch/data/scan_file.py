"""The one door for measured data: a file of any known format to a checked scan."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import (
    catalogue,
    centring,
    checks,
    companion,
    frame_cache,
    frames,
    identity,
    likeness,
    npy_frames,
    orientation,
    scan_reader,
)
from ptycho_torch.data.arrangement import Arrangement, arrange
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.frame_store import Amplitudes, FrameStore
from ptycho_torch.data.frames import FrameCensus, FrameOrder
from ptycho_torch.data.identity import Identity
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.data.raw_scan import RawScan, ScanHeader
from ptycho_torch.data.scan import ScanData
from ptycho_torch.data.scan_reader import ScanRequest

__all__ = ["ScanHeader", "open_raw", "peek", "read"]

_MEGABYTE = 1 << 20


def read(path: Path, config: DataConfig, *, any_side: bool = False) -> ScanData:
    """Read and validate a scan; the format is found by content, not by extension.

    Frames are read block by block. Over ``config.mmap_threshold_mb`` they stay on disk and
    are read as they are asked for: where they lie, or from a cache file when they are
    compressed, in another kind of number or in another order.

    Args:
        path: File of any format of the catalogue.
        config: Settings that say how to understand the file.
        any_side: Take square frames of any side, to be resized.

    Returns:
        The scan, all checks passed.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: A file that cannot be used; the message names key and values.
    """
    with open_raw(path, config) as raw:
        _, probe = raw.pieces.complete()
        source = identity.digest_files(path, config, (*raw.pieces.files, *raw.files))
        arranged = arrange(raw, config, any_side=any_side)
        x, y = (_list_coordinates(values, raw, arranged.points) for values in (raw.x, raw.y))
        positions = checks.coordinates(x, y, raw.where_x, raw.where_y)
        side = arranged.stored.shape[-1]
        checks.enough_points(positions, config.gridsize, raw.where_x)
        checks.astray(positions, side, raw.where_x)
        checks.extent(positions, side, raw.where_x)
        checks.compact(positions, config.gridsize, side, raw.where_x)
        modes = checks.probe(probe, side, raw.pieces.probe_where)
        checks.probe_count(modes, int(np.size(raw.x)), raw.pieces.probe_where)
        likeness.check_probe_place(modes, raw.pieces.probe_where)
        checks.probe_pixel(raw.pieces.probe_pixel_m, raw.pixel_size_m, raw.pieces.probe_where)
        amplitude, census = _amplitude(arranged, raw, source, config)
        if census.pattern is not None and config.center == centring.CHECK:
            centring.check_centre(census.pattern, modes, raw.pieces.frame_where)
        likeness.report_unlike(
            amplitude,
            modes,
            arranged.order.valid_mask,
            raw.pieces.frame_where,
            is_placed=config.center != centring.KEEP,
        )
        turned = orientation.turn(positions, raw.object_canvas, raw.object_mask, config)
        reference = checks.reference(
            turned.object_canvas, turned.positions, side, raw.object_where
        )
        mask_where = f"{raw.object_where}, mask"
        scan = ScanData(
            amplitude=amplitude,
            positions=turned.positions,
            probe=modes,
            object_canvas=reference,
            object_mask=None
            if reference is None
            else checks.plane_mask(turned.object_mask, reference.shape, mask_where),
            scan_index=arranged.scan_index,
            valid_mask=arranged.order.valid_mask,
            pixel_size_m=raw.pixel_size_m,
            nphotons=raw.nphotons,
            sha256=source.sha256,
            name=path.name,
        )
        likeness.report_contradiction(scan, raw.object_where)
        return scan


def peek(path: Path, config: DataConfig) -> ScanHeader:
    """Read headers only, so that a configuration can be completed before any data.

    Args:
        path: File of any format of the catalogue.
        config: Settings that say how to understand the file.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: The file is of no known format, or lacks a required piece.
    """
    with open_raw(path, config, with_frames=False) as raw:
        shape, probe = raw.pieces.complete()
        points = int(np.size(raw.x))
        where = raw.pieces.frame_where
        listed, _ = frames.list_shape(shape, points, where)
        if raw.pieces.kind == "intensity":
            side = frames.common_side(listed, probe.shape)
            listed = (points, side, side)
        side = frames.check_side(listed, where)
        return ScanHeader(
            N=side,
            point_count=points,
            probe_modes=len(checks.probe(probe, side, raw.pieces.probe_where)),
            nphotons=raw.nphotons,
            pixel_size_m=raw.pixel_size_m,
        )


@contextmanager
def open_raw(path: Path, config: DataConfig, *, with_frames: bool = True) -> Iterator[RawScan]:
    """Open a scan as its file holds it, before any check.

    Raises:
        MissingInputError: A named file does not exist.
        InputError: The file is of no known format, or lacks a required piece.
    """
    second = None if config.companion_file is None else Path(config.companion_file)
    if second is not None:
        scan_reader.check_exists(second)
    with scan_reader.open_source(path) as source:
        _, reader = catalogue.find_reader(source)
    with ExitStack() as stack:
        spare = stack.enter_context(companion.open_companion(second, with_frames=with_frames))
        request = ScanRequest(path=path, spare=spare, config=config, with_frames=with_frames)
        yield stack.enter_context(reader.open_scan(request))


def _list_coordinates(
    values: NDArray[Any], raw: RawScan, points: NDArray[np.int64]
) -> NDArray[Any]:
    """Return the coordinates of the chosen points; those of a raster may lie in its rows."""
    shape, _ = raw.pieces.complete()
    flat = checks.list_places(values, shape[:-2], raw.where_x)
    is_chosen = flat.shape == (np.size(raw.x),) and len(points) != len(flat)
    return flat[points] if is_chosen else flat


def _amplitude(
    arranged: Arrangement, raw: RawScan, source: Identity, config: DataConfig
) -> tuple[Amplitudes, FrameCensus]:
    """Convert the frames or leave them, and check their content."""
    stored, order, where = arranged.stored, arranged.order, raw.pieces.frame_where
    needed = int(np.prod(stored.shape)) * np.dtype(np.float32).itemsize
    amplitude: Amplitudes
    if needed <= config.mmap_threshold_mb * _MEGABYTE:
        amplitude, census = frame_cache.load(stored, order)
    elif (left := _in_place(stored, order)) is not None:
        amplitude, census = left, frame_cache.survey(stored, order)
    else:
        folder = frame_cache.default_folder()
        amplitude, census = frame_cache.cache_frames(stored, order, source.cache_key, folder)
    checks.energy(census, where)
    checks.photons(census, config.nphotons, where)
    return amplitude, census


def _in_place(stored: FrameStore, order: FrameOrder) -> FrameFile | None:
    if order.changes(stored):
        return None
    if isinstance(stored, StreamedFrames):
        return stored.in_place()
    return npy_frames.in_place(stored) if isinstance(stored, np.ndarray) else None
