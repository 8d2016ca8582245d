"""Chunks that were never written: the library reads its fill value there and says nothing.

A scan that was stopped, or a writer that died, leaves a dataset of its full size with chunks
missing, somewhere in the middle of a frame as well. They are shown as NaN here.
"""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Corners = NDArray[np.int64]


def find_unwritten(stored: h5py.Dataset) -> Corners:
    """Return the first index along each axis of every chunk that is not in the file (K, axes).

    Data that lie elsewhere, in virtual sources or raw files, have none.
    """
    axes = stored.ndim
    none: Corners = np.empty((0, axes), np.int64)
    if not axes or not stored.size or stored.is_virtual or stored.external:
        return none
    if stored.chunks is None:
        is_written = stored.id.get_storage_size() > 0
        return none if is_written else np.zeros((1, axes), np.int64)
    counts = [-(-size // step) for size, step in zip(stored.shape, stored.chunks, strict=True)]
    if stored.id.get_num_chunks() >= math.prod(counts):
        return none
    is_missing = np.ones(counts, np.bool_)

    def note(chunk: Any) -> None:
        place = zip(chunk.chunk_offset, stored.chunks, strict=True)
        is_missing[tuple(first // step for first, step in place)] = False

    stored.id.chunk_iter(note)
    missing: Corners = np.argwhere(is_missing) * np.array(stored.chunks)
    return missing


def blank(block: NDArray[Any], key: Any, stored: h5py.Dataset, corners: Corners) -> None:
    """Put NaN where a part of a dataset comes from chunks that were never written.

    Args:
        block: What was read, of a kind that has NaN; changed in place.
        key: A slice of the first axis, or slices of several, which chose it.
        stored: The dataset.
        corners: (K, axes) of the chunks that are missing.
    """
    shape = stored.shape
    ranges = [
        part.indices(size) for part, size in zip(_expand(key, len(shape)), shape, strict=True)
    ]
    low, high = (np.array([part[place] for part in ranges]) for place in (0, 1))
    steps = np.array(stored.chunks or shape)
    meets = ((corners < high) & (corners + steps > low)).all(axis=1)
    for corner in corners[meets]:
        first = np.maximum(corner, low) - low
        last = np.minimum(corner + steps, high) - low
        block[tuple(slice(*ends) for ends in zip(first, last, strict=True))] = np.nan


def _expand(key: Any, axes: int) -> list[slice]:
    parts = list(key) if isinstance(key, tuple) else [key]
    place = next((number for number, part in enumerate(parts) if part is Ellipsis), len(parts))
    before, after = parts[:place], parts[place + 1 :]
    return [*before, *[slice(None)] * (axes - len(before) - len(after)), *after]
