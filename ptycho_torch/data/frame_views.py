"""Frames seen in another way, without a copy of them all: turned, cropped, chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.frame_store import Amplitudes, FrameStore


@dataclass(frozen=True, slots=True)
class SqueezedFrames:
    """Frames stored with a last axis of one, seen without it."""

    stored: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes but the last."""
        return tuple(self.stored.shape[:-1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        kind: np.dtype[Any] = self.stored.dtype
        return kind

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        """Read a part of the frames, given by slices of the leading axes or from the last."""
        whole = (*key, slice(None)) if isinstance(key, tuple) else key
        return np.asarray(self.stored[whole])[..., 0]


@dataclass(frozen=True, slots=True)
class TransposedFrames:
    """Frames stored with the scan axis last, seen with the scan axis first."""

    stored: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes, scan axis first."""
        rows, columns, count = self.stored.shape
        return count, rows, columns

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        kind: np.dtype[Any] = self.stored.dtype
        return kind

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames."""
        return np.ascontiguousarray(np.moveaxis(self.stored[..., key], -1, 0))


@dataclass(frozen=True, slots=True)
class CroppedFrames:
    """The central part of larger frames."""

    stored: FrameStore
    side: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return self.stored.shape[0], self.side, self.side

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        return self.stored.dtype

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames."""
        return centre(self.stored[key], self.side)


@dataclass(frozen=True, slots=True)
class PickedFrames:
    """Some frames, in a given order."""

    stored: FrameStore
    order: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return len(self.order), *self.stored.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        return self.stored.dtype

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames, in the order of the file: its chunks are opened once."""
        wanted = self.order[key]
        rising = np.argsort(wanted, kind="stable")
        picked = np.empty((len(wanted), *self.stored.shape[1:]), self.dtype)
        for place in rising:
            number = int(wanted[place])
            picked[place] = self.stored[number : number + 1][0]
        return picked


@dataclass(frozen=True, slots=True, eq=False)
class TakenFrames:
    """A part of amplitudes, read from where they are: the whole is not copied for it.

    Attributes:
        source: Amplitudes of all points.
        index: (M,) which of them, in this order.
    """

    source: Amplitudes
    index: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return len(self.index), *self.source.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""
        return self.source.dtype

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        """Read all frames of the part into memory."""
        del copy  # choosing copies anyway
        return np.asarray(self[:], dtype)

    def __getitem__(self, key: slice | NDArray[np.int64], /) -> NDArray[np.float32]:
        """Read a range of frames, or those at indices of any shape."""
        return self.source[self.index[key]]


def centre(planes: NDArray[Any], side: int) -> NDArray[Any]:
    """Cut the central square, so that pixel size // 2 comes to side // 2."""
    top, left = (size // 2 - side // 2 for size in planes.shape[-2:])
    return planes[..., top : top + side, left : left + side]
