"""Axis corrections of the settings, applied to all that lies on the axes of the scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.config_params import DataConfig

_PLANE = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Turned:
    """Positions and reference after the corrections, pixel (0, 0) at scan coordinate (0, 0)."""

    positions: NDArray[np.float64]
    object_canvas: NDArray[Any] | None
    object_mask: NDArray[Any] | None


def turn(
    positions: NDArray[np.float64],
    canvas: NDArray[Any] | None,
    mask: NDArray[Any] | None,
    config: DataConfig,
) -> Turned:
    """Exchange and mirror the axes as the settings ask.

    A mirror turns an axis inside the reference object, so that points keep their place on it,
    or inside the scan's extent where there is none.

    Args:
        positions: (M, 2) x then y [px].
        canvas: (Y, X) reference object.
        mask: (Y, X) where it is known.
        config: The corrections.
    """
    if not (config.swap_xy or config.flip_x or config.flip_y):
        return Turned(positions=positions, object_canvas=canvas, object_mask=mask)
    turned = positions[:, ::-1].copy() if config.swap_xy else positions.copy()
    planes = [plane for plane in (canvas, mask) if plane is not None and plane.ndim == _PLANE]
    if config.swap_xy:
        planes = [plane.T for plane in planes]
    # Shapes are rows and columns, positions x and y.
    extent = planes[0].shape[::-1] if planes else None
    for axis, is_flipped in enumerate((config.flip_x, config.flip_y)):
        if not is_flipped:
            continue
        column = turned[:, axis]
        # Pixel 0 and pixel extent − 1 change places, so the mirror lies at half their sum.
        ends = column.min() + column.max() if extent is None else extent[axis] - 1
        turned[:, axis] = ends - column
        planes = [np.flip(plane, axis=1 - axis) for plane in planes]
    planes = [np.ascontiguousarray(plane) for plane in planes]
    return Turned(
        positions=turned,
        object_canvas=planes[0] if canvas is not None and planes else canvas,
        object_mask=planes[-1] if mask is not None and planes else mask,
    )
