"""What a process opens, changes and starts, seen by an audit hook and held to its own folder.

The hook cannot be taken away again, so it is set in a fork that ends with the case.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_CHANGES = frozenset(
    {
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.link",
        "os.symlink",
        "os.chmod",
        "os.chown",
        "os.truncate",
        "os.utime",
        "os.mknod",
        "os.mkfifo",
        "os.setxattr",
        "os.removexattr",
        "shutil.rmtree",
        "shutil.move",
        "shutil.copyfile",
    }
)
_STARTS = frozenset(
    {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "pty.spawn"}
)
_NEVER = frozenset(
    {
        "socket.connect",
        "socket.bind",
        "socket.getaddrinfo",
        "pickle.find_class",
        "webbrowser.open",
        "ftplib.connect",
        "urllib.Request",
        "smtplib.connect",
    }
)
# Calls whose last number is the open folder that a relative name begins at.
_NEAR = frozenset({"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.utime"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PROGRAM = Path(__file__).parents[2] / "harness"
_INTERPRETER = (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), *sys.path)
_MACHINE = ("/proc", "/sys", "/etc", "/usr", "/dev/null", "/dev/urandom")


class Watch:
    """Whatever is opened, changed or started and not allowed, as sentences in ``seen``."""

    def __init__(self, inside: Sequence[Path], interpreters: tuple[str, ...]) -> None:
        self.seen: list[str] = []
        self._writable = tuple(os.path.realpath(path) for path in inside)
        readable = (*self._writable, *_INTERPRETER, str(_PROGRAM), *_MACHINE)
        self._readable = tuple(os.path.realpath(path) for path in readable)
        self._programs = frozenset({"git", *interpreters})
        self._is_busy = False

    def start(self) -> None:
        """Watch from here to the end of the process."""
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._is_busy:
            return
        self._is_busy = True
        try:
            self._judge(event, arguments)
        finally:
            self._is_busy = False

    def _judge(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            self._judge_open(*arguments)
        elif event in {"os.listdir", "os.scandir"}:
            self._require(event, arguments[0], self._readable)
        elif event in _CHANGES:
            for path in _changed(event, arguments):
                self._require(event, path, self._writable, follow=False)
        elif event in _STARTS:
            program = arguments[0] if event != "subprocess.Popen" else arguments[1][0]
            if os.path.basename(os.fsdecode(program)) not in self._programs:  # noqa: PTH119 - a name
                self.seen.append(f"{event} {program!r}")
        elif event in _NEVER:
            self.seen.append(f"{event} {arguments[:2]!r}"[:200])

    def _judge_open(self, path: Any, _mode: Any, flags: int) -> None:
        if isinstance(path, int):
            return
        follow = not flags & os.O_NOFOLLOW
        if flags & _WRITES and os.fsdecode(path) != os.devnull:
            self._require("write", path, self._writable, follow=follow)
        else:
            self._require("open", path, self._readable, follow=follow)

    def _require(
        self, event: str, path: Any, tops: tuple[str, ...], *, follow: bool = True
    ) -> None:
        if path is None or isinstance(path, int):
            return
        text = os.fsdecode(path)
        if "\0" in text:
            return  # no system call takes it
        real = os.path.realpath(text) if follow else _real_parent(text)
        if not any(real == top or real.startswith(top + os.sep) for top in tops):
            self.seen.append(f"{event} {text!r} → {real!r}"[:300])


def _changed(event: str, arguments: tuple[Any, ...]) -> Iterator[str]:
    """Name what a call changes; what it says relative to an open folder, with that folder."""
    folders = [one for one in arguments if isinstance(one, int) and one >= 0]
    paths = [one for one in arguments[:2] if isinstance(one, str | bytes | os.PathLike)]
    for path in paths[1:] if event == "os.symlink" else paths:
        text = os.fsdecode(path)
        is_near = not text.startswith(os.sep) and event in _NEAR and folders
        yield f"/proc/self/fd/{folders[-1]}/{text}" if is_near else text


def _real_parent(text: str) -> str:
    """Resolve all but the last name, which is not followed."""
    folder, name = os.path.split(text.rstrip(os.sep))
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 - as the call has it
