"""Marked regions of a page: written by a command, compared by a test.

A region stands between ``<!-- begin: name -->`` and ``<!-- end: name -->``; everything else on
the page is prose and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BEGIN = re.compile(r"<!-- begin: ([a-z-]+) -->")


def names(text: str) -> list[str]:
    """Return the names of the regions of a page, in order."""
    return _BEGIN.findall(text)


def renewed(text: str, content: Mapping[str, str]) -> str:
    """Return the page with every region written anew.

    Raises:
        ValueError: A region has no content, or does not end.
    """
    for name in names(text):
        if name not in content:
            raise ValueError(f"region {name}: nothing writes it")
        text = renew_one(text, name, content[name])
    return text


def renew_one(text: str, name: str, content: str) -> str:
    """Return the page with one region written anew.

    Raises:
        ValueError: There is no such region, or it does not end.
    """
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    before, marker, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (marker and closed):
        raise ValueError(f"region {name}: not there, or without an end")
    return f"{before}{begin}\n{content.strip()}\n\n{end}{after}"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Write a Markdown table."""
    lines = [_row(head), _row(("---",) * len(head)), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def code(text: str) -> str:
    """Write a value as code, or a dash for nothing."""
    return f"`{text}`" if text else "—"


def _row(cells: tuple[str, ...]) -> str:
    return (
        "| " + " | ".join(cell.replace("|", r"\|").replace("\n", " ") for cell in cells) + " |"
    )
