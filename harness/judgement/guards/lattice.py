"""A picture and an array, compared at the same places: a square lattice of their cells."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.frozen import dataclass
from harness.judgement.guards import metrics, png
from harness.judgement.guards.png import Image
from harness.judgement.guards.series import Series

_SIDE = 48  # places along a side: 2,304 are enough, and judged within milliseconds
_CLASSES = 40
PANELS = "panels"

# From a place in the picture (row, column of an n × n lattice) to one in the array.
Turn = Callable[[int, int, int], tuple[int, int]]
ORIENTATIONS: Mapping[str, Turn] = {
    "upside down": lambda i, j, n: (n - 1 - i, j),
    "mirrored left to right": lambda i, j, n: (i, n - 1 - j),
    "turned by half": lambda i, j, n: (n - 1 - i, n - 1 - j),
    "transposed": lambda i, j, _: (j, i),
    "turned by a quarter": lambda i, j, n: (n - 1 - j, i),
    "turned by three quarters": lambda i, j, n: (j, n - 1 - i),
    "transposed and turned by half": lambda i, j, n: (n - 1 - j, n - 1 - i),
}


def STORED(i: int, j: int, _: int) -> tuple[int, int]:  # noqa: N802 - one of the orientations
    """The orientation in which rows go down and columns to the right."""
    return i, j


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Where a map lies in a picture [px], and which rows and columns of the array it shows.

    Without ``box`` it fills the picture; without ``rows`` and ``columns`` it shows all.
    """

    box: tuple[float, float, float, float] | None = None
    rows: tuple[int, int] | None = None
    columns: tuple[int, int] | None = None
    is_cyclic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Values of an array at the places of a lattice; ``classes`` are −1 where it has none."""

    values: Sequence[float]
    classes: Sequence[int]


def find_panel(content: bytes, index: int) -> Panel:
    """Return what a picture says of one of its maps.

    Raises:
        ImageError: It says something else than the layout of its maps, or has no such map.
    """
    text = png.read_texts(content).get(PANELS)
    if text is None:
        if index:
            raise png.ImageError(f"a picture without the text {PANELS!r}: no map {index}")
        return Panel()
    try:
        entries = json.loads(text)
        entry = entries[index]
        return Panel(
            box=tuple(float(entry["box"][k]) for k in range(4)),  # type: ignore[arg-type]
            rows=_read_range(entry.get("rows")),
            columns=_read_range(entry.get("columns")),
            is_cyclic=entry.get("cyclic") is True,
        )
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
    ) as error:
        raise png.ImageError(
            f"a picture whose text {PANELS!r} is no layout of {index + 1} maps"
        ) from error


def _read_range(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    first, last = value
    return int(first), int(last)


def find_misfit(panel: Panel, image: Image, array: Series, mask: Series | None) -> str:
    """Say why a panel cannot show an array; empty where it can."""
    if mask is not None and mask.shape != array.shape:
        return f"a mask of shape {list(mask.shape)} for {list(array.shape)}"
    for name, span, size in zip(
        ("rows", "columns"), (panel.rows, panel.columns), array.shape, strict=True
    ):
        if span is not None and not 0 <= span[0] < span[1] <= size:
            return f"{name} {span[0]} to {span[1]} of an array with {size}"
    left, top, right, bottom = panel.box or (0, 0, image.width, image.height)
    inside = 0 <= left < right <= image.width and 0 <= top < bottom <= image.height
    return "" if inside else "a map that lies outside its picture"


class Lattice:
    """Grey levels of a panel at the places of a lattice, and where these are in the array."""

    def __init__(self, panel: Panel, image: Image, shape: tuple[int, ...]) -> None:
        """Lay a lattice over a panel that fits its picture and the array's shape."""
        self.shape = shape
        spans = (panel.rows or (0, shape[0]), panel.columns or (0, shape[1]))
        self.side = min(_SIDE, *(last - first for first, last in spans))
        left, top, right, bottom = panel.box or (0, 0, image.width, image.height)
        self._rows, y = self._place(spans[0], top, bottom)
        self._columns, x = self._place(spans[1], left, right)
        width = image.width
        self.levels = [image.levels[row * width + column] for row in y for column in x]

    def _place(
        self, span: tuple[int, int], start: float, end: float
    ) -> tuple[list[int], list[int]]:
        """Return indices of the array, and the pixels in the middle of their cells."""
        first, count = span[0], span[1] - span[0]
        steps = [int((k + 0.5) * count / self.side) for k in range(self.side)]
        pixels = [int(start + (step + 0.5) * (end - start) / count) for step in steps]
        return [first + step for step in steps], pixels

    def take_cells(self, array: Series, mask: Series | None, period: float | None) -> Cells:
        """Take the values of an array at the places, sorted into classes of equal size.

        Raises:
            MetricError: It does not vary where it is drawn.
        """
        width = self.shape[1]
        places = [row * width + column for row in self._rows for column in self._columns]
        values = [float(array.numbers[place]) for place in places]
        is_drawn = [
            math.isfinite(value) and (mask is None or bool(mask.numbers[place]))
            for value, place in zip(values, places, strict=True)
        ]
        if period is not None:
            values = _centre(values, is_drawn, period)
        ranked = sorted(value for value, drawn in zip(values, is_drawn, strict=True) if drawn)
        if not ranked or ranked[0] == ranked[-1]:
            raise metrics.missing_error(
                "the array of a picture", "one value", "some that differ"
            )
        ranks = {value: rank for rank, value in reversed(list(enumerate(ranked)))}
        classes = [
            ranks[value] * _CLASSES // len(ranked) if drawn else -1
            for value, drawn in zip(values, is_drawn, strict=True)
        ]
        return Cells(values=values, classes=classes)


def _centre(values: Sequence[float], is_drawn: Sequence[bool], period: float) -> list[float]:
    """Take values of a circle about their mean, so that few of them lie at its seam."""
    turn = math.tau / period
    inside = [value for value, drawn in zip(values, is_drawn, strict=True) if drawn]
    mean = math.atan2(
        math.fsum(math.sin(turn * value) for value in inside),
        math.fsum(math.cos(turn * value) for value in inside),
    )
    return [
        math.remainder(turn * value - mean, math.tau) / turn if math.isfinite(value) else value
        for value in values
    ]


def explain(
    levels: Sequence[int], cells: Cells, turn: Turn, among: Turn | None = None
) -> float:
    """Return the share of the grey levels' variance that lies between classes of values.

    Args:
        levels: Grey levels of the picture at the places of the lattice.
        cells: Values of the array there.
        turn: How the picture lies on the array.
        among: Only places that are drawn in this orientation too; in that in which the array
            is stored they always are.
    """
    side = math.isqrt(len(levels))
    counts, sums = [0] * _CLASSES, [0] * _CLASSES
    squares = 0
    for place, level in enumerate(levels):
        i, j = divmod(place, side)
        kind = _find_class(cells, turn, i, j, side)
        is_drawn = cells.classes[place] >= 0 and (
            among is None or _find_class(cells, among, i, j, side) >= 0
        )
        if kind >= 0 and is_drawn:
            counts[kind] += 1
            sums[kind] += level
            squares += level * level
    total, count = sum(sums), sum(counts)
    spread = squares - total * total / count if count else 0
    if spread <= 0:
        return 0.0
    between = sum(s * s / n for s, n in zip(sums, counts, strict=True) if n)
    return (between - total * total / count) / spread


def _find_class(cells: Cells, turn: Turn, i: int, j: int, side: int) -> int:
    row, column = turn(i, j, side)
    return cells.classes[row * side + column]


def find_slope(levels: Sequence[int], cells: Cells) -> float:
    """Return the covariance of values and grey levels, as the array is stored."""
    both = [
        (value, level)
        for value, level, kind in zip(cells.values, levels, cells.classes, strict=True)
        if kind >= 0
    ]
    mean = math.fsum(value for value, _ in both) / len(both)
    return math.fsum((value - mean) * level for value, level in both)
