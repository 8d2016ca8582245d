"""Amplitudes that stay in a file: each is read when it is asked for.

Reads are positional, not through a memory map. Mapped pages would count as memory of the
process for as long as they are mapped, so that its size would grow with the scan, and a
file that shrinks would end the process by a signal; this way it is an error that can be
told. Processes may share the file, because no read moves a common position.
"""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.errors import InputError

_STORED = np.dtype("<f4")


class FrameFile:
    """(M, N, N) float32 amplitudes that lie in a file, uncompressed and scan axis first.

    Args:
        path: The file; it is held open.
        offset: Where the first number lies [bytes].
        shape: M, N, N.

    Attributes:
        shape: Sizes of all axes.
        dtype: float32.
    """

    def __init__(self, path: Path, offset: int, shape: tuple[int, ...]) -> None:
        self.shape = shape
        self.dtype = _STORED
        self._path = path
        self._offset = offset
        self._frame_bytes = int(np.prod(shape[1:])) * _STORED.itemsize
        self._descriptor = os.open(path, os.O_RDONLY)
        # Closed with the object, at the end of the interpreter too; __del__ may find os gone.
        weakref.finalize(self, os.close, self._descriptor)

    def __reduce__(self) -> tuple[Any, ...]:
        """Open the file anew in another process."""
        # A descriptor means nothing in another process; the path does.
        return FrameFile, (self._path, self._offset, self.shape)

    def __len__(self) -> int:
        """Return the number of frames M."""
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        """Read all frames into memory."""
        del copy  # there is nothing to share
        return np.asarray(self[:], dtype)

    def __getitem__(self, key: slice | NDArray[np.int64], /) -> NDArray[np.float32]:
        """Read a range of frames, or those at indices of any shape.

        A frame that is asked for twice is read once, neighbours in the file together.

        Raises:
            IndexError: An index is negative or too large.
            InputError: The file has become shorter, or cannot be read.
        """
        if isinstance(key, slice):
            key = np.arange(*key.indices(len(self)))
            return self._read_sorted(key)
        wanted, place = np.unique(key.ravel(), return_inverse=True)
        frames: NDArray[np.float32] = self._read_sorted(wanted)[place]
        return frames.reshape(*key.shape, *self.shape[1:])

    def _read_sorted(self, wanted: NDArray[np.int64]) -> NDArray[np.float32]:
        """Read frames at rising indices, each run of neighbours at once."""
        if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < len(self):
            raise IndexError(f"frames {wanted[0]} to {wanted[-1]} of {len(self)}")
        frames = np.empty((len(wanted), *self.shape[1:]), _STORED)
        borders = np.flatnonzero(np.diff(wanted) != 1) + 1
        for first, last in zip([0, *borders], [*borders, len(wanted)], strict=True):
            if last > first:
                self._fill(frames[first:last], int(wanted[first]))
        return frames

    def _fill(self, frames: NDArray[np.float32], first: int) -> None:
        buffer = frames.reshape(-1).view(np.uint8).data
        place = self._offset + first * self._frame_bytes
        while buffer:
            try:
                # May return less than was asked for, hence the loop; 0 is the end of a file
                # that was cut.
                count = os.preadv(self._descriptor, [buffer], place)
            except OSError as error:
                raise self._unreadable(error.strerror or str(error)) from error
            if not count:
                raise self._unreadable("its end")
            buffer, place = buffer[count:], place + count

    def _unreadable(self, found: str) -> InputError:
        return InputError(
            str(self._path), expected=f"{len(self)} frames", found=found, remedy="copy it again"
        )
