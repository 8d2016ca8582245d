"""Atomic, durable file writes and digests with the standard library only."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import StorageError

_CHUNK = 1 << 20
_LARGEST_CACHE = 64 << 20
_ALONE = re.compile("[\ud800-\udfff]")  # half of a pair, which UTF-8 has no bytes for
_PART = re.compile(r"\..+\.[0-9]{1,9}\.part")
# What most names look like, and so may stand in a hub without a closer look.
_PLAIN = re.compile(r"[\w-][\w.-]{0,254}(?:/[\w-][\w.-]{0,254}){0,31}", re.ASCII)
DEPTH_LIMIT, NAME_LIMIT = 32, 255
_OPEN = os.O_CLOEXEC | os.O_NOFOLLOW


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

    The temporary file is locked while its writer lives. What a killed one left goes with the
    next write to the same path, or with ``clear_parts``.

    Raises:
        StorageError: The disk refused; nothing half-written is left behind.
    """
    with storage(path, "a writable place"):
        temporary, handle = _part_of(path)
        try:
            with os.fdopen(os.dup(handle), "wb") as stream:
                stream.write(content)
                with contextlib.suppress(PermissionError):  # a file system without modes
                    os.fchmod(stream.fileno(), mode)
            temporary.replace(path)
        finally:
            if is_at(handle, temporary):  # not yet renamed
                temporary.unlink()
            os.close(handle)


def _part_of(path: Path) -> tuple[Path, int]:
    """Make and lock a temporary file beside ``path``; those of living writers are passed by."""
    number = 0
    while True:
        part = path.with_name(f".{path.name}.{number}.part")
        try:
            handle = os.open(part, _OPEN | os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            number += not _clear_temporary(part)
            continue
        if lock(handle, part):
            return part, handle
        os.close(handle)


def lock(handle: int, path: Path) -> bool:
    """Lock an open file, for as long as its descriptor or this process lives.

    Returns:
        False when the file is no longer the one at ``path``: who clears took it away.
    """
    with contextlib.suppress(OSError):  # no locks here: then nobody can clear here either
        fcntl.flock(handle, fcntl.LOCK_EX)
    return is_at(handle, path)


def is_at(handle: int, path: Path) -> bool:
    """Say whether an open file is still the one at a path; links are not followed."""
    try:
        there = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, links left out; none where it cannot be read."""
    try:
        return [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def clear_parts(folder: Path) -> None:
    """Remove the temporary files that dead writers left in a folder."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names only
    except OSError:
        return  # no folder, or none of ours: nothing to clear
    for name in names:
        if _PART.fullmatch(name):
            _clear_temporary(folder / name)


def _clear_temporary(part: Path) -> bool:
    """Remove a temporary file; False when its writer lives or it may not be removed."""
    try:
        handle = os.open(part, _OPEN | os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return False
        # Whoever has the lock alone may rename or remove it: the name cannot change hands.
        if is_at(handle, part):
            part.unlink()
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def write_text(path: Path, content: str, *, mode: int = 0o644) -> None:
    """Write a whole UTF-8 file atomically; what is no Unicode is written as an escape."""
    write_bytes(path, content.encode(errors="backslashreplace"), mode=mode)


def json_bytes(value: Any) -> bytes:
    """Encode as sorted, indented JSON; NaN and ±inf are refused.

    A byte of a name that is no UTF-8 is written as the escape by which Python keeps it.
    """
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return _ALONE.sub(lambda m: f"\\u{ord(m[0]):04x}", text + "\n").encode()


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading.

    A link is not followed and nothing is waited for, so that whoever may write a name cannot
    choose what is opened in its place.

    Raises:
        OSError: No regular file, or unreadable.
    """
    # Looked at before it is opened: opening a device may have effects.
    _require_regular(path.lstat().st_mode, path)
    handle = os.open(path, _OPEN | os.O_RDONLY | os.O_NONBLOCK)
    stream = os.fdopen(handle, "rb")
    try:
        _require_regular(os.fstat(handle).st_mode, path)
    except OSError:
        stream.close()
        raise
    return stream


def _require_regular(mode: int, path: Path) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "no regular file", str(path))


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes; see ``open_regular``.

    Raises:
        OSError: No regular file, unreadable, or larger than ``limit``.
    """
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > limit or len(content := stream.read(limit + 1)) > limit:
            raise OSError(errno.EFBIG, f"over {limit:,} bytes", str(path))
        return content


def read_cache(path: Path, schema: int) -> dict[str, Any]:
    """Read a cache, which may be deleted, cut or written by anybody: then it holds nothing.

    Args:
        path: JSON file of an object.
        schema: What its key ``schema`` must say.

    Returns:
        The object, or an empty one when the file is missing, too large or not such a cache.
    """
    try:
        value = json.loads(read_bounded(path, _LARGEST_CACHE))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) and value.get("schema") == schema else {}


def identify(status: os.stat_result) -> list[int]:
    """Return what stays as long as nobody writes a file: device, place, size and times [ns]."""
    return [
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    ]


def path_fault(path: str) -> str | None:
    """Say why a relative path may not stand in a hub; ``None`` when it may.

    Paths are relative, in Unicode normal form C, without ``.``, ``..``, empty or overlong
    parts, backslashes or characters that do not print.
    """
    if _PLAIN.fullmatch(path):
        return None
    parts = path.split("/")
    rules = (
        (not path.isprintable() or "\\" in path, "a control character, backslash or bad byte"),
        (path.startswith("/"), "an absolute path"),
        (any(part in ("", ".", "..") for part in parts), "an empty, '.' or '..' part"),
        (len(parts) > DEPTH_LIMIT, f"more than {DEPTH_LIMIT} folders"),
        (any(_length(part) > NAME_LIMIT for part in parts), f"over {NAME_LIMIT} bytes a name"),
        (unicodedata.normalize("NFC", path) != path, "a name not in normal form C"),
        (path.startswith("#"), "a leading '#'"),  # sha256sum takes it for a comment
    )
    return next((problem for is_wrong, problem in rules if is_wrong), None)


def _length(part: str) -> int:
    # Whatever a record says is measured, half a pair of UTF-16 too: it is refused, not met.
    return len(part.encode(errors="surrogatepass"))


def list_inside(root: Path, folder: str, pattern: str) -> list[Path]:
    """Return what a pattern names in a folder of a project, sorted; none where it leads out."""
    place = root / folder
    inside = real_path(place).is_relative_to(real_path(root))
    return sorted(place.glob(pattern)) if inside else []


def real_path(path: Path) -> Path:
    """Return a path with every link in it followed, as far as links lead anywhere.

    One that leads to itself is left as it is, for whoever opens it to be refused:
    ``Path.resolve`` raises ``RuntimeError`` for it before Python 3.13, and nothing after.
    """
    return Path(os.path.realpath(path))
