"""Stored frames to diffraction amplitude: axis order, kind of number, validity.

Frames pass through memory in blocks, so that a scan larger than memory can be read.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.config_params import SIDES
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.frame_views import SqueezedFrames, TransposedFrames
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError

BLOCK_BYTES = 16 << 20
LARGEST_PLAUSIBLE_AMPLITUDE = 1000
_FRAME_AXES = 3
_COUNT_TOLERANCE = 1e-3

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class FrameCensus:
    """Facts about all frames, gathered block by block.

    Attributes:
        frame_count: Frames seen.
        dark_count: Frames without any energy.
        energy: Sum of the squared amplitudes over all frames.
        counts_like: All squared amplitudes are integers within 1e-3.
    """

    frame_count: int = 0
    dark_count: int = 0
    energy: float = 0.0
    counts_like: bool = True

    def add(self, amplitude: NDArray[Any]) -> None:
        """Count one block of amplitudes."""
        squares = np.square(amplitude, dtype=np.float64)
        per_frame = squares.sum(axis=(1, 2))
        self.frame_count += len(amplitude)
        self.dark_count += int((per_frame == 0).sum())
        self.energy += float(per_frame.sum())
        if self.counts_like:
            # float32 amplitudes carry their own rounding, relative to the square
            slack = _COUNT_TOLERANCE + 4 * np.finfo(np.float32).eps * squares
            self.counts_like = bool((np.abs(squares - np.rint(squares)) <= slack).all())


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOrder:
    """How the stored frames become amplitudes.

    Attributes:
        where: File and key, for messages.
        kind: What a stored number is.
        valid_mask: (N, N), false at bad detector pixels.
    """

    where: str
    kind: FrameKind
    valid_mask: NDArray[np.bool_]

    def amplitude(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Turn a block of stored numbers into float32 amplitudes.

        Raises:
            InputError: A value is negative or not finite.
        """
        wide = stored if stored.dtype == np.float32 else stored.astype(np.float64)
        is_whole = bool(self.valid_mask.all())
        good = wide if is_whole else wide[:, self.valid_mask]
        if not np.isfinite(good).all():
            raise InputError(self.where, expected="finite values", found="NaN or infinity")
        if good.size and good.min() < 0:
            raise InputError(
                self.where, expected="values of at least 0", found=f"{float(good.min()):g}"
            )
        kept = wide if is_whole else np.where(self.valid_mask, wide, wide.dtype.type(0))
        if self.kind == "intensity":
            kept = np.sqrt(kept, dtype=np.float64)
        return kept.astype(np.float32, copy=False)

    def changes(self, frames: FrameStore) -> bool:
        """Tell whether the stored numbers differ from the amplitudes."""
        return (
            self.kind == "intensity"
            or frames.dtype != np.float32
            or not bool(self.valid_mask.all())
        )


def common_side(frame_shape: tuple[int, ...], probe_shape: tuple[int, ...]) -> int:
    """Return the side N that frames and probe share: the probe's, when it is smaller."""
    probe_side = probe_shape[-1]
    return min(probe_side, *frame_shape[-2:]) if probe_side > 1 else min(frame_shape[-2:])


def canonical_shape(
    shape: tuple[int, ...], point_count: int, where: str
) -> tuple[int, int, int]:
    """Return the shape with the scan axis first, whatever the layout of the file.

    Raises:
        InputError: No axis has the length of the position list, or frames are not square
            or have a side that is not supported.
    """
    plain = shape[:-1] if len(shape) == _FRAME_AXES + 1 and shape[-1] == 1 else shape
    if len(plain) != _FRAME_AXES:
        raise InputError(where, expected="three axes", found=f"shape {shape}")
    if point_count not in (plain[0], plain[-1]):
        raise InputError(
            where,
            expected=f"{point_count} frames, one for each position",
            found=f"shape {shape}",
        )
    rows, columns = plain[1:] if plain[0] == point_count else plain[:2]
    if rows != columns:
        raise InputError(
            where, expected="square frames", found=f"{rows} rows × {columns} columns"
        )
    if rows not in SIDES:
        sides = ", ".join(str(side) for side in SIDES)
        raise InputError(where, expected=f"frames of side {sides}", found=f"side {rows}")
    return point_count, rows, columns


def orient(frames: FrameStore, point_count: int, where: str) -> FrameStore:
    """Put the scan axis first, whatever the layout of the file; nothing is read for it.

    Raises:
        InputError: As for the shape alone.
    """
    canonical_shape(frames.shape, point_count, where)
    if isinstance(frames, StreamedFrames) and not (
        frames.is_in_rows() and frames.shape[0] == point_count
    ):
        frames = frames.mapped()
    if len(frames.shape) == _FRAME_AXES + 1:
        frames = SqueezedFrames(frames)
    if frames.shape[0] == point_count:
        if frames.shape[-1] == point_count:
            _log.warning(
                "%s: both axis orders fit; the first axis is taken as the scan axis", where
            )
        return frames
    return TransposedFrames(frames)


def resolve_kind(
    frames: FrameStore, declared: FrameKind, requested: str, where: str
) -> FrameKind:
    """Decide whether the stored numbers are amplitudes or intensities.

    Raises:
        InputError: Large integers in a file that does not say what they are.
    """
    if frames.dtype.kind not in "fiub":
        raise InputError(where, expected="real numbers", found=str(frames.dtype))
    if requested == "intensity":
        return "intensity"
    if requested == "amplitude":
        return "amplitude"
    if declared != "unknown":
        return declared
    if frames.dtype.kind in "iu":
        largest = max(int(block.max()) for block in blocks(frames))
        if largest > LARGEST_PLAUSIBLE_AMPLITUDE:
            raise InputError(
                where,
                expected="amplitudes, the square roots of counts",
                found=f"integers up to {largest}",
                remedy="say --input_kind amplitude or --input_kind intensity",
            )
    return "amplitude"


def blocks(frames: FrameStore) -> Iterator[NDArray[Any]]:
    """Read all frames, about 16 MB at a time."""
    step = block_length(frames)
    for start in range(0, frames.shape[0], step):
        yield frames[start : start + step]


def block_length(frames: FrameStore) -> int:
    """Return how many frames are about 16 MB."""
    return max(1, BLOCK_BYTES // max(1, math.prod(frames.shape[1:]) * frames.dtype.itemsize))
