"""Arrays of this package: `diff3d`, `xcoords`, `ycoords`, `probeGuess`.

Names of the keys, legacy duplicates, metadata.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import npz_archive, pieces, units
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.data.scan_reader import ScanRequest, ScanSource
from ptycho_torch.errors import InputError

IGNORED_KEYS = ("Y", "label", "norm_Y_I")

_log = logging.getLogger(__name__)


def recognise(source: ScanSource) -> bool:
    """The position lists of this package have names of their own."""
    return source.container == "npz" and source.holds("xcoords")


@contextmanager
def open_scan(request: ScanRequest) -> Iterator[RawScan]:
    """Open an NPZ scan.

    Raises:
        InputError: The archive is damaged, or one of the required pieces is missing.
    """
    path, spare, with_frames = request.path, request.spare, request.with_frames
    with ExitStack() as stack:
        archive = stack.enter_context(npz_archive.open_archive(path))
        for key in IGNORED_KEYS:
            if key in archive.members:
                _log.info("%s: %s is not used", path.name, key)
        parameters = _physics_parameters(archive)
        parts = pieces.find_in_npz(archive, stack, with_frames=with_frames)
        yield RawScan(
            pieces=parts.filled_from(spare),
            x=_require_array(archive, "xcoords"),
            y=_require_array(archive, "ycoords"),
            where_x=f"{path}: xcoords",
            where_y=f"{path}: ycoords",
            object_canvas=_optional(archive, "objectGuess"),
            object_where=f"{path}: objectGuess",
            object_mask=_optional(archive, "objectMask"),
            scan_index=_optional(archive, "scan_index"),
            nphotons=_read_stated(archive, parameters, "nphotons"),
            pixel_size_m=_pixel(archive, parameters),
        )


def _require_array(archive: NpzArchive, key: str) -> NDArray[Any]:
    if key not in archive.members:
        raise InputError(
            f"{archive.path}: {key}",
            expected="the key to be present",
            found=f"only {', '.join(sorted(archive.members)) or 'nothing'}",
        )
    return archive.read(key)


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


def _physics_parameters(archive: NpzArchive) -> dict[str, Any]:
    parameters = _metadata(archive).get("physics_parameters", {})
    if not isinstance(parameters, dict):
        raise InputError(
            f"{archive.path}: _metadata.physics_parameters",
            expected="a JSON object",
            found=repr(parameters),
        )
    return parameters


def _pixel(archive: NpzArchive, parameters: dict[str, Any]) -> float | None:
    stated = _read_stated(archive, parameters, "pixel_size_m")
    where = f"{archive.path}: _metadata.physics_parameters.pixel_size_m"
    return None if stated is None else units.check_pixel(stated, where, "the file's own word")


def _read_stated(archive: NpzArchive, parameters: dict[str, Any], name: str) -> float | None:
    value = parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < np.inf:
        raise InputError(
            f"{archive.path}: _metadata.physics_parameters.{name}",
            expected="a positive number",
            found=repr(value),
        )
    return float(value)
