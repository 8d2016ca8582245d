"""NeXus as Diamond (I08, I13) and NanoMAX write it; the probe lies in a second file.

Frames are those of the one detector, positions those of a pair of motors whose names differ by
x and y. Such files name no axes of the detector: columns are taken along x, rows along y, and
motion is of the sample.

Source: NeXus classes NXdata, NXdetector, NXpositioner; where PtyPy and ptychodus find things in
files of these beamlines, which state micrometres or nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import detector_limits, detector_mask, frames, hdf5, hdf5_links, units
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import FlattenedFrames
from ptycho_torch.data.hdf5 import Hdf5Frames
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

_ENTRIES = ("entry1", "entry")
_FRAME_AXES = 3
# Where motors lie, the measured places before the wanted ones.
_MOTOR_HOMES = ("measurement/pseudo", "measurement/npoint_buff", "measurement", "Counter1")
_COMMANDED = ("_set", "demand")
_MASK_KEYS = ("pixel_mask", "detectorSpecific/pixel_mask")
_ENERGY_KEYS = (
    "instrument/beam/incident_energy",
    "instrument/beam/energy",
    "instrument/monochromator/energy",
    "sample/beam/incident_energy",
    "snapshot/energy",
)
_WAVELENGTH_KEYS = ("instrument/beam/incident_wavelength", "sample/beam/incident_wavelength")
_MICROMETRE = 1e-6


@dataclass(frozen=True, slots=True)
class _File:
    """An open file and the entry that holds the scan."""

    root: h5py.File
    path: Path
    entry: str

    def find(self, *keys: str) -> str | None:
        """Return the first of the keys below the entry that leads to a dataset."""
        whole = (f"{self.entry}/{key}" for key in keys)
        return next(
            (
                key
                for key in whole
                if hdf5_links.check_links(self.root, self.path, key)
                and isinstance(self.root[key], h5py.Dataset)
            ),
            None,
        )

    def list_groups(self, home: str) -> list[str]:
        """Return the groups below a group, without opening links that lead nowhere."""
        group = self.root.get(f"{self.entry}/{home}" if home else self.entry)
        if not isinstance(group, h5py.Group):
            return []
        prefix = f"{home}/" if home else ""
        return [f"{prefix}{name}" for name in group if isinstance(group.get(name), h5py.Group)]


def recognise(source: ScanSource) -> bool:
    """An entry without a number holds frames of a detector and a pair of motors."""
    if source.root is None:
        return False
    file = _open_entry(source.root, source.path)
    return file is not None and bool(_list_detectors(file)) and bool(_list_pairs(file))


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open a scan; frames of a raster may have the axes of the raster for positions.

    Raises:
        InputError: Several detectors or pairs of motors, or a required piece is missing.
    """
    path = request.path
    with hdf5.open_file(path) as root:
        file = _open_entry(root, path)
        if file is None:  # a file without an entry is of another format
            raise InputError(str(path), expected="an entry", found="none")
        key = _choose_detector(file)
        parts, scan_shape = _find_frames(file, key)
        parts = parts.filled_from(request.spare)
        shape, probe = parts.complete()
        side = frames.common_side(shape, probe.shape)
        pixel = _object_pixel(file, key, side, parts)
        pair, x, y = _find_places(file, scan_shape)
        moved = "probe" if request.config.translation_kind == "probe" else "sample"
        sign = 1.0 if moved == "probe" else -1.0
        x, y = (sign * values / pixel for values in (x, y))
        yield RawScan(
            pieces=parts,
            x=x - np.nanmin(x) + side // 2 + 1,
            y=y - np.nanmin(y) + side // 2 + 1,
            where_x=f"{path}: {pair[0]}",
            where_y=f"{path}: {pair[1]}",
            pixel_size_m=pixel,
            files=hdf5_links.list_all(root, path, *pair),
            notes=(
                f"columns along x, rows along y, motion of the {moved}: assumed",
                f"places of {pair[0]} and {pair[1]}",
            ),
        )


def _open_entry(root: h5py.File, path: Path) -> _File | None:
    for name in _ENTRIES:
        if isinstance(root.get(name), h5py.Group):
            return _File(root, path, name)
    return None


def _list_detectors(file: _File) -> list[str]:
    """Return where frames lie, each detector once however many links lead to it."""
    keys = [f"{group}/data" for group in file.list_groups("instrument")]
    keys += [f"{group}/frames" for group in file.list_groups("measurement")]
    keys += [f"{group}/data" for group in file.list_groups("measurement")]
    keys += [f"{group}/data" for group in file.list_groups("")]
    listed: dict[tuple[str, int], str] = {}
    for key in keys:
        place = file.find(key)
        if place is None:
            continue
        stored = file.root[place]
        if stored.ndim >= _FRAME_AXES and stored.dtype.kind in "iuf":
            address = h5py.h5o.get_info(stored.id).addr
            listed.setdefault((stored.file.filename, address), place)
    return list(listed.values())


def _choose_detector(file: _File) -> str:
    keys = _list_detectors(file)
    if len(keys) != 1:
        raise InputError(
            f"{file.path}: {file.entry}",
            expected="frames of one detector",
            found=", ".join(keys) or "none",
            remedy="write the frames of one, with xcoords, ycoords and probeGuess, as NPZ",
        )
    return keys[0]


def _find_frames(file: _File, key: str) -> tuple[Pieces, tuple[int, ...]]:
    root, path = file.root, file.path
    where = f"{path}: {key}"
    stored = hdf5.dataset(root, path, key)
    hdf5.check_filters(stored, where)
    seen: FrameStore = Hdf5Frames(stored, where)
    scan_shape = tuple(stored.shape[:-2])
    if len(scan_shape) > 1:
        seen = FlattenedFrames(seen)
    home = key.rpartition("/")[0].removeprefix(f"{file.entry}/")
    mask_key = file.find(*(f"{home}/{name}" for name in _MASK_KEYS))
    mask = None
    if mask_key is not None:
        mask = detector_mask.from_bits(
            hdf5.array(root, path, mask_key), 0, f"{path}: {mask_key}"
        )
    parts = Pieces(
        frames=seen,
        frame_shape=seen.shape,
        frame_where=where,
        kind="intensity",
        probe_where=f"{path}: a probe, which files of a beamline do not hold",
        valid_mask=mask,
        mask_where=f"{path}: {mask_key}",
        limit=detector_limits.read_limit(root, path, f"{file.entry}/{home}"),
        files=hdf5_links.list_files(root, path, key),
    )
    return parts, scan_shape


def _list_pairs(file: _File) -> list[tuple[str, str]]:
    """Return pairs of motors, those of the first place where there are any."""
    homes = [
        *(home for home in _MOTOR_HOMES[:2] if home in file.list_groups("measurement")),
        *_MOTOR_HOMES[2:],
        "instrument",
        *file.list_groups("instrument"),
        *file.list_groups(""),
    ]
    for home in homes:
        pairs = _pairs_of(file, home)
        if pairs:
            return pairs
    return []


def _pairs_of(file: _File, home: str) -> list[tuple[str, str]]:
    """Return the datasets of a group whose names end in x and y and are otherwise the same."""
    group = file.root.get(f"{file.entry}/{home}")
    if not isinstance(group, h5py.Group):
        return []
    motors = {}
    for name in group:
        is_commanded = any(word in name.lower() for word in _COMMANDED)
        # A positioner is a group of its own, its places are its value.
        key = file.find(f"{home}/{name}", f"{home}/{name}/value") if not is_commanded else None
        if key is not None and file.root[key].dtype.kind in "iuf" and file.root[key].size > 1:
            motors[name] = key
    return [
        (key, motors[f"{name[:-1]}{other}"])
        for name, key in motors.items()
        for last, other in (("x", "y"), ("X", "Y"))
        if name.endswith(last) and f"{name[:-1]}{other}" in motors
    ]


def _find_places(
    file: _File, scan_shape: tuple[int, ...]
) -> tuple[tuple[str, str], NDArray[Any], NDArray[Any]]:
    """Return the pair of motors and their places (M,) [m]."""
    pairs = _list_pairs(file)
    if len(pairs) != 1:
        raise InputError(
            f"{file.path}: {file.entry}",
            expected="one pair of motors along x and y",
            found=", ".join(f"{x} and {y}" for x, y in pairs) or "none",
            remedy="write their places as xcoords and ycoords of an NPZ file",
        )
    pair = pairs[0]
    x, y = (_read_places(file, key) for key in pair)
    if len(scan_shape) > 1 and (x.shape, y.shape) == (scan_shape[1:], scan_shape[:1]):
        y, x = np.meshgrid(y, x, indexing="ij")
    return pair, x.ravel(), y.ravel()


def _read_places(file: _File, key: str) -> NDArray[np.float64]:
    stored = hdf5.array(file.root, file.path, key).astype(np.float64)
    has_unit = bool(units.unit_of(file.root, key))
    factor = units.length_factor(file.root, file.path, key) if has_unit else _MICROMETRE
    return stored * factor


def _object_pixel(file: _File, key: str, side: int, parts: Pieces) -> float:
    """Return the object pixel [m] of the geometry; else of the second file's probe."""
    root, path = file.root, file.path
    home = key.rpartition("/")[0].removeprefix(f"{file.entry}/")
    distance = file.find(f"{home}/distance", f"{home}/detector_distance")
    size = file.find(f"{home}/x_pixel_size")
    wavelength = _wavelength(file)
    missing = [
        name
        for name, value in (
            ("a wavelength or an energy", wavelength),
            ("the distance of the detector", distance),
            ("its x_pixel_size", size),
        )
        if value is None
    ]
    if wavelength is None or distance is None or size is None:
        if parts.probe_pixel_m is not None:
            return parts.probe_pixel_m
        raise InputError(
            f"{path}: {file.entry}",
            expected="what an object pixel is computed from",
            found=f"a file without {', '.join(missing)}",
            remedy="give a second file whose probe states its pixel, a product of ptychodus "
            "or a .ptyr of PtyPy",
        )
    far, pixel = (units.read_length(root, path, name) for name in (distance, size))
    said = f"λ {wavelength:.4g} m, z {far:.4g} m, N {side}, pixel {pixel:.4g} m"
    return units.check_pixel(wavelength * far / (side * pixel), f"{path}: {home}", said)


def _wavelength(file: _File) -> float | None:
    key = file.find(*_WAVELENGTH_KEYS)
    if key is not None:
        return units.read_length(file.root, file.path, key)
    key = file.find(*_ENERGY_KEYS)
    if key is None:
        return None
    return units.PLANCK_TIMES_LIGHT / units.read_energy(file.root, file.path, key)
