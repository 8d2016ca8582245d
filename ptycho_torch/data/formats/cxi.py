"""HDF5 with `entry_1`, as the CXI data bank, cdtools and ptychodus write it.

λ  wavelength [m]   z  distance to the detector [m]   N  side of a frame [px]
b  step of one detector column or row in the laboratory [m], ``basis_vectors``
t  translation [m]   r  place of the probe on the object: −t of the sample, +t of the probe
column, row of a point: r·b N / (λ·z), up to a common shift

Without ``basis_vectors`` or ``orientation`` columns are taken along x and rows along y.

Source: CXI file format 1.6; the linear map is that of cdtools, whose default geometry has
columns along −x and rows along −y and is written out by it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import cxi_image, frames, hdf5, hdf5_links, pairing, pieces, units
from ptycho_torch.data.cxi_keys import (
    BASIS,
    DETECTOR,
    ENERGIES,
    ENTRY,
    FRAMES,
    INDEXES,
    OBJECT,
    ORIENTATION,
    PROBE_PIXELS,
    PTYCHODUS,
    SCAN_INDEX,
    TRANSLATIONS,
    WAVELENGTHS,
)
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

_PIXEL_RATIO = 0.01
# What may lie behind a link, beside the pieces.
_READ_KEYS = (
    *TRANSLATIONS,
    *ENERGIES,
    *WAVELENGTHS,
    BASIS,
    ORIENTATION,
    INDEXES,
    SCAN_INDEX,
    OBJECT,
)
_PLANE, _SPACE = 2, 3
_CORRECTIONS = ("data_dark", "data_white")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How translations become object pixels.

    Attributes:
        pixels: Object pixel along columns and rows [m].
        directions: (2, 3) unit vectors of columns and rows; None for x and y.
        sign: −1 where translations are of the sample, +1 where of the probe.
        note: Where this was taken from, in words.
    """

    pixels: tuple[float, float]
    directions: NDArray[np.float64] | None
    sign: float
    note: str

    def to_pixels(self, translation: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """Return the places (M, 2+) [m] along columns (0) or rows (1) [object px]."""
        if self.directions is None:
            return self.sign * translation[:, axis] / self.pixels[axis]
        along = translation[:, :_PLANE] @ self.directions[axis, :_PLANE]
        return np.asarray(self.sign * along / self.pixels[axis])


def recognise(source: ScanSource) -> bool:
    """A CXI file numbers its entries."""
    return source.container == "hdf5" and source.holds(ENTRY)


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a CXI scan; frames larger than the probe are cropped to it.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        _report_unread(root, path)
        own = pieces.find_in_hdf5(path, root)
        _check_axes(root, path)
        parts = cxi_image.add_probe(own, root, path).filled_from(request.spare)
        shape, probe = parts.complete()
        side = frames.common_side(shape, probe.shape)
        geometry = _geometry(root, path, side, request.config.translation_kind)
        where, translation = _translation(root, path)
        x, y = (geometry.to_pixels(translation, axis) for axis in range(_PLANE))
        image = cxi_image.read_object(root, path, geometry.to_pixels, geometry.pixels)
        if image is None:
            x, y = (values - np.nanmin(values) + side // 2 + 1 for values in (x, y))
        else:
            x, y = x + image.shift[0], y + image.shift[1]
        numbers = hdf5.array(root, path, INDEXES) if INDEXES in root else None
        yield RawScan(
            pieces=pairing.pair_frames(parts, numbers, len(x), f"{path}: {INDEXES}"),
            x=x,
            y=y,
            where_x=where,
            where_y=where,
            object_canvas=None if image is None else image.canvas,
            object_where=f"{path}: {OBJECT}",
            object_mask=None if image is None else image.mask,
            scan_index=hdf5.array(root, path, SCAN_INDEX) if SCAN_INDEX in root else None,
            nphotons=cxi_image.read_photons(root, path),
            pixel_size_m=sum(geometry.pixels) / _PLANE,
            notes=(geometry.note,),
            files=hdf5_links.list_all(root, path, *_READ_KEYS),
        )


def _report_unread(root: h5py.File, path: Path) -> None:
    """Say which further entries and detectors are left alone: one scan is read of a file."""
    instrument = root.get(f"{ENTRY}/instrument_1")
    more = [name for name in root if name.startswith("entry_") and name != ENTRY]
    if isinstance(instrument, h5py.Group):
        more += [name for name in instrument if name.startswith("detector_")][1:]
    if more:
        _log.warning("%s: %s not read, only the first is", path.name, ", ".join(more))
    unread = [name for name in _CORRECTIONS if f"{DETECTOR}/{name}" in root]
    if unread:
        _log.warning(
            "%s: %s not applied; correct the frames first if they are raw",
            path.name,
            " and ".join(unread),
        )


def _check_axes(root: h5py.File, path: Path) -> None:
    """Refuse frames whose own names of axes put columns before rows.

    Raises:
        InputError: The last two axes are x, y.
    """
    for key in FRAMES:
        if key in root:
            stated = np.ravel(root[key].attrs.get("axes", ""))  # one text, or one for each axis
            named = ":".join(
                text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
                for text in stated
            )
            axes = [axis.strip().lower() for axis in named.split(":")]
            if axes[-2:] == ["x", "y"]:
                raise InputError(
                    f"{path}: {key}.axes",
                    expected="rows before columns, y:x",
                    found=named,
                    remedy="store the frames with rows first",
                )


def _geometry(root: h5py.File, path: Path, side: int, translation_kind: str) -> Geometry:
    basis = _basis(root, path)
    pixels = _stated_pixels(root, path) or _object_pixels(root, path, side, basis)
    is_probe = translation_kind == "probe" or (
        translation_kind == "auto" and basis is None and PTYCHODUS in root
    )
    note = "columns along x, rows along y: assumed, the file does not say"
    if basis is not None:
        note = "columns {}, rows {}: stated by the file".format(
            *(_name_direction(row) for row in basis)
        )
    elif PTYCHODUS in root:
        note = "columns along x, rows along y, motion of the probe: a file of ptychodus"
    return Geometry(
        pixels=pixels,
        directions=basis,
        sign=1.0 if is_probe else -1.0,
        note=note,
    )


def _object_pixels(
    root: h5py.File, path: Path, side: int, basis: NDArray[np.float64] | None
) -> tuple[float, float]:
    sizes = _detector_pixels(root, path, basis)
    distance = _distance(root, path, basis)
    wavelength = _wavelength(root, path)
    said = f"λ {wavelength:.4g} m, z {distance:.4g} m, N {side}, pixel {sizes[0]:.4g} m"
    columns, rows = (
        units.check_pixel(wavelength * distance / (side * size), f"{path}: {DETECTOR}", said)
        for size in sizes
    )
    return columns, rows


def _stated_pixels(root: h5py.File, path: Path) -> tuple[float, float] | None:
    """Return the object pixel of a product that keeps it instead of the detector's."""
    if f"{DETECTOR}/x_pixel_size" in root or not all(key in root for key in PROBE_PIXELS):
        return None
    columns, rows = (
        units.check_pixel(
            hdf5.positive(root[key][()], f"{path}: {key}"), f"{path}: {key}", "the file's word"
        )
        for key in PROBE_PIXELS
    )
    return columns, rows


def _basis(root: h5py.File, path: Path) -> NDArray[np.float64] | None:
    """Return unit vectors (2, 3) of a step to the next column and to the next row."""
    if hdf5_links.check_links(root, path, BASIS):
        stored = hdf5.array(root, path, BASIS).astype(np.float64)
        where = f"{path}: {BASIS}"
        if stored.shape == (_SPACE, _PLANE):
            stored = stored.T
        if stored.shape != (_PLANE, _SPACE):
            raise InputError(where, expected="(3, 2) metres", found=f"{stored.shape}")
        vectors = stored[::-1]  # the file lists the step of rows first
    elif hdf5_links.check_links(root, path, ORIENTATION):
        stored = hdf5.array(root, path, ORIENTATION).astype(np.float64)
        where = f"{path}: {ORIENTATION}"
        if stored.size != _PLANE * _SPACE:
            raise InputError(where, expected="six numbers", found=f"{stored.shape}")
        vectors = stored.reshape(_PLANE, _SPACE)
    else:
        return None
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(vectors).all() and (lengths > 0).all()):
        raise InputError(where, expected="two directions", found=f"{vectors.tolist()}")
    directions: NDArray[np.float64] = vectors / lengths
    if abs(np.linalg.det(directions[:, :_PLANE])) < _PIXEL_RATIO:
        raise InputError(
            where, expected="directions across the beam, z", found=f"{vectors.tolist()}"
        )
    return directions


def _detector_pixels(
    root: h5py.File, path: Path, basis: NDArray[np.float64] | None
) -> tuple[float, float]:
    keys = [f"{DETECTOR}/{axis}_pixel_size" for axis in "xy"]
    keys_present = [key for key in keys if key in root]
    if keys_present or basis is None or BASIS not in root:
        sizes = [units.read_length(root, path, key) for key in keys_present or keys[:1]]
    else:
        stored = hdf5.array(root, path, BASIS).astype(np.float64)
        lengths = np.linalg.norm(stored, axis=0 if stored.shape[0] == _SPACE else 1)
        factor = units.length_factor(root, path, BASIS)
        sizes = [float(length) * factor for length in lengths[::-1]]
    if max(sizes) - min(sizes) > _PIXEL_RATIO * min(sizes):
        raise InputError(
            f"{path}: {keys[1]}", expected="square detector pixels", found=f"{sizes} m"
        )
    return sizes[0], sizes[-1]


def _distance(root: h5py.File, path: Path, basis: NDArray[np.float64] | None) -> float:
    corner = f"{DETECTOR}/corner_position"
    if f"{DETECTOR}/distance" in root or basis is None or corner not in root:
        return units.read_length(root, path, f"{DETECTOR}/distance")
    place = hdf5.array(root, path, corner).astype(np.float64).reshape(-1)
    normal = np.cross(basis[0], basis[1])
    return hdf5.positive(abs(place @ normal) / np.linalg.norm(normal), f"{path}: {corner}")


def _wavelength(root: h5py.File, path: Path) -> float:
    for key in (*ENERGIES[:1], *WAVELENGTHS[:1], *ENERGIES[1:], *WAVELENGTHS[1:]):
        if hdf5_links.check_links(root, path, key):
            if key in WAVELENGTHS:
                return units.read_length(root, path, key)
            return units.PLANCK_TIMES_LIGHT / units.read_energy(root, path, key)
    return units.read_length(root, path, WAVELENGTHS[-1])


def _translation(root: h5py.File, path: Path) -> tuple[str, NDArray[Any]]:
    present = (key for key in TRANSLATIONS if hdf5_links.check_links(root, path, key))
    key = next(present, TRANSLATIONS[0])
    where = f"{path}: {key}"
    stored = hdf5.array(root, path, key)
    if stored.ndim == _SPACE:  # a raster keeps its rows, as NeXus has them
        stored = stored.reshape(-1, stored.shape[-1])
    if stored.ndim != _PLANE or stored.shape[1] < _PLANE or not len(stored):
        raise InputError(where, expected="(M, 2) or (M, 3) metres", found=f"{stored.shape}")
    if stored.dtype.kind not in "fiu":
        raise InputError(where, expected="finite real positions", found=f"{stored.dtype}")
    return where, stored.astype(np.float64) * units.length_factor(root, path, key)


def _name_direction(vector: NDArray[np.float64]) -> str:
    axis = int(np.abs(vector).argmax())
    if abs(vector[axis]) < 1 - _PIXEL_RATIO:
        return "along " + ", ".join(f"{part:.3f}" for part in vector)
    return f"along {'-' if vector[axis] < 0 else ''}{'xyz'[axis]}"
