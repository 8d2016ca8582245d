"""Frames as a container holds them, read a slice at a time."""

from __future__ import annotations

from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

FrameKind = Literal["unknown", "amplitude", "intensity"]


@runtime_checkable
class FrameStore(Protocol):
    """Frames that are read a slice at a time: an array, a memory map, a dataset."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of frames into memory."""
