"""Which points of a file are read: one scan of several, and not those to be dropped."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import checks, frames
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frames import FrameOrder
from ptycho_torch.errors import InputError

_log = logging.getLogger(__name__)


def choose_scan(ids: NDArray[np.int64], scan: int | None, where: str) -> NDArray[np.int64]:
    """Return the points of one scan.

    Args:
        ids: (M,) number of the scan of each point.
        scan: Which one; None for the only one.
        where: File and key.

    Raises:
        InputError: There are several and none is chosen, or the one chosen is not there.
    """
    known, counts = np.unique(ids, return_counts=True)
    listed = ", ".join(
        f"{number} ({count} points)" for number, count in zip(known, counts, strict=True)
    )
    if scan is None:
        if len(known) > 1:
            raise InputError(
                where,
                expected="one scan",
                found=f"the scans {listed}",
                remedy="choose one with --scan; they share no object",
            )
        return np.arange(len(ids))
    if scan not in known:
        raise InputError(f"{where}, --scan", expected=f"one of {listed}", found=str(scan))
    return np.flatnonzero(ids == scan)


def drop_lost(
    points: NDArray[np.int64], x: NDArray[Any], y: NDArray[Any], side: int, where: str
) -> NDArray[np.int64]:
    """Return the points that have a place, and not one far from all others.

    Args:
        points: (M,) rows of the positions.
        x: Positions along columns [px].
        y: Positions along rows [px].
        side: Side of the frames [px].
        where: File and key.

    Raises:
        InputError: None has.
    """
    if x.shape != y.shape or x.dtype.kind not in "fiu" or y.dtype.kind not in "fiu":
        return points  # refused by the checks of positions, in their words
    placed = np.isfinite(np.ravel(x)[points]) & np.isfinite(np.ravel(y)[points])
    report_dropped(placed, where, "without a position")
    left: NDArray[np.int64] = points[placed]
    places = np.stack([np.ravel(x)[left], np.ravel(y)[left]], axis=1).astype(np.float64)
    is_near = np.ones(len(left), np.bool_)
    is_near[checks.find_astray(places, side)] = False
    report_dropped(is_near, where, "far from all others")
    near: NDArray[np.int64] = left[is_near]
    return near


def find_sound(stored: FrameStore, order: FrameOrder) -> NDArray[np.bool_]:
    """Return (M,), true at frames that are readable, lit, and do not outshine the rest."""
    valid = order.valid_mask
    energies = []
    for block in frames.blocks(stored):
        wide = block.astype(np.float64)[:, valid]
        if order.kind == "amplitude":
            wide = np.where(wide < 0, np.nan, wide**2)
        wide[(wide < 0).any(axis=1)] = np.nan
        energies.append(wide.sum(axis=1))
    energy = np.concatenate(energies)
    sound: NDArray[np.bool_] = np.isfinite(energy) & (energy > 0)
    sound[frames.find_glaring(np.where(sound, energy, 0))] = False
    return sound


def report_dropped(is_kept: NDArray[np.bool_], where: str, reason: str) -> None:
    """Say which points are left out.

    Raises:
        InputError: None is left.
    """
    lost = np.flatnonzero(~is_kept)
    if not is_kept.any():
        raise InputError(where, expected="a point that can be used", found=f"all {reason}")
    if len(lost):
        _log.warning(
            "%s: dropped %d: %s, %s", where, len(lost), checks.name_points(lost), reason
        )
