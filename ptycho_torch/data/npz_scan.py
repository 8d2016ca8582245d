"""NPZ file to raw scan: names of the keys, legacy duplicates, metadata."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import npz_archive
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.raw_scan import RawScan, ScanHeader
from ptycho_torch.errors import InputError

FRAME_KEYS = ("diff3d", "diffraction")
IGNORED_KEYS = ("Y", "label", "norm_Y_I")

_log = logging.getLogger(__name__)


@contextmanager
def opened(path: Path, map_above: int) -> Iterator[RawScan]:
    """Open an NPZ scan; frames over ``map_above`` bytes are mapped, not read.

    Raises:
        InputError: The archive is damaged, or one of the required pieces is missing.
    """
    with ExitStack() as stack:
        archive = stack.enter_context(npz_archive.opened(path))
        frame_key = _frame_key(archive)
        for key in IGNORED_KEYS:
            if key in archive.members:
                _log.info("%s: %s is not used", path.name, key)
        is_mapped = archive.members[frame_key].size_bytes > map_above
        if is_mapped:
            frames = stack.enter_context(archive.mapped(frame_key))
        else:
            frames = archive.read(frame_key)
        yield RawScan(
            frames=frames,
            frames_stay=not is_mapped or archive.is_stored(frame_key),
            x=_required(archive, "xcoords"),
            y=_required(archive, "ycoords"),
            probe=_required(archive, "probeGuess"),
            object_canvas=_optional(archive, "objectGuess"),
            object_mask=_optional(archive, "objectMask"),
            scan_index=_optional(archive, "scan_index"),
            valid_mask=_optional(archive, "valid_mask"),
            nphotons=_stated_photons(archive),
            pixel_size_m=_stated_pixel(archive),
            names={
                "frames": frame_key,
                "x": "xcoords",
                "y": "ycoords",
                "probe": "probeGuess",
                "object": "objectGuess",
            },
        )


def peek(path: Path) -> ScanHeader:
    """Read headers and metadata only; the frames stay on disk.

    Raises:
        InputError: The archive is damaged or one of the required pieces is missing.
    """
    with npz_archive.opened(path) as archive:
        frames = archive.members[_frame_key(archive)]
        points = archive.members[_require(archive, "xcoords")].shape
        probe = archive.members[_require(archive, "probeGuess")].shape
        sizes = [size for size in frames.shape if size != 1] or [1]
        point_count = points[0] if points else 0
        canonical = len(sizes) < 3 or sizes[0] == point_count  # noqa: PLR2004 - frames are 3-D
        return ScanHeader(
            N=sizes[-1] if canonical else sizes[0],
            point_count=point_count,
            probe_modes=probe[0] if len(probe) == 3 and probe[-1] != 1 else 1,  # noqa: PLR2004
            nphotons=_stated_photons(archive),
            pixel_size_m=_stated_pixel(archive),
        )


def _frame_key(archive: NpzArchive) -> str:
    present = [key for key in FRAME_KEYS if key in archive.members]
    if not present:
        raise InputError(
            f"{archive.path}: diff3d",
            expected="diffraction amplitudes under diff3d or diffraction",
            found=f"only {', '.join(sorted(archive.members)) or 'nothing'}",
        )
    if len(present) > 1 and not _same(archive, *present):
        raise InputError(
            f"{archive.path}: diff3d",
            expected="diff3d and diffraction to be equal when both are present",
            found="different values",
            remedy="remove the one that is not the amplitude",
        )
    return present[0]


def _same(archive: NpzArchive, first: str, second: str) -> bool:
    if archive.members[first].shape != archive.members[second].shape:
        return False
    return bool(np.array_equal(archive.read(first), archive.read(second)))


def _require(archive: NpzArchive, key: str) -> str:
    if key not in archive.members:
        raise InputError(
            f"{archive.path}: {key}",
            expected="the key to be present",
            found=f"only {', '.join(sorted(archive.members))}",
        )
    return key


def _required(archive: NpzArchive, key: str) -> NDArray[Any]:
    return archive.read(_require(archive, key))


def _optional(archive: NpzArchive, key: str) -> NDArray[Any] | None:
    return archive.read(key) if key in archive.members else None


def _metadata(archive: NpzArchive) -> dict[str, Any]:
    """Decode ``_metadata``; pickled text is skipped, never unpickled."""
    where = f"{archive.path}: _metadata"
    if "_metadata" not in archive.members:
        return {}
    if archive.members["_metadata"].dtype.hasobject:
        _log.warning("%s: _metadata is a pickled object and is skipped", archive.path.name)
        return {}
    stored = archive.read("_metadata")
    if stored.ndim != 0 or stored.dtype.kind not in "US":
        raise InputError(
            where, expected="one JSON text", found=f"{stored.dtype} {stored.shape}"
        )
    value = stored.item()
    try:
        decoded = json.loads(value.decode() if isinstance(value, bytes) else value)
    except ValueError as error:
        raise InputError(where, expected="JSON text", found=str(error)) from error
    if not isinstance(decoded, dict):
        raise InputError(where, expected="a JSON object", found=type(decoded).__name__)
    return decoded


def _stated(archive: NpzArchive, name: str) -> float | None:
    parameters = _metadata(archive).get("physics_parameters", {})
    value = parameters.get(name) if isinstance(parameters, dict) else None
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
        raise InputError(
            f"{archive.path}: _metadata.physics_parameters.{name}",
            expected="a positive number",
            found=repr(value),
        )
    return float(value)


def _stated_photons(archive: NpzArchive) -> float | None:
    return _stated(archive, "nphotons")


def _stated_pixel(archive: NpzArchive) -> float | None:
    return _stated(archive, "pixel_size_m")
