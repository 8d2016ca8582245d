"""Positions and frames that name each other by number: a number is an identifier, not a row."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import checks
from ptycho_torch.data.frame_views import PickedFrames
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.errors import InputError

_log = logging.getLogger(__name__)


def pair_frames(parts: Pieces, numbers: NDArray[Any] | None, count: int, where: str) -> Pieces:
    """Bring the frames into the order of the positions.

    Args:
        parts: Frames, with their own numbers where the file states them; else a frame is
            numbered by its row.
        numbers: (M,) number of the frame of each position; None when they are in order.
        count: Number of positions M.
        where: File and key of the numbers.

    Raises:
        InputError: A number is that of no frame, or of several.
    """
    if numbers is None or parts.frame_shape is None:
        check_order(parts)
        return parts
    total = parts.frame_shape[0]
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu":
        raise InputError(where, expected=f"{count} integers", found=f"{numbers.shape}")
    rows = _find_rows(parts, numbers, where)
    if total != count:
        _log.warning("%s: %d frames have no position", where, total - count)
    if total == count and bool((rows == np.arange(count)).all()):
        return dataclasses.replace(parts, frame_ids=None)
    stored = parts.frames
    if isinstance(stored, StreamedFrames):
        stored = stored.map_frames()  # any order is as good as the other
    mask = parts.valid_mask
    return dataclasses.replace(
        parts,
        frames=None if stored is None else PickedFrames(stored, rows),
        frame_shape=(count, *parts.frame_shape[1:]),
        valid_mask=mask[rows] if mask is not None and mask.shape == parts.frame_shape else mask,
        frame_ids=None,
    )


def check_order(parts: Pieces) -> None:
    """Refuse frames whose numbers do not rise, when positions have no numbers to match.

    Raises:
        InputError: The frames are in another order than the positions may be.
    """
    ids = parts.frame_ids
    if ids is not None and not bool((np.diff(ids) > 0).all()):
        raise InputError(
            f"{parts.frame_where.rsplit(': ', 1)[0]}: indexes",
            expected="numbers that rise, because the positions have none",
            found=f"{ids[:4].tolist()} …",
            remedy="sort the frames by their numbers, or number the positions",
        )


def _find_rows(parts: Pieces, numbers: NDArray[Any], where: str) -> NDArray[np.int64]:
    total = 0 if parts.frame_shape is None else parts.frame_shape[0]
    ids = np.arange(total) if parts.frame_ids is None else parts.frame_ids
    if ids.shape != (total,) or ids.dtype.kind not in "iu" or len(np.unique(ids)) != total:
        raise InputError(
            f"{parts.frame_where.rsplit(': ', 1)[0]}: indexes",
            expected=f"{total} different integers, one for each frame",
            found=f"{ids.dtype} {ids.shape}, {len(np.unique(ids))} different",
        )
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids, numbers, sorter=order).clip(0, max(total - 1, 0))
    rows: NDArray[np.int64] = order[place]
    lost = np.flatnonzero(ids[rows] != numbers)
    repeated = len(numbers) - len(np.unique(numbers))
    if len(lost) or repeated:
        named = "numbers of `indexes`" if parts.frame_ids is not None else f"below {total}"
        raise InputError(
            where,
            expected=f"different frame numbers, {named}",
            found=f"{numbers.min()} to {numbers.max()}, {repeated} repeated, "
            f"without a frame: {checks.name_points(lost) if len(lost) else 'none'}",
            remedy="give frames with their numbers in `indexes`",
        )
    return rows
