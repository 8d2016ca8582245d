"""Positions of patches → how many of them have a say in each canvas pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.physics.canvas import CanvasGeometry

_SHARE = 0.1


def footprint(weight: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mark the pixels (N, N) of a patch that weigh at least a tenth of its heaviest."""
    heavy: NDArray[np.bool_] = weight >= _SHARE * weight.max()
    return heavy


def count(
    positions: NDArray[np.float64],
    members: NDArray[np.int64],
    canvas: CanvasGeometry,
    covered: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Count the patches at each pixel of a canvas (Y, X).

    Args:
        positions: (M, 2) where pixel N / 2 of a patch lies, x then y [px]; each is taken
            at the nearest whole pixel.
        members: Scan points of the patches, one for each patch, in any shape.
        canvas: The rectangle.
        covered: (N, N) footprint of a patch.

    Raises:
        ValueError: A patch would leave the canvas.
    """
    side = covered.shape[-1]
    points, repeats = np.unique(members, return_counts=True)
    origin = (canvas.origin_x, canvas.origin_y)
    corners = np.rint(positions[points] - side // 2 - origin).astype(np.int64)
    limit = np.array([canvas.width, canvas.height]) - side
    if ((corners < 0) | (corners > limit)).any():
        raise ValueError(f"expected every patch inside the canvas {tuple(canvas)}")
    total = np.zeros((canvas.height, canvas.width), np.int64)
    for (column, row), times in zip(corners.tolist(), repeats.tolist(), strict=True):
        total[row : row + side, column : column + side] += times * covered
    return total
