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


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[int, int]]:
    """Open a regular file without following links; give its descriptor and size [bytes].

    Raises:
        IntegrityError: The path is a link, a FIFO, a device or cannot be read.
    """
    name = os.fspath(path)
    try:
        found = os.lstat(name)
        if not stat.S_ISREG(found.st_mode):  # asked first: opening a device may have effects
            raise damage(name, kind_of(found.st_mode), "a file")
        handle = os.open(name, _FLAGS)
    except (OSError, ValueError) as error:
        raise damage(str(path), _said(error), "a readable file") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise damage(str(path), kind_of(status.st_mode), "a file")
        yield handle, status.st_size
    finally:
        os.close(handle)


def _said(error: OSError | ValueError) -> str:
    said = error.strerror if isinstance(error, OSError) else str(error)
    return (said or "trouble").lower()


def read(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes.

    Raises:
        IntegrityError: No regular file, unreadable, or larger than ``limit``.
    """
    with opened(path) as (handle, size):
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
        raise damage(str(path), _said(error), "a readable file") from error


def _into(path: Path, handle: int, buffer: memoryview) -> int:
    try:
        return os.readv(handle, [buffer])
    except OSError as error:
        raise damage(str(path), _said(error), "a readable file") from error


def sha256(path: Path, limit: int | None = None) -> str:
    """Digest a regular file, reading no more than ``limit`` bytes when that is given.

    Raises:
        IntegrityError: No regular file, unreadable, or larger than ``limit``.
    """
    summer = hashlib.sha256()
    with opened(path) as (handle, size):
        if limit is not None and size > limit:
            raise damage(str(path), f"{size} bytes", f"at most {limit} bytes")
        buffer, left = memoryview(bytearray(min(_BUFFER, size))), size
        while left and (count := _into(path, handle, buffer[:left])):
            summer.update(buffer[:count])
            left -= count
        if left or _chunk(path, handle, 1):
            raise damage(str(path), "a file that changes while it is read", "a sealed file")
    return summer.hexdigest()


def sha256_all(
    jobs: Sequence[tuple[Path, int]], done: Callable[[int], None] | None = None
) -> list[str | IntegrityError]:
    """Digest many files; large ones on all cores, small ones one after the other.

    Args:
        jobs: Path and the size it is known to have [bytes].
        done: Called with the bytes of each file that is finished.

    Returns:
        A digest, or the error that names what stood in the way, for each job in order.
    """

    def one(job: tuple[Path, int]) -> str | IntegrityError:
        try:
            return sha256(job[0], limit=job[1])
        except IntegrityError as error:
            return error
        finally:
            if done is not None:
                done(job[1])

    if sum(size > THREAD_SIZE for _, size in jobs) < 2:  # noqa: PLR2004 - one needs no second thread
        return [one(job) for job in jobs]
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - 20 ms that most hubs save

    large = [i for i, (_, size) in enumerate(jobs) if size > THREAD_SIZE]
    answers: dict[int, str | IntegrityError] = {}
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        promised = {i: pool.submit(one, jobs[i]) for i in large}
        for i, job in enumerate(jobs):
            if i not in promised:
                answers[i] = one(job)
        answers |= {i: promise.result() for i, promise in promised.items()}
    return [answers[i] for i in range(len(jobs))]
