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

from ptycho_torch.data import detector_mask, hdf5, hdf5_links, pieces, probe_axes
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import MirroredFrames
from ptycho_torch.data.hdf5 import Hdf5Frames
from ptycho_torch.data.pieces import NPZ_COUNTS, NPZ_FRAMES, NPZ_PROBE, Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource

_POSITIONS = ("xcoords", "ycoords")
_STACK = 3
_MATLAB = "MATLAB_class"


def recognise(source: ScanSource) -> bool:
    """The position lists of this package have names of their own."""
    return source.container == "hdf5" and source.holds(*_POSITIONS)


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a scan whose arrays are named as in NPZ files.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        arrays = _Arrays(root, path, _MATLAB in root[_POSITIONS[0]].attrs)
        photons = arrays.read("nphotons")
        pixel = arrays.read("pixel_size_m")
        yield RawScan(
            pieces=_find_pieces(arrays).filled_from(request.spare),
            x=arrays.list_values(_POSITIONS[0]),
            y=arrays.list_values(_POSITIONS[1]),
            where_x=f"{path}: {_POSITIONS[0]}",
            where_y=f"{path}: {_POSITIONS[1]}",
            object_canvas=arrays.read("objectGuess"),
            object_where=f"{path}: objectGuess",
            object_mask=arrays.read("objectMask"),
            scan_index=arrays.list_values("scan_index") if "scan_index" in root else None,
            nphotons=None if photons is None else hdf5.positive(photons, f"{path}: nphotons"),
            pixel_size_m=None
            if pixel is None
            else hdf5.positive(pixel, f"{path}: pixel_size_m"),
            files=hdf5_links.list_all(
                root, path, *_POSITIONS, "objectGuess", "objectMask", "scan_index"
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
        """Read an array; None when it is absent."""
        if not hdf5_links.check_links(self.root, self.path, key):
            return None
        stored = hdf5.array(self.root, self.path, key)
        return stored.T if self.is_matlab else stored

    def list_values(self, key: str) -> NDArray[Any]:
        """Read a list; MATLAB keeps one as a matrix of one column."""
        stored = hdf5.array(self.root, self.path, key)
        is_matrix = self.is_matlab and stored.ndim > 1 and 1 in stored.shape
        return stored.ravel() if is_matrix else stored


def _find_pieces(arrays: _Arrays) -> Pieces:
    root, path = arrays.root, arrays.path
    names = (*NPZ_FRAMES, *NPZ_COUNTS)
    key = next((name for name in names if hdf5_links.check_links(root, path, name)), None)
    where = f"{path}: {key or NPZ_FRAMES[0]}"
    probe = arrays.read(NPZ_PROBE)
    probe_where = f"{path}: {NPZ_PROBE}"
    if probe is not None:
        probe = probe_axes.order_modes(probe, probe_where)
    mask, mask_where = _find_mask(arrays)
    parts = Pieces(
        frame_where=where,
        probe=probe,
        probe_where=probe_where,
        valid_mask=mask,
        mask_where=mask_where,
    )
    if key is None:
        return parts
    stored = hdf5.dataset(root, path, key)
    hdf5.check_filters(stored, where)
    frames: FrameStore = Hdf5Frames(stored, where)
    if arrays.is_matlab and len(frames.shape) >= _STACK:
        frames = MirroredFrames(frames)
    return dataclasses.replace(
        parts,
        frames=frames,
        frame_shape=tuple(frames.shape),
        kind="intensity" if key in NPZ_COUNTS else "unknown",
        files=hdf5_links.list_files(root, path, key),
    )


def _find_mask(arrays: _Arrays) -> tuple[NDArray[Any] | None, str]:
    bad = arrays.read(pieces.BAD_PIXELS)
    where = f"{arrays.path}: {pieces.BAD_PIXELS}"
    if bad is not None:
        return detector_mask.from_bits(np.asarray(bad), 0, where), where
    return arrays.read(pieces.VALID_PIXELS), f"{arrays.path}: {pieces.VALID_PIXELS}"
