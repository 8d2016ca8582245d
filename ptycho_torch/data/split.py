"""Scan points to a training part and a validation part, by blocks of positions.

Overlapping groups would share frames, so points are divided before groups are formed.

Source: design of the model, section 5.3.
"""

from __future__ import annotations

import logging
import math

import numpy as np
from numpy.typing import NDArray

_FEWEST_BLOCKS, _MOST_BLOCKS = 2, 8
_POINTS_PER_BLOCK = 16

_log = logging.getLogger(__name__)


def split_positions(
    positions: NDArray[np.float64], val_split: float, rng: np.random.Generator, C: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Hold out whole blocks of the scan area for validation.

    Args:
        positions: (M, 2) patch centres, x then y [px].
        val_split: Share of the points to hold out at least; 0 holds out none.
        rng: Generator of the split stream; one permutation of the blocks is drawn.
        C: Patterns per group; a part with fewer points cannot be used.

    Returns:
        Scan indices of training and validation, each in increasing order; validation is
        empty when it is switched off or the scan is too small for it.
    """
    count = len(positions)
    everything = np.arange(count, dtype=np.int64)
    nothing = np.empty(0, np.int64)
    if val_split <= 0:
        return everything, nothing
    # About 16 points a block: fewer would leave held-out frames that overlap their neighbours
    # on every side, more would make the share coarse.
    blocks = int(np.clip(math.isqrt(count // _POINTS_PER_BLOCK), _FEWEST_BLOCKS, _MOST_BLOCKS))
    block_of = _block_of(positions, blocks)
    is_held = np.zeros(count, np.bool_)
    for block in rng.permutation(blocks * blocks):
        if is_held.sum() >= val_split * count:
            break
        is_held |= block_of == block
    training, validation = everything[~is_held], everything[is_held]
    if min(len(training), len(validation)) < C:
        _log.warning(
            "validation is off: %d training and %d validation points, a group needs %d",
            len(training),
            len(validation),
            C,
        )
        return everything, nothing
    return training, validation


def _block_of(positions: NDArray[np.float64], blocks: int) -> NDArray[np.int64]:
    """Number the block of each point, row by row."""
    low, extent = positions.min(axis=0), np.ptp(positions, axis=0)
    share = (positions - low) / np.where(extent > 0, extent, 1.0)
    # The point at the far edge has a share of 1 and belongs to the last block.
    cell = np.minimum((share * blocks).astype(np.int64), blocks - 1)
    numbers: NDArray[np.int64] = cell[:, 1] * blocks + cell[:, 0]
    return numbers
