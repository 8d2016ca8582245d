"""JSON Lines: one JSON value a line, as loggers of experiments write them."""

from __future__ import annotations

import json
from typing import Any


class LineError(ValueError):
    """Bytes that are no JSON Lines; the text says which line and why."""


def read(content: bytes, limit: int) -> list[Any]:
    """Return the values of all lines, blank ones left out; NaN and ±inf are kept as floats.

    Raises:
        LineError: A line is no JSON or names a key twice, or there are over ``limit`` lines.
    """
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise LineError("a file that is not UTF-8") from error
    if len(lines) > limit:
        raise LineError(f"over {limit:,} lines")
    found = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(json.loads(line, object_pairs_hook=_make_object))
            except (ValueError, RecursionError) as error:
                raise LineError(f"no JSON in line {number} ({str(error)[:60]})") from error
    if not found:
        raise LineError("an empty file")
    return found


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key twice")
    return made
