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

from ptycho_torch.config_params import SIDE_RULE, SIDES
from ptycho_torch.data import probe_axes
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.frame_views import FlattenedFrames, SqueezedFrames, TransposedFrames
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError

BLOCK_BYTES = 16 << 20
_FRAME_AXES = 3
_COUNT_TOLERANCE = 1e-3
GLARING = 100.0
_AXES_REMEDY = "store frames as (points, rows, columns), or as the rows and points of a raster"
_PARTNER_REMEDY = "leave out what has no partner, and give a frame of a fly scan its mean place"
_REMEDY = "crop, pad or bin them with python -m ptycho_torch.convert"

_log = logging.getLogger(__name__)


class FrameCensus:
    """Facts about all frames, gathered block by block.

    Attributes:
        energies: Sum of the squared amplitudes of each frame seen.
        pattern: (N, N) sum of the squared amplitudes over the frames; None before the first.
        counts_like: All squared amplitudes are integers within 1e-3.
    """

    def __init__(self) -> None:
        """Start with no frame."""
        self.energies: list[float] = []
        self.energy = 0.0
        self.pattern: NDArray[np.float64] | None = None
        self.counts_like = True

    @property
    def frame_count(self) -> int:
        """Frames seen."""
        return len(self.energies)

    @property
    def dark(self) -> NDArray[np.int64]:
        """Numbers of the frames without any energy."""
        return np.flatnonzero(np.array(self.energies) == 0)

    @property
    def glaring_frames(self) -> NDArray[np.int64]:
        """Numbers of the frames that are a hundred times brighter than is usual."""
        return find_glaring(np.array(self.energies))

    def add(self, amplitude: NDArray[Any]) -> None:
        """Count one block of amplitudes."""
        squares = np.square(amplitude, dtype=np.float64)
        per_frame = squares.sum(axis=(1, 2))
        self.energies.extend(per_frame.tolist())
        self.energy += float(per_frame.sum())
        plane = squares.sum(axis=0)
        self.pattern = plane if self.pattern is None else self.pattern + plane
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
        steps: What else was done to the frames of the source: chosen, cropped, rolled.
    """

    where: str
    kind: FrameKind
    valid_mask: NDArray[np.bool_]
    steps: str = ""

    def amplitude(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Turn a block of stored numbers into float32 amplitudes.

        Raises:
            InputError: A value is negative or not finite.
        """
        wide = stored if stored.dtype == np.float32 else stored.astype(np.float64)
        is_whole = bool(self.valid_mask.all())
        good = wide if is_whole else wide[:, self.valid_mask]
        if not np.isfinite(good).all():
            raise InputError(
                self.where,
                expected="finite values",
                found="NaN or infinity",
                remedy="mask the pixels, or leave such frames out with --drop",
            )
        if good.size and good.min() < 0:
            raise InputError(
                self.where,
                expected="values of at least 0",
                found=f"{float(good.min()):g}",
                remedy="set what a dark correction leaves below zero to 0, mask the pixels, or "
                "leave such frames out with --drop",
            )
        counts = wide if is_whole else np.where(self.valid_mask, wide, wide.dtype.type(0))
        if self.kind == "intensity":
            counts = np.sqrt(counts, dtype=np.float64)
        return counts.astype(np.float32, copy=False)

    def changes(self, frames: FrameStore) -> bool:
        """Tell whether the stored numbers differ from the amplitudes."""
        return (
            self.kind == "intensity"
            or frames.dtype != np.float32
            or not bool(self.valid_mask.all())
        )


def common_side(frame_shape: tuple[int, ...], probe_shape: tuple[int, ...]) -> int:
    """Return the side N that frames and probe share: the probe's, when it is smaller."""
    probe_side = probe_axes.probe_side(probe_shape)
    return min(probe_side, *frame_shape[-2:]) if probe_side > 1 else min(frame_shape[-2:])


def list_shape(
    shape: tuple[int, ...], point_count: int, where: str
) -> tuple[tuple[int, int, int], bool]:
    """Return the shape with one scan axis in front, and whether that axis was the last.

    Raises:
        InputError: No axis, nor the leading ones together, have the length of the positions.
    """
    plain = shape[:-1] if len(shape) > _FRAME_AXES and shape[-1] == 1 else shape
    if len(plain) > _FRAME_AXES and math.prod(plain[:-2]) == point_count:
        plain = point_count, *plain[-2:]
    if len(plain) != _FRAME_AXES:
        raise InputError(
            where, expected="three axes", found=f"shape {shape}", remedy=_AXES_REMEDY
        )
    if point_count not in (plain[0], plain[-1]):
        raise InputError(
            where,
            expected=f"{point_count} frames, one for each position",
            found=f"shape {shape}",
            remedy=_PARTNER_REMEDY,
        )
    is_last = plain[0] != point_count
    rows, columns = plain[:2] if is_last else plain[1:]
    return (point_count, rows, columns), is_last


def check_side(shape: tuple[int, ...], where: str, *, any_side: bool = False) -> int:
    """Return the side N of the frames.

    Args:
        shape: The last two axes are rows and columns.
        where: File and key, for the message.
        any_side: Take frames that no network takes, as long as they are square.

    Raises:
        InputError: They are not square, or have a side that is not supported.
    """
    rows, columns = shape[-2:]
    if rows != columns:
        raise InputError(
            where,
            expected="square frames",
            found=f"{rows} rows × {columns} columns",
            remedy=_REMEDY,
        )
    if rows not in SIDES and not any_side:
        raise InputError(
            where, expected=f"frames of side {SIDE_RULE}", found=f"side {rows}", remedy=_REMEDY
        )
    return rows


def orient(frames: FrameStore, point_count: int, where: str) -> FrameStore:
    """Put one scan axis first, whatever the layout of the file; nothing is read for it.

    Raises:
        InputError: As for the shape alone.
    """
    _, is_last = list_shape(frames.shape, point_count, where)
    if isinstance(frames, StreamedFrames) and (not frames.is_in_rows() or is_last):
        frames = frames.map_frames()
    if len(frames.shape) > _FRAME_AXES and frames.shape[-1] == 1:
        frames = SqueezedFrames(frames)
    while len(frames.shape) > _FRAME_AXES:
        frames = FlattenedFrames(frames)
        is_last = False
    if is_last:
        return TransposedFrames(frames)
    if frames.shape[-1] == point_count:
        _log.warning(
            "%s: both axis orders fit; the first axis is taken as the scan axis", where
        )
    return frames


def find_glaring(energies: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the numbers of frames with over a hundred times the usual energy."""
    lit = energies[energies > 0]
    usual = float(np.median(lit)) if len(lit) else 0.0
    return np.flatnonzero(energies > GLARING * usual)


def resolve_kind(
    frames: FrameStore, declared: FrameKind, requested: str, where: str
) -> FrameKind:
    """Decide whether the stored numbers are amplitudes or intensities.

    Raises:
        InputError: Whole numbers in a file that does not say what they are.
    """
    if frames.dtype.kind not in "fiub":
        raise InputError(where, expected="real numbers", found=str(frames.dtype))
    if requested == "intensity":
        return "intensity"
    if requested == "amplitude":
        return "amplitude"
    if declared != "unknown":
        return declared
    if all(_is_whole(block) for block in blocks(frames)):
        raise InputError(
            where,
            expected="amplitudes, the square roots of counts",
            found="whole numbers only, which look like counts",
            remedy="say --input-kind intensity, or --input-kind amplitude when they are roots",
        )
    return "amplitude"


def _is_whole(block: NDArray[Any]) -> bool:
    """Tell whether all numbers are whole, but for the rounding of squares of float32 roots."""
    if block.dtype.kind != "f":
        return True
    # Lost frames and gaps say nothing of the others; the check of finite values names them.
    finite = block[np.isfinite(block)]
    slack = 4 * np.finfo(np.float32).eps * np.abs(finite)
    return bool((np.abs(finite - np.rint(finite)) <= slack).all())


def blocks(frames: FrameStore) -> Iterator[NDArray[Any]]:
    """Read all frames, about 16 MB at a time."""
    step = block_length(frames)
    for start in range(0, frames.shape[0], step):
        yield frames[start : start + step]


def block_length(frames: FrameStore) -> int:
    """Return how many frames are about 16 MB."""
    return max(1, BLOCK_BYTES // max(1, math.prod(frames.shape[1:]) * frames.dtype.itemsize))
