"""Atomic writes: a reader sees the old file or the whole new one, never a part."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ptycho_torch.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 20


@contextlib.contextmanager
def open_replacement(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary sibling, empty and readable too, and rename it onto ``path`` at the end.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A sibling: a rename is atomic within one file system only.
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        temporary = Path(name)
        with os.fdopen(handle, "w+b") as stream:
            # mkstemp makes files for their owner alone; results are there to be read by
            # others.
            os.fchmod(stream.fileno(), 0o644)
            yield stream
        temporary.replace(path)
    except OSError as error:
        raise OutputError(
            str(path), expected="a writable file", found=error.strerror or str(error)
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with open_replacement(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 file atomically."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write sorted, indented JSON atomically; a NaN is an error, not a literal."""
    # NaN is no JSON (RFC 8259, section 6): other readers would refuse the whole file.
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def sha256(path: Path) -> str:
    """Digest a file without reading it whole."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
