"""Regular files in, SHA-256 digests out: never a link followed, never an unbounded read.

Source: design of the harness, section 8 (nothing outside the root, sizes bounded).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from harness.errors import IntegrityError

CHUNK = 1 << 20
_BUFFER = 256 << 10  # read again and again into what the processor's cache holds
_MOST_THREADS = 8
THREAD_SIZE = 256 << 10
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_KINDS = {
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
}


def kind_of(mode: int) -> str:
    """Name the type of a file from its mode, for messages."""
    return _KINDS.get(stat.S_IFMT(mode), "an unknown type of file")


def damage(where: str, found: str, expected: str) -> IntegrityError:
    """Return the error of a file that is not what was sealed."""
    remedy = "Restore it from a copy, or run the suite again."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)


def join_inside(root: Path, relative: str) -> Path:
    """Return a path below a folder, once none of the folders between is a link.

    Raises:
        IntegrityError: One is.
    """
    path = root
    for part in relative.split("/")[:-1]:
        path = path / part
        if path.is_symlink():
            raise damage(str(path), "a symbolic link", "a folder")
    return root / relative


@contextlib.contextmanager
def open_regular(path: Path) -> Iterator[tuple[int, int]]:
    """Open a regular file without following links; give its descriptor and size [bytes].

    Raises:
        IntegrityError: The path is a link, a FIFO, a device or cannot be read.
    """
    handle, size = _open(os.fspath(path))
    try:
        yield handle, size
    finally:
        os.close(handle)


def _open(name: str) -> tuple[int, int]:
    try:
        file_status = os.lstat(name)
        # Looked at before it is opened: opening a device may have effects.
        if not stat.S_ISREG(file_status.st_mode):
            raise damage(name, kind_of(file_status.st_mode), "a file")
        handle = os.open(name, _FLAGS)
    except (OSError, ValueError) as error:
        raise damage(name, _reason(error), "a readable file") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise damage(name, kind_of(status.st_mode), "a file")
    return handle, status.st_size


def _reason(error: OSError | ValueError) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return (said or "trouble").lower()


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes.

    Raises:
        IntegrityError: No regular file, unreadable, or larger than ``limit``.
    """
    with open_regular(path) as (handle, size):
        if size > limit:
            raise damage(str(path), f"{size} bytes", f"at most {limit} bytes")
        parts, left = [], limit + 1
        while left and (part := _chunk(path, handle, min(CHUNK, left))):
            parts.append(part)
            left -= len(part)
        if not left:
            raise damage(str(path), "a file that grows", f"at most {limit} bytes")
        return b"".join(parts)


def _chunk(path: Path, handle: int, size: int) -> bytes:
    try:
        return os.read(handle, size)
    except OSError as error:
        raise damage(str(path), _reason(error), "a readable file") from error


def sha256(path: Path, limit: int | None = None) -> str:
    """Digest a regular file; one larger than ``limit`` bytes, when given, is not read.

    Raises:
        IntegrityError: No regular file, unreadable, or larger than ``limit``.
    """
    return _sha256(os.fspath(path), limit, None)


def _sha256(name: str, limit: int | None, buffer: memoryview | None) -> str:
    """Digest a file through a buffer that may be used again."""
    summer = hashlib.sha256()
    handle, left = _open(name)
    try:
        if limit is not None and left > limit:
            raise damage(name, f"{left} bytes", f"at most {limit} bytes")
        if buffer is None:
            buffer = memoryview(bytearray(min(_BUFFER, left + 1)))
        while count := _fill_buffer(name, handle, buffer):
            left -= count
            if left < 0:
                break
            summer.update(buffer[:count])
            if not left and count < len(buffer):
                break  # a short read: here the file ends
    finally:
        os.close(handle)
    if left:
        raise damage(name, "a file that changes while it is read", "a sealed file")
    return summer.hexdigest()


def _fill_buffer(name: str, handle: int, buffer: memoryview) -> int:
    try:
        return os.readv(handle, [buffer])
    except OSError as error:
        raise damage(name, _reason(error), "a readable file") from error


def sha256_all(
    jobs: Sequence[tuple[str, int]], done: Callable[[int], None] | None = None
) -> list[str | IntegrityError]:
    """Digest many files; large ones on all cores, small ones one after the other.

    Args:
        jobs: Path and the size it is known to have [bytes].
        done: Called with the bytes of each file that is finished.

    Returns:
        A digest, or the error that names what stood in the way, for each job in order.
    """
    answers: list[str | IntegrityError] = [""] * len(jobs)

    def work(indices: Iterator[int]) -> None:
        buffer = memoryview(bytearray(_BUFFER))
        for index in indices:
            name, size = jobs[index]
            try:
                answers[index] = _sha256(name, size, buffer)
            except IntegrityError as error:
                answers[index] = error
            if done is not None:
                done(size)

    large = [index for index, (_, size) in enumerate(jobs) if size > THREAD_SIZE]
    helpers = min(_MOST_THREADS, os.cpu_count() or 1, len(large)) - 1
    if helpers < 1:
        work(iter(range(len(jobs))))
        return answers
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - 6 ms that most hubs save

    large.sort(key=lambda index: jobs[index][1], reverse=True)  # no long one starts last
    small = (index for index, (_, size) in enumerate(jobs) if size <= THREAD_SIZE)
    waiting = iter(large)
    with ThreadPoolExecutor(helpers) as pool:
        helping = [pool.submit(work, waiting) for _ in range(helpers)]
        try:
            work(small)
            work(waiting)
        finally:
            large.clear()  # whoever is interrupted waits for no more than the files begun
        for each in helping:
            each.result()
    return answers
