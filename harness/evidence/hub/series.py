"""Tables over ``epoch`` or ``step`` as a stage left them, read into one series per column."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from harness.frozen import dataclass

AXES = frozenset({"epoch", "step"})
_LEAST_ROWS = 3  # a head and two points


@dataclass(frozen=True, slots=True)
class Series:
    """One column: its name, what it runs over, and its points in the table's order."""

    name: str
    axis: str
    points: tuple[tuple[float, float], ...]


def of_table(table: str) -> tuple[Series, ...]:
    """Read CSV text whose first column is an axis; anything else holds no series.

    Fields that are no numbers are left out.
    """
    try:
        rows = list(csv.reader(table.splitlines()))
    except csv.Error:  # a field that no table holds
        return ()
    if len(rows) < _LEAST_ROWS or not rows[0] or rows[0][0] not in AXES:
        return ()
    head, body = rows[0], rows[1:]
    columns = [
        Series(name, head[0], tuple(_points(body, index)))
        for index, name in enumerate(head)
        if name and name not in AXES
    ]
    return tuple(column for column in columns if column.points)


def _points(body: list[list[str]], index: int) -> Iterator[tuple[float, float]]:
    for row in body:
        try:
            yield float(row[0]), float(row[index])
        except (ValueError, IndexError):
            continue
