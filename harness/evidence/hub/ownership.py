"""Which runs live: each holds the lock of a file that says whose process it is.

The kernel lets go of the lock when the run dies. A child that was just being started shares
it until it executes its program: then the owner is gone, the lock is not, and whoever clears
waits for it a little.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from harness import files

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_LIMIT = 200
_PAUSE_S = 0.005


class Ownership:
    """The lock that a living run holds."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            StorageError: The disk refused.
        """
        with files.storage(path, "a writable place"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._path, self._handle = path, _is_locked(path)
            try:
                os.pwrite(self._handle, f"{os.getpid()} {_machine()}".encode(), 0)
            except OSError:
                self.release()
                raise

    def release(self) -> None:
        """Remove the lock file and let go."""
        self._path.unlink(missing_ok=True)
        os.close(self._handle)


def take_over(path: Path, deadline: float) -> int | None:
    """Lock the file of a run that died.

    Args:
        path: The lock file.
        deadline: Until when to wait for a lock whose owner is gone, on the monotonic clock [s].

    Returns:
        A descriptor that holds the lock until it is closed; nothing while the run lives.

    Raises:
        FileNotFoundError: Nobody owns the run: it has ended, or never was.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError:
        return None  # not ours to clear
    try:
        while not _is_ours(handle):
            if not _is_gone(handle) or time.monotonic() > deadline:
                os.close(handle)
                return None
            time.sleep(_PAUSE_S)
    except OSError:  # a file system without locks: nothing tells who lives
        os.close(handle)
        return None
    return handle


def is_held(path: Path) -> bool:
    """Say whether a process holds the lock of a run, which then lives."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        return not _is_ours(handle)
    except OSError:  # a file system without locks: nothing tells who lives
        return False
    finally:
        os.close(handle)


def _is_locked(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        if files.lock(handle, path):
            return handle
        os.close(handle)  # taken for a dead run's before it was locked, and removed


def _is_ours(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_gone(handle: int) -> bool:
    """Say whether the process that signed is known to be no more; a zombie holds nothing."""
    pid, _, machine = os.pread(handle, _LIMIT, 0).decode("ascii", "replace").partition(" ")
    if not pid.isdecimal() or not machine or machine != _machine():
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return not Path(f"/proc/{pid}").exists()
    return state in ("Z", "X")


def _machine() -> str:
    """Name what process numbers count in: this boot and namespace; nothing where not told."""
    try:
        return f"{_BOOT.read_text().strip()} {_NAMESPACE.readlink()}"
    except OSError:
        return ""
