"""Prepared data of PtyPy, `.ptyd`; the probe lies in a second file.

Chunks of frames with their positions, (y, x) of the probe on the object in metres; energy in
keV, detector pixel and distance in metres; weights are zero at bad pixels.

Source: PtyPy, documentation of the ptyd file and of its data management.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames, hdf5, hdf5_links, units
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import JoinedFrames
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.data.units import JOULE_PER_EV, PLANCK_TIMES_LIGHT
from ptycho_torch.errors import InputError

_CHUNKS, _META = "chunks", ("meta", "info", "common")
_MASK = "weight2d"
_PAIR = 2


def recognise(source: ScanSource) -> bool:
    """Data come in chunks, described beside them."""
    return source.container == "hdf5" and source.holds(_CHUNKS, "meta")


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open prepared data of PtyPy.

    Raises:
        InputError: A required piece is missing or makes no sense.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        parts = _find_frames(root, path).filled_from(request.spare)
        shape, probe = parts.complete()
        side = frames.common_side(shape, probe.shape)
        pixel = _pixel(root, path, side)
        where = f"{path}: {_CHUNKS}/positions"
        places = np.concatenate([_positions(root, path, chunk) for chunk in _list(root)])
        y, x = (places / pixel).T
        yield RawScan(
            pieces=parts,
            x=x - np.nanmin(x) + side // 2 + 1,
            y=y - np.nanmin(y) + side // 2 + 1,
            where_x=where,
            where_y=where,
            pixel_size_m=pixel,
            files=hdf5_links.list_all(
                root, path, *(f"{_CHUNKS}/{chunk}/positions" for chunk in _list(root))
            ),
            notes=("positions are (y, x) of the probe, as PtyPy keeps them",),
        )


def _list(root: h5py.File) -> list[str]:
    """Return the chunks in the order of their numbers."""
    return sorted(root[_CHUNKS], key=lambda name: (len(name), name))


def _find_frames(root: h5py.File, path: Path) -> Pieces:
    stores: list[FrameStore] = []
    places: list[str] = []
    linked: list[Path] = []
    valid: NDArray[np.bool_] = np.ones((1, 1), np.bool_)
    for chunk in _list(root):
        key = f"{_CHUNKS}/{chunk}/data"
        stored = hdf5.open_frames(root, path, key)
        stores.append(stored)
        places.append(stored.where)
        linked.extend(hdf5_links.list_files(root, path, key))
        weights = root.get(f"{_CHUNKS}/{chunk}/weights")
        if isinstance(weights, h5py.Dataset) and weights.shape == stored.shape:
            valid = np.logical_and(valid, (np.asarray(weights[()]) > 0).all(axis=0))
    where = f"{path}: {_CHUNKS}"
    if not stores:
        raise InputError(where, expected="chunks of frames", found="none")
    joined = JoinedFrames.join(tuple(stores), tuple(places))
    shared = _find(root, _MASK)
    if shared is not None and shared.shape == joined.shape[1:]:
        valid = np.logical_and(valid, np.asarray(shared) > 0)
    return Pieces(
        frames=joined,
        frame_shape=joined.shape,
        frame_where=where,
        kind="intensity",
        probe_where=f"{path}: a probe, which prepared data of PtyPy do not hold",
        valid_mask=np.broadcast_to(valid, joined.shape[1:]),
        mask_where=f"{path}: weights",
        files=tuple(linked),
    )


def _positions(root: h5py.File, path: Path, chunk: str) -> NDArray[np.float64]:
    key = f"{_CHUNKS}/{chunk}/positions"
    stored = hdf5.array(root, path, key)
    if stored.ndim != _PAIR or stored.shape[1] != _PAIR:
        where = f"{path}: {key}"
        raise InputError(where, expected="(M, 2) metres, y then x", found=f"{stored.shape}")
    return stored.astype(np.float64)


def _pixel(root: h5py.File, path: Path, side: int) -> float:
    values = {}
    for name in ("energy", "distance", "psize"):
        stored = _find(root, name)
        where = f"{path}: meta/{name}"
        if stored is None:
            raise InputError(where, expected="a number", found="nothing")
        sizes = np.unique(np.asarray(stored))
        if len(sizes) != 1:
            raise InputError(where, expected="square pixels", found=f"{sizes.tolist()}")
        values[name] = hdf5.positive(sizes, where)
    wavelength = PLANCK_TIMES_LIGHT / (values["energy"] * 1e3 * JOULE_PER_EV)
    said = f"{values['energy']:g} keV, z {values['distance']:g} m, pixel {values['psize']:g} m"
    pixel = wavelength * values["distance"] / (side * values["psize"])
    return units.check_pixel(pixel, f"{path}: meta", said)


def _find(root: h5py.File, name: str) -> Any:
    for group in _META:
        node = root.get(f"{group}/{name}")
        if (
            isinstance(node, h5py.Dataset)
            and node.shape is not None
            and node.dtype.kind in "biuf"
        ):
            return node[()]
    return None
