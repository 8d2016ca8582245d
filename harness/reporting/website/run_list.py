"""Rows of a site in; out, all of them as data that the index filters, and pages without script.

The index of ten thousand runs must open at once: only the newest are in it as a table, and all
are in it as arrays of a few dozen bytes whose words stand once in a list.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from markupsafe import Markup

from harness.frozen import dataclass
from harness.reporting import text
from harness.reporting.website.rows import Row

NEWEST = 200  # runs of the index as a table
PER_PAGE = 500  # runs of a page that needs no script
COMMIT = 12  # digits of a commit by which runs are filtered
_REASON = 120
_READABLE, _DIRTY = 1, 2
_MINUTE = "%Y%m%dT%H%M"
_MINUTE_LENGTH = 13


@dataclass(frozen=True, slots=True)
class RunPage:
    """A page of older runs, numbered from the oldest on."""

    number: int
    rows: tuple[Row, ...]

    @property
    def place(self) -> str:
        """Path of the page in the site."""
        return f"runs/{self.number:05d}.html"


def pages(rows: Sequence[Row]) -> list[RunPage]:
    """Part all runs into pages, none where the index shows all of them.

    Counted from the oldest, so that a further run changes the last page and no other.
    """
    if len(rows) <= NEWEST:
        return []
    oldest_first = sorted(rows, key=_order)
    return [
        RunPage(number, tuple(reversed(oldest_first[begin : begin + PER_PAGE])))
        for number, begin in enumerate(range(0, len(rows), PER_PAGE), 1)
    ]


def newest_first(rows: Sequence[Row]) -> list[Row]:
    """Return the runs in the order in which pages show them."""
    return sorted(rows, key=_order, reverse=True)


def _order(row: Row) -> tuple[str, str]:
    return row.run_id, row.suite


def data(rows: Sequence[Row]) -> Markup:
    """Write runs as the JSON that the script of the index reads, safe within a page.

    ``words`` holds each text once, the first is empty; a row holds its run id, then numbers:
    places in ``words`` of suite, verdict, commit, duration and environment, minutes from the
    beginning to the end (a place, negative, where the end is no such time), green guards, all
    guards, flags, and at last the places of reason and remark, if there are any.
    """
    places = {"": 0}
    listed = [_encode(row, places) for row in rows]
    value = {
        "marks": _marks(),
        "shown": NEWEST,
        "words": [*map(text.visible, places)],
        "rows": listed,
    }
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)  # noqa: S704 - no markup is left in it


def _encode(row: Row, places: dict[str, int]) -> list[str | int]:
    def place(words: str) -> int:
        return places.setdefault(words, len(places))  # as it is: made visible once, at the end

    minutes = _minutes(row)
    flags = _READABLE * row.is_readable + _DIRTY * row.dirty
    ended = -place(shorten_time(row.finished)) if minutes is None else minutes
    encoded: list[str | int] = [
        row.run_id,
        place(row.suite),
        place(row.verdict),
        place(row.commit[:COMMIT]),
        place(text.duration(row.duration_s)),
        place(row.environment),
        ended,
        row.green_guards,
        row.guards,
        flags,
    ]
    rest = [place(shorten_reason(row)), place(row.beside)]
    return [*encoded, *rest] if any(rest) else encoded


def _minutes(row: Row) -> int | None:
    """Return the minutes between the time in a run's id and its end; None where it has none."""
    try:
        begun = datetime.strptime(row.run_id[:_MINUTE_LENGTH], _MINUTE).replace(tzinfo=UTC)
        ended = datetime.fromisoformat(row.finished[:16] + "Z")
    except ValueError:
        return None
    minutes = int((ended - begun).total_seconds() // 60)
    return minutes if minutes >= 0 else None


def shorten_time(finished: str) -> str:
    """Return the minute in which a run ended, as tables show it."""
    return finished[:16].replace("T", " ")


def shorten_reason(row: Row) -> str:
    """Return why a run is not green, cut to what a table takes; nothing for a green one."""
    if row.verdict == "green":
        return ""
    words = text.visible(row.reason)
    return words if len(words) <= _REASON else words[: _REASON - 1] + "…"


def _marks() -> dict[str, str]:
    return dict(_pairs())


def _pairs() -> Iterator[tuple[str, str]]:
    for verdict, mark in text.MARKS.items():
        yield verdict.value, mark
