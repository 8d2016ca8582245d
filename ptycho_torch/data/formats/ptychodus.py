"""Product of ptychodus, HDF5; frames lie in it or in a second file.

Source: design of the model, section 4.3.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames, hdf5, pieces
from ptycho_torch.data.frame_views import PickedFrames
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

POSITION_KEYS = ("probe_position_x_m", "probe_position_y_m")
INDEX_KEY = "probe_position_indexes"
_CENTRES = ("center_x_m", "center_y_m")
_PIXELS = ("pixel_width_m", "pixel_height_m")
_PLANE = 2
_WITH_VARIANTS = 4

_log = logging.getLogger(__name__)


def recognise(source: ScanSource) -> bool:
    """A product names its positions as no other format does."""
    return source.container == "hdf5" and source.holds(POSITION_KEYS[0])


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a product; its frames usually lie in a second file.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path, spare = request.path, request.spare
    with hdf5.opened(path) as root:
        own = _without_variants(pieces.of_hdf5(path, root))
        found = own.filled_from(spare)
        shape, probe = found.complete()
        side = frames.common_side(shape, probe.shape)
        reference = _object(root, path)
        positions, pixel = _positions(root, path, reference, side)
        yield RawScan(
            pieces=_in_scan_order(found, root, path, len(positions)),
            x=positions[:, 0],
            y=positions[:, 1],
            where_x=f"{path}: {POSITION_KEYS[0]}",
            where_y=f"{path}: {POSITION_KEYS[1]}",
            object_canvas=reference,
            object_where=f"{path}: object",
            nphotons=_photons(root, path),
            pixel_size_m=pixel,
        )


def _without_variants(found: Pieces) -> Pieces:
    if found.probe is None or found.probe.ndim != _WITH_VARIANTS:
        return found
    if len(found.probe) > 1:
        _log.warning(
            "%s: %d variants of the probe; only the first is used",
            found.probe_where,
            len(found.probe),
        )
    return dataclasses.replace(found, probe=found.probe[0])


def _object(root: h5py.File, path: Path) -> NDArray[Any] | None:
    if "object" not in root:
        return None
    stored = hdf5.array(root, path, "object")
    layered = stored if stored.ndim > _PLANE else stored[None]
    if layered.ndim != _PLANE + 1 or len(layered) != 1:
        raise InputError(
            f"{path}: object", expected="one layer of rows and columns", found=f"{stored.shape}"
        )
    layer: NDArray[Any] = layered[0]
    return layer


def _positions(
    root: h5py.File, path: Path, reference: NDArray[Any] | None, side: int
) -> tuple[NDArray[np.float64], float]:
    """Convert to pixels of the object, or of the probe's grid when there is no object."""
    metres = [hdf5.array(root, path, key).astype(np.float64) for key in POSITION_KEYS]
    if metres[0].ndim != 1 or metres[0].shape != metres[1].shape or not metres[0].size:
        raise InputError(
            f"{path}: {POSITION_KEYS[1]}",
            expected=f"as many values as {POSITION_KEYS[0]}, {metres[0].shape}",
            found=f"{metres[1].shape}",
        )
    owner = "probe" if reference is None else "object"
    sizes = [_attribute(root, path, owner, name) for name in _PIXELS]
    if not min(sizes) > 0:
        raise InputError(f"{path}: {owner}", expected="positive pixel sizes", found=f"{sizes}")
    if reference is None:
        scaled = [values / size for values, size in zip(metres, sizes, strict=True)]
        shifted = [values - values.min() + side // 2 + 1 for values in scaled]
    else:
        centres = [_attribute(root, path, owner, name) for name in _CENTRES]
        shifted = [
            (values - centre) / size + extent / 2
            for values, centre, size, extent in zip(
                metres, centres, sizes, reference.shape[::-1], strict=True
            )
        ]
    return np.stack(shifted, axis=1), sizes[0]


def _in_scan_order(found: Pieces, root: h5py.File, path: Path, count: int) -> Pieces:
    """Bring the frames into the order of the positions."""
    if INDEX_KEY not in root or found.frame_shape is None:
        return found
    where = f"{path}: {INDEX_KEY}"
    order = hdf5.array(root, path, INDEX_KEY)
    total = found.frame_shape[0]
    if order.shape != (count,) or order.dtype.kind not in "iu":
        raise InputError(where, expected=f"{count} integers", found=f"{order.shape}")
    if order.min() < 0 or order.max() >= total or len(np.unique(order)) != count:
        raise InputError(
            where,
            expected=f"different frame numbers below {total}",
            found=f"{order.min()} to {order.max()}, {len(np.unique(order))} different",
        )
    if total != count:
        _log.warning("%s: %d frames have no position", where, total - count)
    if total == count and bool((order == np.arange(count)).all()):
        return found
    stored = found.frames
    if isinstance(stored, StreamedFrames):
        stored = stored.mapped()  # any order is as good as the other
    picked = None if stored is None else PickedFrames(stored, order.astype(np.int64))
    shape = (count, *found.frame_shape[1:])
    return dataclasses.replace(found, frames=picked, frame_shape=shape)


def _photons(root: h5py.File, path: Path) -> float | None:
    if "probe_photon_count" not in root.attrs:
        return None
    count = hdf5.number(root.attrs["probe_photon_count"], f"{path}: probe_photon_count")
    return count if count > 0 else None


def _attribute(root: h5py.File, path: Path, key: str, name: str) -> float:
    where = f"{path}: {key}.{name}"
    attributes = hdf5.dataset(root, path, key).attrs
    if name not in attributes:
        raise InputError(where, expected="the attribute to be present", found="nothing")
    return hdf5.number(attributes[name], where)
