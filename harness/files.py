"""Atomic, durable file writes and digests with the standard library only."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.errors import StorageError

_CHUNK = 1 << 20
_LARGEST_CACHE = 64 << 20


def sha256_bytes(content: bytes) -> str:
    """Digest bytes in memory."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Digest a file without reading it whole."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def storage(where: Path, expected: str, then: str = "run again") -> Iterator[None]:
    """Name the place, and what to do, when the disk refuses what is done within.

    Args:
        where: What is written or removed.
        expected: What the disk should have allowed.
        then: What to do once there is space, or the permissions are right.

    Raises:
        StorageError: The disk refused.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            str(where),
            found=error.strerror or str(error),
            expected=expected,
            remedy=f"Free space or fix the permissions, then {then}.",
        ) from error


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file under a temporary name and rename it into place.

    Raises:
        StorageError: The disk refused; nothing half-written is left behind.
    """
    import tempfile  # noqa: PLC0415 - with all that it imports, for what only reads to save

    temporary = None
    try:
        with storage(path, "a writable place"):
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            temporary = Path(name)
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                os.fchmod(stream.fileno(), mode)
            temporary.replace(path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, content: str, *, mode: int = 0o644) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, content.encode(), mode=mode)


def json_bytes(value: Any) -> bytes:
    """Encode as sorted, indented JSON; NaN and ±inf are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return (text + "\n").encode()


def read_cache(path: Path, schema: int) -> dict[str, Any]:
    """Read a cache, which may be deleted, cut or written by anybody: then it holds nothing.

    Args:
        path: JSON file of an object.
        schema: What its key ``schema`` must say.

    Returns:
        The object, or an empty one when the file is missing, too large or not such a cache.
    """
    try:
        if path.stat().st_size > _LARGEST_CACHE:
            return {}
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and value.get("schema") == schema else {}
