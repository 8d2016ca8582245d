"""Frames seen in another way, without a copy of them all: turned, cropped, chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.frame_store import Amplitudes, FrameStore
from ptycho_torch.errors import InputError


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
    """A square of larger frames, given by its side and its first row and column."""

    stored: FrameStore
    side: int
    corner: tuple[int, int]

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
        return cut(self.stored[key], self.side, self.corner)


@dataclass(frozen=True, slots=True)
class RolledFrames:
    """Frames whose content is moved down and right, around the edges."""

    stored: FrameStore
    roll: tuple[int, int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return self.stored.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        return self.stored.dtype

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames."""
        return np.roll(self.stored[key], self.roll, axis=(-2, -1))


@dataclass(frozen=True, slots=True)
class FlattenedFrames:
    """Frames of a raster (rows of the scan, points of a row, H, W), seen as one list."""

    stored: FrameStore

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes, those of the scan as one."""
        rows, points, *frame = self.stored.shape
        return rows * points, *frame

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        return self.stored.dtype

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames: the rows of the scan that hold it, then cut."""
        start, stop, _ = key.indices(self.shape[0])
        points = self.stored.shape[1]
        first, last = start // points, -(-stop // points)
        rows = np.asarray(self.stored[first:last])
        listed = rows.reshape(-1, *rows.shape[2:])
        return listed[start - first * points : stop - first * points]


@dataclass(frozen=True, slots=True)
class JoinedFrames:
    """Frames that lie in several places, one after the other."""

    parts: tuple[FrameStore, ...]

    @classmethod
    def join(cls, parts: tuple[FrameStore, ...], places: tuple[str, ...]) -> FrameStore:
        """Join parts; a single one is itself.

        Args:
            parts: Frames of one size.
            places: File and key of each part.

        Raises:
            InputError: Their frames are of different sizes.
        """
        for part, place in zip(parts, places, strict=True):
            if part.shape[1:] != parts[0].shape[1:]:
                raise InputError(
                    place,
                    expected=f"frames of {parts[0].shape[1:]}, as in the first part",
                    found=f"{part.shape[1:]}",
                    remedy="cut or pad the frames of all parts to one size",
                )
        return parts[0] if len(parts) == 1 else cls(parts)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return sum(part.shape[0] for part in self.parts), *self.parts[0].shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number that holds those of all parts."""
        return np.result_type(*(part.dtype for part in self.parts))

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames."""
        start, stop, _ = key.indices(self.shape[0])
        pieces, first = [], 0
        for part in self.parts:
            low, high = max(start - first, 0), min(stop - first, part.shape[0])
            if low < high:
                pieces.append(part[low:high])
            first += part.shape[0]
        if not pieces:
            return np.empty((0, *self.shape[1:]), self.dtype)
        return np.concatenate(pieces).astype(self.dtype, copy=False)


@dataclass(frozen=True, slots=True)
class MirroredFrames:
    """Frames whose rows are stored as columns, as programs of the other memory order do."""

    stored: FrameStore

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        *scan, rows, columns = self.stored.shape
        return *scan, columns, rows

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        return self.stored.dtype

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames."""
        return np.ascontiguousarray(np.swapaxes(self.stored[key], -2, -1))


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


def middle(sizes: tuple[int, ...], side: int) -> tuple[int, int]:
    """Return the first row and column of the square that has pixel size // 2 at side // 2."""
    return sizes[-2] // 2 - side // 2, sizes[-1] // 2 - side // 2


def cut(planes: NDArray[Any], side: int, corner: tuple[int, int]) -> NDArray[Any]:
    """Cut a square with the given first row and column."""
    top, left = corner
    return planes[..., top : top + side, left : left + side]
