"""What interpreters answered, kept for the user and across projects, by what they were asked.

Only commands that run a suite write here. What reads evidence takes an answer that lies here,
and starts nothing to get one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import files
from harness.errors import StorageError

CACHE = "HARNESS_CACHE"  # folder of what is kept for the user, across projects
_SIZE_LIMIT = 1 << 18


def read(question: Sequence[Any]) -> dict[str, Any] | None:
    """Return the answer to a question; None where there is none that can be read."""
    try:
        content = json.loads(files.read_bounded(_path(question), _SIZE_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write(question: Sequence[Any], answer: dict[str, Any]) -> None:
    """Keep an answer; a home that cannot be written is left as it is."""
    path = _path(question)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(path, files.json_bytes(answer))
    except (OSError, StorageError):
        return  # the question is asked again next time


def identify(path: str) -> str:
    """Tell one state of a file or folder from another, by its size and time; or ``none``."""
    try:
        status = os.stat(path)  # noqa: PTH116 - links are followed: an environment is made of them
    except (OSError, ValueError):
        return "none"
    return f"{status.st_size} {status.st_mtime_ns}"


def _path(question: Sequence[Any]) -> Path:
    return _folder() / f"{files.sha256_bytes(json.dumps(question).encode())}.json"


def _folder() -> Path:
    """Return the folder of the user: numbers of a machine are no project's."""
    if folder := os.environ.get(CACHE):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - a home that is not there is no error
    return Path(base) / "ptycho-harness" / "numeric-class"
