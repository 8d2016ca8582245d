"""A scan as a container holds it: what each reader returns, before any check."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ptycho_torch.data.pieces import Pieces


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RawScan:
    """A scan under common names, in the numbers of its file.

    Attributes:
        pieces: Frames and probe, and where they come from.
        x: (M,) patch centres along columns [object px].
        y: (M,) patch centres along rows [object px].
        where_x: File and key of ``x``.
        where_y: File and key of ``y``.
        object_canvas: Reference object, pixel (0, 0) at scan coordinate (0, 0).
        object_where: File and key of the reference.
        object_mask: Where the reference is known.
        scan_index: (M,) experiment ids.
        nphotons: Mean photons per frame stated by the file.
        pixel_size_m: Object pixel [m].
        notes: What was taken from the file's own word or assumed, for people.
        files: Other files that anything but the pieces is read from.
    """

    pieces: Pieces
    x: NDArray[Any]
    y: NDArray[Any]
    where_x: str
    where_y: str
    object_canvas: NDArray[Any] | None = None
    object_where: str = ""
    object_mask: NDArray[Any] | None = None
    scan_index: NDArray[Any] | None = None
    nphotons: float | None = None
    pixel_size_m: float | None = None
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


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
