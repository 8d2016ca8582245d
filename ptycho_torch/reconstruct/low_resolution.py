"""A stitched object in, out its means over a coarse grid, small enough to be evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files

SIDE = 16


def shrink(
    object_canvas: NDArray[np.complex64], weight: NDArray[np.float32]
) -> NDArray[np.complex128]:
    """Average a canvas over blocks, weighted by its coverage; uncovered blocks are zero.

    Args:
        object_canvas: (Y, X) stitched object.
        weight: (Y, X) how many patches cover a pixel.

    Returns:
        (16, 16) means; fewer rows or columns where the canvas has fewer.
    """
    rows, columns = (
        np.linspace(0, size, min(SIDE, size), endpoint=False).astype(int)
        for size in object_canvas.shape
    )

    def add(values: NDArray[Any]) -> NDArray[Any]:
        return np.add.reduceat(np.add.reduceat(values, rows, axis=0), columns, axis=1)

    total = add(weight.astype(np.float64))
    summed = add(object_canvas.astype(np.complex128) * weight)
    means = np.divide(summed, total, out=np.zeros_like(summed), where=total > 0)
    return np.asarray(means, dtype=np.complex128)


def write(
    path: Path, object_canvas: NDArray[np.complex64], weight: NDArray[np.float32]
) -> None:
    """Write real and imaginary parts of the means as JSON, row by row.

    Raises:
        OutputError: The file cannot be written.
    """
    means = shrink(object_canvas, weight)
    content = {"schema": 1, "real": means.real.tolist(), "imaginary": means.imag.tolist()}
    files.write_text(path, json.dumps(content) + "\n")
