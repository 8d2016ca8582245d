"""JSON Lines: one JSON value a line, as loggers of experiments write them."""

from __future__ import annotations

import json
from typing import Any

from harness.evidence.hub import store
from harness.judgement.guards.readers.base import MOST_VALUES, FormatError, TooMuchError

_EXPECTED = "one JSON value a line"


def read(content: bytes) -> list[Any]:
    """Return the values of all lines, blank ones left out; NaN and ±inf are kept as floats.

    Raises:
        FormatError: A line is no JSON or names a key twice, or there are too many values.
    """
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise FormatError("a file that is not UTF-8", _EXPECTED) from error
    if sum(content.count(mark) for mark in b",[{\n") > MOST_VALUES:
        raise TooMuchError(f"over {MOST_VALUES:,} values", "fewer values")
    values = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                values.append(json.loads(line, object_pairs_hook=store.refuse_twice))
            except (ValueError, RecursionError) as error:
                message = f"no JSON in line {number} ({str(error)[:60]})"
                raise FormatError(message, _EXPECTED) from error
    if not values:
        raise FormatError("an empty file", _EXPECTED)
    return values
