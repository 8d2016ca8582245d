"""A scan as a container holds it: what each reader returns, before any check."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawScan:
    """Pieces of a scan under common names, in the numbers of the file.

    Attributes:
        frames: Frames in any accepted axis order, zero frequency centred.
        kind: What the container says the frames are; NPZ files do not say.
        frames_stay: The frames stay readable when the file is closed.
        x: (M,) patch centres along columns [object px].
        y: (M,) patch centres along rows [object px].
        probe: Illumination in any accepted rank.
        object_canvas: Reference object, pixel (0, 0) at scan coordinate (0, 0).
        object_mask: Where the reference is known.
        scan_index: (M,) experiment ids.
        valid_mask: (N, N), zero at bad detector pixels.
        nphotons: Mean photons per frame stated by the file.
        pixel_size_m: Object pixel [m].
        names: What the file calls each piece, for messages.
    """

    frames: FrameStore
    kind: FrameKind = "unknown"
    frames_stay: bool = False
    x: NDArray[Any]
    y: NDArray[Any]
    probe: NDArray[Any]
    object_canvas: NDArray[Any] | None = None
    object_mask: NDArray[Any] | None = None
    scan_index: NDArray[Any] | None = None
    valid_mask: NDArray[Any] | None = None
    nphotons: float | None = None
    pixel_size_m: float | None = None
    names: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHeader:
    """What a run must know of a scan before it reads the frames.

    Attributes:
        N: Side of a frame and of a patch [px].
        point_count: Number of scan points.
        probe_modes: Number of incoherent probe modes.
        nphotons: Mean photons per frame, when the file states it.
        pixel_size_m: Object pixel [m], when known.
    """

    N: int
    point_count: int
    probe_modes: int
    nphotons: float | None
    pixel_size_m: float | None
