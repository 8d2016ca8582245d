"""Where a rule is declared: its line in ``harness.toml``, for whoever reads a diff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from harness.config import config_file
from harness.reporting.findings import Place

_HEADER = re.compile(r"\s*\[\[?\s*([\w.\"' :-]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w-]+)\s*=")
_ID = re.compile(r"\s*(?:id|test|stage|guard)\s*=\s*[\"']([^\"']+)[\"']")
_NAMED = ("stages", "guards")
_BOUNDS = ".bounds"


@dataclass(slots=True)
class _Entry:
    """A table as written: its path with its id, and the line of each key."""

    path: str
    line: int
    keys: dict[str, int] = field(default_factory=dict)


def find_places(content: str, prefix: PurePosixPath) -> Mapping[str, Place]:
    """Return the place of each table and key of a declaration, by path of its rule.

    Args:
        content: Text of ``harness.toml``.
        prefix: The project's folder inside the repository.
    """
    path = (prefix / config_file.FILE).as_posix()
    lines = content.splitlines()
    places: dict[str, Place] = {}
    for entry in _entries(lines):
        places.setdefault(entry.path, Place(path, entry.line, len(lines[entry.line - 1])))
        for key, line in entry.keys.items():
            name = f"{_as_guards(entry.path)}.{key}" if entry.path else f"project.{key}"
            places.setdefault(name, Place(path, line, len(lines[line - 1])))
    return places


def find_place(places: Mapping[str, Place], rule: str) -> Place:
    """Return the place of a rule, else of the nearest table that holds it, else the top."""
    parts = rule.split(".")
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in places:
            return places[".".join(parts[:end])]
    top = places.get("")
    return Place(config_file.FILE) if top is None else top


def _as_guards(path: str) -> str:
    """Call a line of a table of bounds what it declares: a guard."""
    return f"{path.removesuffix(_BOUNDS)}.guards" if path.endswith(_BOUNDS) else path


def _entries(lines: list[str]) -> Iterator[_Entry]:
    entry = _Entry("", 1)
    for number, line in enumerate(lines, start=1):
        if header := _HEADER.fullmatch(line):
            yield entry
            entry = _Entry(header[1].replace('"', "").replace("'", ""), number)
            continue
        if key := _KEY.match(line):
            entry.keys.setdefault(key[1], number)
        if entry.path.endswith(_NAMED) and (named := _ID.match(line)):
            entry.path = f"{entry.path}.{named[1]}"
            entry.line = number
    yield entry
