"""Geometry of a CXI file: from metres of a translation to object pixels.

λ  wavelength [m]   z  distance to the detector [m]   N  side of a frame [px]
b  step of one detector column or row in the laboratory [m], ``basis_vectors``
t  translation [m]   r  place of the probe on the object: −t of the sample, +t of the probe
column, row of a point: r·b N / (λ·z), up to a common shift

Without ``basis_vectors`` or ``orientation`` columns are taken along x and rows along y.

Source: CXI file format 1.6; the linear map is that of cdtools, whose default geometry has
columns along −x and rows along −y and is written out by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import hdf5, hdf5_links, units
from ptycho_torch.data.cxi_keys import (
    BASIS,
    DETECTOR,
    ENERGIES,
    ENTRY,
    ORIENTATION,
    PROBE_PIXELS,
    PTYCHODUS,
    WAVELENGTHS,
)
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.errors import InputError

_PIXEL_RATIO = 0.01
_PLANE, _SPACE = 2, 3


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


def read_geometry(
    root: h5py.File, path: Path, side: int, translation_kind: str, parts: Pieces
) -> Geometry:
    """Read how translations become object pixels.

    Args:
        root: The file.
        path: Its name.
        side: Side N of the frames [px].
        translation_kind: What is said to move: ``sample``, ``probe`` or ``auto``.
        parts: Pieces, whose probe may state its pixel where the file lacks a geometry.

    Raises:
        InputError: A part of the geometry is missing or makes no sense.
    """
    basis = _basis(root, path)
    pixels = (
        _stated_pixels(root, path)
        or _probe_pixels(root, path, basis, parts)
        or _object_pixels(root, path, side, basis)
    )
    is_probe = translation_kind == "probe" or (
        translation_kind == "auto" and basis is None and PTYCHODUS in root
    )
    moved = "probe" if is_probe else "sample"
    note = f"columns along x, rows along y, motion of the {moved}: assumed"
    if basis is not None:
        note = "columns {}, rows {}: stated by the file; motion of the {}".format(
            *(_name_direction(row) for row in basis), moved
        )
    elif PTYCHODUS in root:
        note = f"columns along x, rows along y, motion of the {moved}: a file of ptychodus"
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


def _probe_pixels(
    root: h5py.File, path: Path, basis: NDArray[np.float64] | None, parts: Pieces
) -> tuple[float, float] | None:
    """Return the pixel that the probe states, in a file that lacks a part of the geometry.

    Raises:
        InputError: A part is missing, and the probe does not state its pixel.
    """
    has_basis = basis is not None and BASIS in root
    groups = {
        "a wavelength or an energy": (*ENERGIES, *WAVELENGTHS),
        "the distance of the detector": (
            f"{DETECTOR}/distance",
            *([f"{DETECTOR}/corner_position"] if basis is not None else []),
        ),
        "its x_pixel_size": (
            *(f"{DETECTOR}/{axis}_pixel_size" for axis in "xy"),
            *([BASIS] if has_basis else []),
        ),
    }
    missing = [
        name
        for name, keys in groups.items()
        if not any(hdf5_links.check_links(root, path, key) for key in keys)
    ]
    if not missing:
        return None
    if parts.probe_pixel_m is None:
        raise units.missing_geometry(f"{path}: {ENTRY}", missing)
    return parts.probe_pixel_m, parts.probe_pixel_m


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


def _name_direction(vector: NDArray[np.float64]) -> str:
    axis = int(np.abs(vector).argmax())
    if abs(vector[axis]) < 1 - _PIXEL_RATIO:
        return "along " + ", ".join(f"{part:.3f}" for part in vector)
    return f"along {'-' if vector[axis] < 0 else ''}{'xyz'[axis]}"
