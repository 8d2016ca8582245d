"""Python's calls to the file system, counted, and the N-th of them made to fail or to kill.

Only what touches the store under test is counted, so that N means the same call in each run.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EACCES": errno.EACCES}
ACTIONS = (*ERRORS, "short", "kill")
_BY_PATH = ("open", "rename", "replace", "link", "unlink", "remove", "mkdir", "rmdir", "chmod")
_BY_HANDLE = ("fsync", "ftruncate", "fchmod")
_WRITES = ("write", "pwrite")


class Injector:
    """Counts the calls below ``root``; the ``nth`` one (from 1) meets ``action``.

    ``short`` writes half of what it is given, and the write after it finds the disk full.
    """

    def __init__(self, root: Path, nth: int, action: str) -> None:
        """Take the place that counts; nothing is replaced yet."""
        self.count = 0
        self.nth = nth
        self.log: list[str] = []
        self._root, self._action = str(root), action
        self._is_full = False

    def install(self) -> None:
        """Replace the calls for the rest of this process, which ends after the test."""
        for name in _BY_PATH:
            setattr(os, name, self._guard(name, getattr(os, name), self._names))
        for name in _BY_HANDLE:
            setattr(os, name, self._guard(name, getattr(os, name), self._holds))
        for name in _WRITES:
            setattr(os, name, self._writing(name, getattr(os, name)))
        opened = self._opening(io.open)
        io.open = builtins.open = os.fdopen = opened  # type: ignore[assignment]

    def _names(self, path: Any) -> bool:
        return not isinstance(path, int) and os.fspath(path).startswith(self._root)

    def _holds(self, handle: Any) -> bool:
        if not isinstance(handle, int):
            return self._names(handle)
        kind = stat.S_IFMT(os.fstat(handle).st_mode)
        return kind in (stat.S_IFREG, stat.S_IFDIR) and self._names(_path_of(handle))

    def _step(self, name: str) -> bool:
        """Count a call; True when a write must be short."""
        self.count += 1
        self.log.append(name)
        if self.count != self.nth:
            return False
        if self._action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._action == "short":
            self._is_full = name in ("write", "pwrite")
            return self._is_full
        raise OSError(ERRORS[self._action], os.strerror(ERRORS[self._action]))

    def _guard(
        self, name: str, real: Callable[..., Any], is_ours: Callable[[Any], bool]
    ) -> Callable[..., Any]:
        def call(first: Any, *arguments: Any, **named: Any) -> Any:
            if is_ours(first):
                self._step(name)
            return real(first, *arguments, **named)

        return call

    def _writing(self, name: str, real: Callable[..., int]) -> Callable[..., int]:
        def call(handle: int, content: Any, *rest: Any) -> int:
            return self.write(name, handle, content, lambda part: real(handle, part, *rest))

        return call

    def write(self, name: str, handle: int, content: Any, real: Callable[[Any], int]) -> int:
        """Count and make one write to an open file."""
        if not self._holds(handle):
            return real(content)
        if self._is_full:
            self._is_full = False
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        is_short = self._step(name)
        view = memoryview(content)
        return real(view[: len(view) // 2] if is_short and len(view) > 1 else view)

    def _opening(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(
            file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **named: Any
        ) -> Any:
            if not isinstance(file, int) and self._names(file):
                self._step("open")
            is_ours = self._holds(file) if isinstance(file, int) else self._names(file)
            if not is_ours or mode not in ("wb", "ab", "xb", "r+b", "rb+"):
                return real(file, mode, buffering, *rest, **named)
            raw = _CountedFile(self, file, mode.replace("b", ""))
            return raw if buffering == 0 else io.BufferedWriter(raw)

        return call


class _CountedFile(io.FileIO):
    """A file whose writes pass through the injector."""

    def __init__(self, injector: Injector, file: Any, mode: str) -> None:
        super().__init__(file, mode)
        self._injector = injector

    def write(self, content: Any) -> int:
        return self._injector.write("write", self.fileno(), content, super().write)


def _path_of(handle: int) -> str:
    """Return where an open file lies (Linux), whether or not its name still exists."""
    return str(Path(f"/proc/self/fd/{handle}").readlink())
