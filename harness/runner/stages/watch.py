"""Which files of the project a stage opened, held against the inputs that are declared.

Every Python that a stage starts is watched, unless it ignores its environment (``-I``, ``-E``,
``-S``); files that compiled code opens by itself are not seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

import harness
from harness.errors import HarnessError
from harness.evidence.hub import digest, inputs

_FOLDER = Path(__file__).parent / "watching"
_LIST = "watch-{stage}.list"
_LIMIT = 16 << 20  # bytes of names
MOST_NAMES = 200  # that a record holds
_COMPILED = (".so", ".pyd", ".pyc")
_FLAGS = slice(4, 8)  # of a compiled file: whether it is held against its source
_UNCHECKED = 0b01


def variables(
    environment: Mapping[str, str], root: Path, work: Path, stage: str
) -> dict[str, str]:
    """Return the variables that make every Python of a stage note what it opens."""
    listed = work / _LIST.format(stage=stage)
    listed.unlink(missing_ok=True)
    path = environment.get("PYTHONPATH")
    return {
        **environment,
        "PYTHONPATH": f"{_FOLDER}{os.pathsep}{path}" if path else str(_FOLDER),
        "HARNESS_WATCH_ROOT": str(root),
        "HARNESS_WATCH_LIST": str(listed),
    }


def find_undeclared(
    root: Path,
    work: Path,
    stage: str,
    declared: Collection[str],
    own: Iterable[Path],
    *,
    most: int = MOST_NAMES,
) -> tuple[str, ...]:
    """Return what a stage read inside the project and no input names, sorted.

    Args:
        root: Folder of the project.
        work: Working folder of the run.
        stage: Id of the stage.
        declared: Inputs by path relative to the root.
        own: Files and folders that are known by other means, such as the hub store.
        most: Names that are listed; how many more there are is said after them.
    """
    places = {*own, work, Path(sys.prefix), Path(harness.__file__).parent}
    opened = _read_opened(work / _LIST.format(stage=stage))
    descriptions = (_tell(root, p, declared) for p in opened if not places & {p, *p.parents})
    listed = sorted(set(filter(None, descriptions)))
    more = [f"… and {len(listed) - most} more"] if len(listed) > most else []
    return (*listed[:most], *more)


def _tell(root: Path, path: Path, declared: Collection[str]) -> str:
    """Name a file that no input names, and say what it stands for; nothing of others."""
    source = _source_of(path)
    if path.parent.name == "__pycache__" and source.is_file():
        if _is_unchecked(path):
            return f"{path.relative_to(root)} (never held against {source.name})"
        path = source
    name = path.relative_to(root).as_posix()
    if name in declared or inputs.SKIPPED & set(name.split("/")) or not path.is_file():
        return ""
    if path.suffix in _COMPILED and source.is_file():
        return f"{name} (compiled, hides {source.name})"
    return name


def _source_of(path: Path) -> Path:
    """Return where the source of a compiled file would lie."""
    folder = path.parent.parent if path.parent.name == "__pycache__" else path.parent
    return folder / f"{path.name.partition('.')[0]}.py"


def _is_unchecked(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return int.from_bytes(stream.read(16)[_FLAGS], "little") == _UNCHECKED
    except OSError:
        return False


def _read_opened(listed: Path) -> Iterator[Path]:
    try:
        content = digest.read_bytes(listed, _LIMIT)
    except HarnessError:
        return  # no Python was started, or none that could be watched
    for name in content.split(b"\0"):
        if name:
            yield Path(os.fsdecode(name))
