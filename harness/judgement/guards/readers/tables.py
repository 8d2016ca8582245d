"""Tables as text, CSV and TSV: rows by the names of the header."""

from __future__ import annotations

import csv
import io
from typing import Any

from harness.judgement.guards.readers.base import (
    MOST_VALUES,
    FormatError,
    TooMuchError,
    parse_cell,
)


def read_csv(content: bytes) -> list[dict[str, Any]]:
    """Read comma-separated rows; see ``read``."""
    return read(content, ",")


def read_tsv(content: bytes) -> list[dict[str, Any]]:
    """Read rows separated by tabs; see ``read``."""
    return read(content, "\t")


def read(content: bytes, delimiter: str) -> list[dict[str, Any]]:
    """Read rows; a cell is a number where it looks like one, None if it is empty.

    Raises:
        FormatError: The text is not UTF-8, has no header, or a row of another length.
        TooMuchError: There are more cells than are read.
    """
    try:
        table = _read_cells(content.decode("utf-8-sig"), delimiter)
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError("a file that is not CSV text", "CSV in UTF-8") from error
    if not table:
        raise FormatError("an empty file", "a CSV header")
    header, *body = table
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise FormatError(f"the column {twice[0]!r} twice", "a name for each column")
    for line, row in enumerate(body, start=2):
        if len(row) != len(header):
            actual = f"{len(row)} cells in line {line}"
            raise FormatError(actual, f"{len(header)}, as in the header")
    return [dict(zip(header, map(parse_cell, row), strict=True)) for row in body]


def _read_cells(text: str, delimiter: str) -> list[list[str]]:
    """Read the cells, whose number is bounded: each needs far more room in memory."""
    table, cells = [], 0
    source = io.StringIO(text, newline="")
    for row in csv.reader(source, delimiter=delimiter, strict=True):
        cells += len(row) + 1
        if cells > MOST_VALUES:
            raise TooMuchError(f"over {MOST_VALUES:,} cells", "a smaller table")
        table.append(row)
    return table
