"""NeXus as Diamond (I08, I13) and NanoMAX write it; the probe lies in a second file.

Frames are those of the one detector, positions those of a pair of motors whose names differ by
x and y. Such files name no axes of the detector: columns are taken along x, rows along y, and
motion is of the sample.

Source: NeXus classes NXdata, NXdetector, NXpositioner; where PtyPy and ptychodus find things in
files of these beamlines, which state micrometres or nothing.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import (
    checks,
    detector_limits,
    frames,
    hdf5,
    hdf5_links,
    hdf5_masks,
    nexus_entry,
    units,
)
from ptycho_torch.data.cxi_keys import ENTRY
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import FlattenedFrames
from ptycho_torch.data.nexus_entry import NexusEntry
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
_UNCLEAR_MASKS = ("mask", "detector_mask")
_MICROMETRE = 1e-6
_SPACE, _ACROSS = 3, 1e-3

_log = logging.getLogger(__name__)


def recognise(source: ScanSource) -> bool:
    """An entry without a number holds frames of a detector and a pair of motors."""
    if source.root is None or ENTRY in source.root:  # CXI numbers its entries
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
        _report_unread(file)
        key = _choose_detector(file)
        parts, scan_shape = _find_frames(file, key)
        parts = parts.filled_from(request.spare)
        shape, probe = parts.complete()
        side = frames.common_side(shape, probe.shape)
        pixel = nexus_entry.object_pixel(file, key, side, parts)
        pair, x, y, axes = _find_places(file, scan_shape)
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
                f"places of {pair[0]} and {pair[1]}{axes}",
            ),
        )


def _open_entry(root: h5py.File, path: Path) -> NexusEntry | None:
    for name in _ENTRIES:
        if isinstance(root.get(name), h5py.Group):
            return NexusEntry(root, path, name)
    return None


def _report_unread(file: NexusEntry) -> None:
    """Say which further entries with frames are left alone: one scan is read of a file."""
    more = [
        name
        for name in file.root
        if re.fullmatch(r"entry\d*", name)
        and name != file.entry
        and isinstance(file.root.get(name), h5py.Group)
        and _list_detectors(NexusEntry(file.root, file.path, name))
    ]
    if more:
        _log.warning("%s: %s not read, only %s is", file.path.name, ", ".join(more), file.entry)


def _list_detectors(file: NexusEntry) -> list[str]:
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


def _choose_detector(file: NexusEntry) -> str:
    keys = _list_detectors(file)
    if len(keys) != 1:
        raise InputError(
            f"{file.path}: {file.entry}",
            expected="frames of one detector",
            found=", ".join(keys) or "none",
            remedy="write the frames of one, with xcoords, ycoords and probeGuess, as NPZ",
        )
    return keys[0]


def _find_frames(file: NexusEntry, key: str) -> tuple[Pieces, tuple[int, ...]]:
    root, path = file.root, file.path
    where = f"{path}: {key}"
    opened = hdf5.open_frames(root, path, key)
    seen: FrameStore = opened
    scan_shape = tuple(opened.shape[:-2])
    if len(scan_shape) > 1:
        seen = FlattenedFrames(seen)
    home = key.rpartition("/")[0]
    mask, mask_where, mask_keys = hdf5_masks.find_mask(
        root,
        path,
        bits={f"{home}/{name}": 0 for name in _MASK_KEYS},
        unclear=[f"{home}/{name}" for name in _UNCLEAR_MASKS],
    )
    parts = Pieces(
        frames=seen,
        frame_shape=seen.shape,
        frame_where=where,
        kind="intensity",
        probe_where=f"{path}: a probe, which files of a beamline do not hold",
        valid_mask=mask,
        mask_where=mask_where,
        limit=detector_limits.read_limit(root, path, home),
        marks=hdf5.list_marks(opened.stored),
        files=hdf5_links.list_all(root, path, key, *mask_keys),
    )
    return parts, scan_shape


def _list_pairs(file: NexusEntry) -> list[tuple[str, str]]:
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


def _pairs_of(file: NexusEntry, home: str) -> list[tuple[str, str]]:
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
    file: NexusEntry, scan_shape: tuple[int, ...]
) -> tuple[tuple[str, str], NDArray[Any], NDArray[Any], str]:
    """Return the pair of motors, places (M,) along x and y [m], and whose axes these are."""
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
    x, y = (
        checks.list_places(values, scan_shape, f"{file.path}: {key}")
        for key, values in zip(pair, (x, y), strict=True)
    )
    vectors = [_read_vector(file, key) for key in pair]
    if all(vector is None for vector in vectors):
        return pair, x, y, ""
    along = [
        default if vector is None else vector
        for vector, default in zip(vectors, np.eye(2), strict=True)
    ]
    if x.shape != y.shape:
        return pair, x, y, ""  # refused by the checks of positions, in their words
    places = x[:, None] * along[0] + y[:, None] * along[1]
    return pair, places[:, 0], places[:, 1], ", along the vectors of the file"


def _read_vector(file: NexusEntry, key: str) -> NDArray[np.float64] | None:
    """Return the direction of a motor along x and y, as its file states it; None without.

    Raises:
        InputError: It does not move across the beam.
    """
    stated = file.root[key].attrs.get("vector")
    if stated is None:
        return None
    where = f"{file.path}: {key}.vector"
    vector = np.ravel(np.asarray(stated, np.float64))
    length = float(np.linalg.norm(vector))
    is_across = vector.size == _SPACE and length > 0 and abs(vector[2]) < _ACROSS * length
    if not is_across:
        raise InputError(
            where,
            expected="a direction across the beam, z",
            found=f"{vector.tolist()}",
            remedy="write the places along x and y as xcoords and ycoords of an NPZ file",
        )
    return np.asarray(vector[:2] / length)


def _read_places(file: NexusEntry, key: str) -> NDArray[np.float64]:
    stored = hdf5.array(file.root, file.path, key).astype(np.float64)
    has_unit = bool(units.unit_of(file.root, key))
    factor = units.length_factor(file.root, file.path, key) if has_unit else _MICROMETRE
    return stored * factor
