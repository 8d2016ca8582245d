"""Processes that a stage leaves behind, whatever they do to their group and environment.

While a stage runs, this process is the one that orphans come to (Linux); a process that it did
not start itself, and that was not there before, is the stage's.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

_SET_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h
_PARENT = 1  # field of /proc/<pid>/stat behind the name: state, parent
_lock = threading.Lock()
_running: set[object] = set()


class Orphans:
    """What comes to this process between its making and ``close``."""

    def __init__(self) -> None:
        """Begin to adopt orphans; several stages at a time cannot tell whose they are."""
        with _lock:
            _running.add(self)
            self._is_alone = len(_running) == 1 and _adopt(is_on=True)
        self._before = _children_of({os.getpid()}) if self._is_alone else set[int]()

    def find(self, leader: int) -> list[int]:
        """Return what was adopted and still lives, and all that it started."""
        if not self._is_alone or len(_running) > 1:
            return []
        mine = _foreign(_children_of({os.getpid()}) - self._before - {leader})
        for pid in mine:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # one that has ended is ours to bury
        pids = mine & _children_of({os.getpid()})
        grown = set(pids)
        while grown:
            grown = _children_of(grown) - pids
            pids |= grown
        return sorted(pids)

    def close(self) -> None:
        """Adopt no more."""
        with _lock:
            _running.discard(self)
            if not _running:
                _adopt(is_on=False)


def _adopt(*, is_on: bool) -> bool:
    """Become, or be no more, the process that orphans come to; False where there is no such."""
    import ctypes  # noqa: PLC0415 - only where stages run

    try:
        return bool(ctypes.CDLL(None).prctl(_SET_SUBREAPER, int(is_on), 0, 0, 0) == 0)
    except (AttributeError, OSError):
        return False


def _foreign(pids: set[int]) -> set[int]:
    """Leave out what another thread of this process has started, such as git.

    A stage begins a session, and nothing below it can enter the session of this process.
    """
    own, foreign = os.getsid(0), set()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(pid) != own:
                foreign.add(pid)
    return foreign


def _children_of(parents: set[int]) -> set[int]:
    """Return the living children of some processes."""
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        return _search_children(parents)  # a kernel that does not list them
    pids: set[int] = set()
    for parent in parents:
        with contextlib.suppress(OSError):  # it has ended
            for thread in os.listdir(f"/proc/{parent}/task"):  # noqa: PTH208 - names only
                listed = Path(f"/proc/{parent}/task/{thread}/children").read_text("ascii")
                pids.update(map(int, listed.split()))
    return pids


def _search_children(parents: set[int]) -> set[int]:
    pids = set()
    for name in os.listdir("/proc"):  # noqa: PTH208 - in a hot loop
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{name}/stat").read_text("utf-8", "replace").rpartition(")")[2]
            if int(fields.split()[_PARENT]) in parents:
                pids.add(int(name))
    return pids
