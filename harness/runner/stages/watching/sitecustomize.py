"""Loaded by every Python that a stage starts: notes which files of the project it opens.

It stands alone, for it runs in the stage's own Python, whatever packages that has. The module
of the same name that it hides is loaded after it. Paths are appended to one file, each followed
by a zero byte, and each once a process.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_EVENTS = frozenset({"open", "import", "subprocess.Popen"})
_ROOT, _LIST = "HARNESS_WATCH_ROOT", "HARNESS_WATCH_LIST"


def _watch(root: str, listed: str) -> None:
    """Note what is opened below a folder from now on."""
    seen: set[str | bytes | os.PathLike[str]] = set()
    below = root.rstrip("/") + "/"
    handle = os.open(listed, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note(value: object) -> None:
        if not isinstance(value, str | bytes | os.PathLike) or value in seen:
            return
        seen.add(value)
        full = os.path.abspath(os.fsdecode(value))  # noqa: PTH100
        if full.startswith(below):
            os.write(handle, os.fsencode(full) + b"\0")

    def hear(event: str, details: tuple[object, ...]) -> None:
        if event not in _EVENTS:
            return  # most are not, and all are heard
        try:
            for value in _read_path(event, details):
                note(value)
        except (OSError, TypeError, ValueError):
            return  # a name that is none, or a working folder that is gone

    sys.addaudithook(hear)


def _read_path(event: str, details: tuple[object, ...]) -> tuple[object, ...]:
    """Return what an event says that is read."""
    if event == "open":
        flags = details[2]
        is_written = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) == os.O_WRONLY
        return () if is_written else details[:1]
    if event == "import":
        return details[1:2]  # a compiled module
    words = details[1]
    return tuple(w for w in words if os.path.isfile(w)) if isinstance(words, list) else ()  # noqa: PTH113


def _chain(own: str) -> None:
    """Load the module of this name that this one hides, as Python would have."""
    from importlib.machinery import PathFinder  # noqa: PLC0415 - only here
    from importlib.util import module_from_spec  # noqa: PLC0415 - likewise

    others = [entry for entry in sys.path if os.path.abspath(entry) != own]  # noqa: PTH100
    sys.path[:] = others
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))


if os.environ.get(_ROOT) and os.environ.get(_LIST):
    with suppress(OSError):  # a list that cannot be written: the stage runs all the same
        _watch(os.environ[_ROOT], os.environ[_LIST])
_chain(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - os is loaded, pathlib not
