"""The zip container of a bundle: fixed members, stored as they are, nothing hidden.

Everything here treats the file as untrusted: names, order, sizes and the total length
are checked before any member is interpreted.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ptycho_torch.errors import BundleError

MANIFEST = "bundle.json"
MODEL = "model.safetensors"
PROBE = "probe.safetensors"
HISTORY = "history.csv"
MEMBERS = (MANIFEST, MODEL, PROBE, HISTORY)

_MIB = 1 << 20
# Held against the directory of the file before a member is read.
LIMITS: Mapping[str, int] = {
    MANIFEST: _MIB,
    MODEL: 2048 * _MIB,
    PROBE: 2048 * _MIB,
    HISTORY: 16 * _MIB,
}
# The earliest that a zip file can say: the time of writing would give equal models other
# bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
_RETRAIN = "train again"


def pack(members: Mapping[str, bytes]) -> bytes:
    """Lay the members out in their order, with fixed timestamps."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            about = zipfile.ZipInfo(name, date_time=_DATE)
            # Unix, wherever it is written: zipfile would state the system that it runs on.
            about.create_system = 3
            about.external_attr = 0o644 << 16
            archive.writestr(about, members[name])
    return stream.getvalue()


def unpack(path: Path, content: bytes) -> dict[str, bytes]:
    """Take the members apart.

    Args:
        path: Named in errors.
        content: The whole file.

    Returns:
        The bytes of each member.

    Raises:
        BundleError: Not a zip, a missing or foreign member, a compressed or oversized
            one, a wrong checksum, or bytes that belong to no member.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_names(path, [entry.filename for entry in entries])
            _check_sizes(path, entries)
            members = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise BundleError(
            str(path), expected="a whole zip file", found=str(error), remedy=_RETRAIN
        ) from error
    if pack(members) != content:
        # Timestamps, comments, prefixes: no byte may differ from what the writer makes.
        raise BundleError(
            str(path), expected="members and nothing else", found="other bytes", remedy=_RETRAIN
        )
    return members


def _check_names(path: Path, names: list[str]) -> None:
    foreign = [name for name in names if name not in MEMBERS]
    if foreign:
        raise BundleError(
            f"{path}: {foreign[0]!r}",
            expected=f"only {', '.join(MEMBERS)}",
            found="a foreign member",
            remedy="such a bundle is not trusted; train again",
        )
    if names != list(MEMBERS):
        raise BundleError(
            str(path),
            expected=f"the members {', '.join(MEMBERS)}, each once and in this order",
            found=", ".join(names) or "none",
            remedy=_RETRAIN,
        )


def _check_sizes(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    for entry in entries:
        where, limit = f"{path}: {entry.filename}", LIMITS[entry.filename]
        # Bit 0 of the flags says encrypted (APPNOTE, section 4.4.4).
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise BundleError(where, expected="a stored member", found="a packed one")
        if entry.file_size > limit:
            raise BundleError(
                where, expected=f"at most {limit} bytes", found=str(entry.file_size)
            )
