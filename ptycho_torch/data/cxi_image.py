"""Reconstructed images in a CXI file, as ptychodus lays them out: probe, object, photons."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import hdf5, probe_axes
from ptycho_torch.data.cxi_keys import (
    OBJECT,
    OBJECT_CENTRES,
    OBJECT_MASK,
    OBJECT_PIXELS,
    PHOTONS,
    PROBE_IMAGE,
    PTYCHODUS,
)
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.errors import InputError

_PLANE = 2
_PIXEL_RATIO = 0.01
_PLACEHOLDER = "is_placeholder"

ToPixels = Callable[[NDArray[np.float64], int], NDArray[np.float64]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedObject:
    """A reference object, and what leads from places to its pixels.

    Attributes:
        canvas: (Y, X); None where the file states a place but holds no object.
        mask: (Y, X), where it is known.
        shift: Added to a place along columns and rows [px].
    """

    canvas: NDArray[Any] | None
    mask: NDArray[np.bool_] | None
    shift: tuple[float, float]


def read_object(
    root: h5py.File, path: Path, to_pixels: ToPixels, pixels: tuple[float, float]
) -> PlacedObject | None:
    """Read the object with the place of its centre; without a place it is of no use.

    Args:
        root: The file.
        path: Its name.
        to_pixels: Leads from metres to object pixels along columns (0) and rows (1).
        pixels: Object pixel along columns and rows [m].

    Raises:
        InputError: It has several layers, or is no plane of numbers.
    """
    if OBJECT not in root:
        return None
    if not all(key in root for key in OBJECT_CENTRES):
        _log.warning("%s: %s has no place and is not used", path.name, OBJECT)
        return None
    stored = hdf5.array(root, path, OBJECT)
    layered = stored if stored.ndim > _PLANE else stored[None]
    if layered.ndim != _PLANE + 1 or len(layered) != 1:
        raise InputError(
            f"{path}: {OBJECT}",
            expected="one layer of rows and columns",
            found=f"{stored.shape}",
        )
    stated = _stated_pixels(root, path) or pixels
    if any(
        abs(size / pixel - 1) > _PIXEL_RATIO for size, pixel in zip(stated, pixels, strict=True)
    ):
        _log.warning(
            "%s: %s has pixels of %s m, not %.4g m, and is not used",
            path.name,
            OBJECT,
            stated,
            pixels[0],
        )
        return None
    canvas = layered[0]
    centre = np.array(
        [[hdf5.number(root[key][()], f"{path}: {key}") for key in OBJECT_CENTRES]]
    )
    shift = [
        extent / 2 - float(to_pixels(centre, axis)[0])
        for axis, extent in enumerate(canvas.shape[::-1])
    ]
    is_placeholder = bool(root[OBJECT].attrs.get(_PLACEHOLDER, False))
    bad = hdf5.array(root, path, OBJECT_MASK) if OBJECT_MASK in root else None
    return PlacedObject(
        canvas=None if is_placeholder else canvas,
        mask=None if bad is None or is_placeholder else np.asarray(bad == 0),
        shift=(shift[0], shift[1]),
    )


def _stated_pixels(root: h5py.File, path: Path) -> tuple[float, ...]:
    if not all(key in root for key in OBJECT_PIXELS):
        return ()
    return tuple(hdf5.positive(root[key][()], f"{path}: {key}") for key in OBJECT_PIXELS)


def add_probe(parts: Pieces, root: h5py.File, path: Path) -> Pieces:
    """Take the probe from the image of ptychodus, where the source holds none."""
    if parts.probe is not None or PTYCHODUS not in root or PROBE_IMAGE not in root:
        return parts
    where = f"{path}: {PROBE_IMAGE}"
    probe = probe_axes.order_modes(hdf5.array(root, path, PROBE_IMAGE), where)
    return dataclasses.replace(parts, probe=probe, probe_where=where)


def read_photons(root: h5py.File, path: Path) -> float | None:
    """Read the mean photons per frame, when they are stated."""
    if PHOTONS not in root:
        return None
    count = hdf5.number(root[PHOTONS][()], f"{path}: {PHOTONS}")
    return count if count > 0 else None
