"""One writer at a time: a lock that dies with its owner and says who holds it.

The kernel owns the lock (``flock``), so a dead owner holds nothing and there is no unlocking
by hand; the file carries pid, boot id and start time of the owner for people and messages.

Source: design of the harness, section 7.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.errors import LockTimeoutError, StorageError

WAIT_S = 30.0
_PAUSE_S = (0.001, 0.02)
_BOOT = Path("/proc/sys/kernel/random/boot_id")


def owner() -> dict[str, str | int]:
    """Describe this process so that no later process can be taken for it."""
    return {"pid": os.getpid(), "boot": _boot_id(), "start": _start_time()}


def _boot_id() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return "unknown"


def _start_time() -> str:
    """Clock ticks after boot at which this process began, where the system tells."""
    try:
        return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "unknown"


@contextlib.contextmanager
def hold(path: Path, wait_s: float = WAIT_S) -> Iterator[None]:
    """Hold the lock file ``path`` while the body runs.

    Args:
        path: Lock file; it exists only while somebody holds it, or after a crash.
        wait_s: Longest wait for a living owner [s].

    Raises:
        LockTimeoutError: A living process kept the lock for longer.
        StorageError: The file system refuses the lock file.
    """
    handle = _acquire(path, time.monotonic() + wait_s, wait_s)
    try:
        yield
    finally:
        # Unlinked while held: whoever opened this file meanwhile sees that it is no longer
        # the one at the path, and opens again.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(handle)


def _acquire(path: Path, deadline: float, wait_s: float) -> int:
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if files.is_at(handle, path):
                _sign(handle)
                return handle
            os.close(handle)
        except BlockingIOError:
            os.close(handle)
            if time.monotonic() > deadline:
                raise _timeout(path, wait_s) from None
            _pause()
        except OSError as error:
            os.close(handle)
            raise _refused_error(path, error) from error


def _pause() -> None:
    import random  # noqa: PLC0415 - a lock is rarely waited for

    time.sleep(random.uniform(*_PAUSE_S))  # noqa: S311 - spreads the waiters, no secret


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o644)
    except OSError as error:
        raise _refused_error(path, error) from error


def _sign(handle: int) -> None:
    record = json.dumps(owner()).encode() + b"\n"
    os.pwrite(handle, record, 0)
    # Cut what a dead owner left, never to nothing: ext4 takes a file that was cut to nothing
    # for one that is being replaced, and its close waits for the disk.
    if os.fstat(handle).st_size > len(record):
        os.ftruncate(handle, len(record))


def _holder(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            owner_text = stream.read(512)
        record = json.loads(owner_text)
        return f"process {int(record['pid'])}, boot {str(record['boot'])[:36]}"
    except (OSError, ValueError, OverflowError, KeyError, TypeError):
        return "another process"


def _timeout(path: Path, wait_s: float) -> LockTimeoutError:
    return LockTimeoutError(
        str(path),
        found=f"the lock held by {_holder(path)}",
        expected=f"the lock within {wait_s:g} s",
        remedy="Wait for that process or end it, then run again.",
    )


def _refused_error(path: Path, error: OSError) -> StorageError:
    return StorageError(
        str(path),
        found=error.strerror or str(error),
        expected="a lock file",
        remedy="Free space, fix the permissions, or use a file system with locks.",
    )
