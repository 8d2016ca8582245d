"""HDF5 or MATLAB v7.3 with the array names of this package at its root.

MATLAB keeps the first index fastest, so that HDF5 sees every array with its axes reversed:
frames (rows, columns, M) come as (M, columns, rows), probe and object turned alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames as frame_blocks
from ptycho_torch.data import hdf5, hdf5_links, hdf5_masks, probe_axes, units
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import MirroredFrames, TransposedFrames
from ptycho_torch.data.pieces import NPZ_COUNTS, NPZ_FRAMES, NPZ_PROBE, PLACE_KEYS, Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

_WEIGHTS, _IDS, _PIXEL = "opr_weights", "indexes", "pixel_size_m"
_STACK = 3
_IN_PIXELS = ("", "px", "pixel", "pixels")


def recognise(source: ScanSource) -> bool:
    """The position lists of this package have names of their own."""
    return source.container == "hdf5" and source.holds(*PLACE_KEYS)


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a scan whose arrays are named as in NPZ files.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        arrays = _Arrays(root, path, hdf5.is_of_matlab(root[PLACE_KEYS[0]]))
        photons = arrays.read("nphotons")
        pixel = _read_pixel(arrays)
        x, y = (_read_places(arrays, key, pixel) for key in PLACE_KEYS)
        yield RawScan(
            pieces=_find_pieces(arrays, {PLACE_KEYS[0]: x, PLACE_KEYS[1]: y}).filled_from(
                request.spare
            ),
            x=x,
            y=y,
            where_x=f"{path}: {PLACE_KEYS[0]}",
            where_y=f"{path}: {PLACE_KEYS[1]}",
            object_canvas=arrays.read("objectGuess"),
            object_where=f"{path}: objectGuess",
            object_mask=arrays.read("objectMask"),
            scan_index=arrays.list_values("scan_index") if "scan_index" in root else None,
            nphotons=None if photons is None else hdf5.positive(photons, f"{path}: nphotons"),
            pixel_size_m=pixel,
            files=hdf5_links.list_all(
                root, path, *PLACE_KEYS, "objectGuess", "objectMask", "scan_index", _IDS
            ),
            notes=("axes reversed, as MATLAB keeps them",) if arrays.is_matlab else (),
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Arrays:
    """Arrays at the root, with rows before columns whatever wrote them."""

    root: h5py.File
    path: Path
    is_matlab: bool

    def read(self, key: str) -> NDArray[Any] | None:
        """Read an array; None when it is absent or empty."""
        if not hdf5_links.check_links(self.root, self.path, key):
            return None
        if hdf5.is_empty(self.root[key]):
            return None
        stored = hdf5.array(self.root, self.path, key)
        return stored.T if self.is_matlab else stored

    def list_values(self, key: str) -> NDArray[Any]:
        """Read a list; MATLAB keeps one as a matrix of one column."""
        stored = hdf5.array(self.root, self.path, key)
        is_matrix = self.is_matlab and stored.ndim > 1 and 1 in stored.shape
        return stored.ravel() if is_matrix else stored


def _read_pixel(arrays: _Arrays) -> float | None:
    pixel = arrays.read(_PIXEL)
    if pixel is None:
        return None
    where = f"{arrays.path}: {_PIXEL}"
    factor = units.length_factor(arrays.root, arrays.path, _PIXEL)
    return units.check_pixel(hdf5.positive(pixel, where) * factor, where, "the file's own word")


def _read_places(arrays: _Arrays, key: str, pixel_m: float | None) -> NDArray[Any]:
    """Read positions [px]; those in a unit of length are divided by the object pixel."""
    stored = arrays.list_values(key)
    if units.unit_of(arrays.root, key) in _IN_PIXELS:
        return stored
    factor = units.length_factor(arrays.root, arrays.path, key)
    if pixel_m is None:
        raise InputError(
            f"{arrays.path}: {_PIXEL}",
            expected=f"the object pixel, by which {key} in {units.unit_of(arrays.root, key)} "
            "become pixels",
            found="nothing",
            remedy=f"store {_PIXEL}, or the positions in pixels with the unit px",
        )
    scaled: NDArray[Any] = stored.astype(np.float64) * (factor / pixel_m)
    return scaled


def _find_pieces(arrays: _Arrays, places: dict[str, NDArray[Any]]) -> Pieces:
    root, path = arrays.root, arrays.path
    names = (*NPZ_FRAMES, *NPZ_COUNTS)
    keys = [name for name in names if hdf5_links.check_links(root, path, name)]
    key = _choose_frames(arrays, keys)
    where = f"{path}: {key or NPZ_FRAMES[0]}"
    probe = arrays.read(NPZ_PROBE)
    probe_where = f"{path}: {NPZ_PROBE}"
    if probe is not None:
        probe = probe_axes.order_modes(probe, probe_where, arrays.read(_WEIGHTS))
    mask, mask_where, mask_keys = hdf5_masks.find_mask(root, path)
    parts = Pieces(
        frame_where=where,
        probe=probe,
        probe_where=probe_where,
        valid_mask=mask,
        mask_where=mask_where,
        files=hdf5_links.list_all(root, path, NPZ_PROBE, _WEIGHTS, *mask_keys),
        places=places,
    )
    if key is None:
        return parts
    opened = hdf5.open_frames(root, path, key)
    frames = _turn(opened, places[PLACE_KEYS[0]].size) if arrays.is_matlab else opened
    return dataclasses.replace(
        parts,
        frames=frames,
        frame_shape=tuple(frames.shape),
        kind="intensity" if key in NPZ_COUNTS else "unknown",
        marks=hdf5.list_marks(opened.stored),
        frame_ids=arrays.list_values(_IDS) if _IDS in root else None,
        files=(*parts.files, *hdf5_links.list_files(root, path, key)),
    )


def _choose_frames(arrays: _Arrays, keys: list[str]) -> str | None:
    """Return the name of the frames; equal arrays under several names are one.

    Raises:
        InputError: Several arrays might be the frames.
    """
    opened = [hdf5.open_frames(arrays.root, arrays.path, key) for key in keys]
    if not all(_are_equal(opened[0], other) for other in opened[1:]):
        raise InputError(
            f"{arrays.path}: {keys[0]}",
            expected="one array of frames",
            found=" and ".join(keys),
            remedy="remove those that are not the amplitude",
        )
    return keys[0] if keys else None


def _are_equal(first: FrameStore, second: FrameStore) -> bool:
    pairs = zip(frame_blocks.blocks(first), frame_blocks.blocks(second), strict=False)
    return first.shape == second.shape and all(
        np.array_equal(one, other, equal_nan=True) for one, other in pairs
    )


def _turn(opened: FrameStore, count: int) -> FrameStore:
    """Bring frames of MATLAB to rows before columns, the axis of the points in front."""
    if len(opened.shape) < _STACK:
        return opened
    if len(opened.shape) == _STACK and opened.shape[0] != count == opened.shape[-1]:
        return MirroredFrames(TransposedFrames(opened))
    return MirroredFrames(opened)
