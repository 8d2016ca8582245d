"""Frames as a container holds them, and amplitudes as the model takes them."""

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


@runtime_checkable
class Amplitudes(Protocol):
    """Amplitudes (M, N, N) that are read by range or by index: an array, or a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32."""

    def __getitem__(self, key: slice | NDArray[np.int64], /) -> NDArray[np.float32]:
        """Read a range of frames, or those at indices of any shape, into memory."""
