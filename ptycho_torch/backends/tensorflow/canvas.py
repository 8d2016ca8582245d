"""Patches and their positions in, one complex object out, placed by TensorFlow.

Notation: as in ``ptycho_torch.physics.canvas``. The fractional part of a position is the same
translation that groups are merged with, the integer part an index; sums are in double
precision.

Source:
    Design of the model, sections 5.5, 5.6 and 15.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho_torch.backends.tensorflow import shift
from ptycho_torch.physics.canvas import Canvas


class TensorFlowCanvas(Canvas):
    """Gathers weighted patches; give it batches in order, then finish."""

    def add(
        self,
        patches: NDArray[Any],
        corners: NDArray[np.int64],
        blend: NDArray[np.float64],
    ) -> None:
        """Add weighted patches, each moved by its fraction, at its whole corner.

        Args:
            patches: (n, N, N) complex.
            corners: (n, 2) column and row of the canvas where each block begins.
            blend: (n, 2) what is left of the position, in [0, 1) [px].
        """
        weight = tf.constant(self.weight, tf.complex128)
        stack = weight * tf.constant(patches, tf.complex128)
        self.numerator += self._sum_blocks(stack, corners, blend)
        covers = tf.broadcast_to(tf.math.real(weight), stack.shape)
        self.denominator += self._sum_blocks(covers, corners, blend)

    def _sum_blocks(
        self, stack: tf.Tensor, corners: NDArray[np.int64], blend: NDArray[np.float64]
    ) -> NDArray[Any]:
        """Sum blocks, each one row and column larger than its patch, on an empty canvas."""
        grown = tf.pad(stack, ((0, 0), (0, 1), (0, 1)))[..., None]
        blocks = shift.translate(grown, tf.constant(blend))[..., 0]
        size = (self.geometry.height, self.geometry.width)
        pixels = _pixels(corners, blocks.shape[-1])
        total: NDArray[Any] = tf.scatter_nd(pixels, blocks, size).numpy()
        return total


def _pixels(corners: NDArray[np.int64], side: int) -> tf.Tensor:
    """Index of every pixel of every block, (n, side, side, row and column)."""
    steps = tf.range(side, dtype=tf.int64)
    rows = corners[:, 1, None, None] + steps[:, None]
    columns = corners[:, 0, None, None] + steps
    size = (len(corners), side, side)
    return tf.stack([tf.broadcast_to(rows, size), tf.broadcast_to(columns, size)], axis=-1)
