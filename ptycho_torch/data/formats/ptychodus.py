"""Product of ptychodus, HDF5 or NPZ; frames lie in it or in a second file.

Source: files of ptychodus 1.7, which places a point x_m at pixel (x_m − center_x_m) / p + W / 2
of the object; the same names serve both containers, attributes becoming prefixed keys of NPZ.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import (
    frames,
    hdf5,
    hdf5_links,
    hdf5_pieces,
    npz_archive,
    pairing,
    pieces,
    units,
)
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

POSITION_KEYS = ("probe_position_x_m", "probe_position_y_m")
INDEX_KEY = "probe_position_indexes"
SCAN_KEY, OBJECT_MASK_KEY, PLACEHOLDER = "scan_index", "object_mask", "is_placeholder"
_CENTRES = ("center_x_m", "center_y_m")
_PIXELS = ("pixel_width_m", "pixel_height_m")
_PLANE = 2
_PIXEL_RATIO = 0.01


@runtime_checkable
class Table(Protocol):
    """Arrays and attributes of a product, whatever contains them."""

    def holds(self, key: str) -> bool:
        """Whether an array is there."""

    def array(self, key: str) -> NDArray[Any]:
        """Read an array."""

    def attribute(self, owner: str, name: str) -> Any:
        """Return an attribute of an array, or of the product for an empty owner; or None."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hdf5Table:
    """A product in HDF5."""

    root: h5py.File
    path: Path

    def holds(self, key: str) -> bool:
        """Whether an array is there."""
        return hdf5_links.check_links(self.root, self.path, key)

    def array(self, key: str) -> NDArray[Any]:
        """Read an array."""
        return hdf5.array(self.root, self.path, key)

    def attribute(self, owner: str, name: str) -> Any:
        """Return an attribute of an array, or of the file."""
        node = hdf5.dataset(self.root, self.path, owner) if owner else self.root
        return node.attrs.get(name)


@dataclasses.dataclass(frozen=True, slots=True)
class NpzTable:
    """A product in NPZ."""

    archive: NpzArchive

    def holds(self, key: str) -> bool:
        """Whether an array is there."""
        return key in self.archive.members

    def array(self, key: str) -> NDArray[Any]:
        """Read an array."""
        if key not in self.archive.members:
            where = f"{self.archive.path}: {key}"
            raise InputError(where, expected="the key to be present", found="nothing")
        return self.archive.read(key)

    def attribute(self, owner: str, name: str) -> Any:
        """Return what HDF5 keeps as an attribute."""
        key = f"{owner}_{name}" if owner else name
        return self.archive.read(key) if key in self.archive.members else None


def recognise(source: ScanSource) -> bool:
    """A product names its positions as no other format does."""
    return source.holds(POSITION_KEYS[0])


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a product; its frames usually lie in a second file.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with ExitStack() as stack:
        table: Table
        if hdf5.is_hdf5(path):
            root = stack.enter_context(hdf5.open_file(path))
            # ptychodus keeps variants (OPR), modes, rows, columns.
            own = hdf5_pieces.find_in_hdf5(path, root, has_variants=True)
            table = Hdf5Table(root, path)
        else:
            archive = stack.enter_context(npz_archive.open_archive(path))
            own = pieces.find_in_npz(
                archive, stack, with_frames=request.with_frames, has_variants=True
            )
            table = NpzTable(archive)
            own = dataclasses.replace(own, probe_pixel_m=_probe_pixel(table, path))
        scan = _read(table, path, own.filled_from(request.spare))
        if isinstance(table, Hdf5Table):
            keys = (*POSITION_KEYS, INDEX_KEY, "object", OBJECT_MASK_KEY, SCAN_KEY)
            linked = hdf5_links.list_all(table.root, path, *keys)
            scan = dataclasses.replace(scan, files=linked)
        yield scan


def _probe_pixel(table: Table, path: Path) -> float | None:
    stated = table.attribute("probe", _PIXELS[0])
    return None if stated is None else hdf5.positive(stated, f"{path}: probe.{_PIXELS[0]}")


def _check_far_field(table: Table, path: Path) -> None:
    far_field = table.attribute("", "far_field")
    if far_field is not None and not bool(far_field):
        raise InputError(
            f"{path}: far_field",
            expected="a far-field measurement",
            found="a near-field one",
            remedy="the forward model of this package is a Fourier transform",
        )


def _read(table: Table, path: Path, parts: Pieces) -> RawScan:
    _check_far_field(table, path)
    shape, probe = parts.complete()
    side = frames.common_side(shape, probe.shape)
    canvas = _object(table, path)
    positions, pixel = _positions(table, path, None if canvas is None else canvas.shape, side)
    is_placeholder = canvas is not None and bool(table.attribute("object", PLACEHOLDER))
    has_object = canvas is not None and not is_placeholder
    numbers = table.array(INDEX_KEY) if table.holds(INDEX_KEY) else None
    known = table.holds(OBJECT_MASK_KEY) and has_object
    return RawScan(
        pieces=pairing.pair_frames(parts, numbers, len(positions), f"{path}: {INDEX_KEY}"),
        x=positions[:, 0],
        y=positions[:, 1],
        where_x=f"{path}: {POSITION_KEYS[0]}",
        where_y=f"{path}: {POSITION_KEYS[1]}",
        object_canvas=canvas if has_object else None,
        object_where=f"{path}: object",
        object_mask=table.array(OBJECT_MASK_KEY) if known else None,
        scan_index=table.array(SCAN_KEY) if table.holds(SCAN_KEY) else None,
        nphotons=_photons(table, path),
        pixel_size_m=pixel,
        notes=("columns along x, rows along y, motion of the probe: a file of ptychodus",),
    )


def _object(table: Table, path: Path) -> NDArray[Any] | None:
    if not table.holds("object"):
        return None
    stored = table.array("object")
    layered = stored if stored.ndim > _PLANE else stored[None]
    if layered.ndim != _PLANE + 1 or len(layered) != 1:
        raise InputError(
            f"{path}: object", expected="one layer of rows and columns", found=f"{stored.shape}"
        )
    layer: NDArray[Any] = layered[0]
    return layer


def _positions(
    table: Table, path: Path, object_shape: tuple[int, ...] | None, side: int
) -> tuple[NDArray[np.float64], float]:
    """Convert to pixels of the object, or of the probe's grid when there is no object."""
    metres = [table.array(key).astype(np.float64) for key in POSITION_KEYS]
    if metres[0].ndim != 1 or metres[0].shape != metres[1].shape or not metres[0].size:
        raise InputError(
            f"{path}: {POSITION_KEYS[1]}",
            expected=f"as many values as {POSITION_KEYS[0]}, {metres[0].shape}",
            found=f"{metres[1].shape}",
        )
    owner = "probe" if object_shape is None else "object"
    sizes = [_number(table, path, owner, name) for name in _PIXELS]
    if not min(sizes) > 0:
        raise InputError(f"{path}: {owner}", expected="positive pixel sizes", found=f"{sizes}")
    if max(sizes) - min(sizes) > _PIXEL_RATIO * min(sizes):
        raise InputError(f"{path}: {owner}", expected="square pixels", found=f"{sizes} m")
    for size, name in zip(sizes, _PIXELS, strict=True):
        units.check_pixel(size, f"{path}: {owner}.{name}", "the file's own word")
    if object_shape is None:
        scaled = [values / size for values, size in zip(metres, sizes, strict=True)]
        shifted = [values - np.nanmin(values) + side // 2 + 1 for values in scaled]
    else:
        centres = [_number(table, path, owner, name) for name in _CENTRES]
        shifted = [
            (values - centre) / size + extent / 2
            for values, centre, size, extent in zip(
                metres, centres, sizes, object_shape[::-1], strict=True
            )
        ]
    return np.stack(shifted, axis=1), sizes[0]


def _photons(table: Table, path: Path) -> float | None:
    stored = table.attribute("", "probe_photon_count")
    if stored is None:
        return None
    count = hdf5.number(stored, f"{path}: probe_photon_count")
    return count if count > 0 else None


def _number(table: Table, path: Path, owner: str, name: str) -> float:
    where = f"{path}: {owner}.{name}"
    stored = table.attribute(owner, name)
    if stored is None:
        raise InputError(where, expected="the attribute to be present", found="nothing")
    return hdf5.number(stored, where)
