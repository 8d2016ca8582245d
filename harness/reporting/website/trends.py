"""Rows of a suite in, one drawn line per metric out; only comparable runs share a line."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from html import escape

from harness.frozen import dataclass
from harness.judgement.shifts import family
from harness.judgement.shifts.detector import Shift
from harness.reporting import svg, text
from harness.reporting.svg import Scale
from harness.reporting.website.rows import Row
from harness.verdict import Verdict

_WIDTH, _HEIGHT = 540, 170
_PLOT = (60, 12, 528, 138)  # left, top, right, bottom
_LEAST_RUNS = 2
_LONGEST = 1000  # newest runs of a line


@dataclass(frozen=True, slots=True)
class Change:
    """A new level that begins with ``row``; medians of the levels before and after it."""

    row: Row
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric over comparable runs, oldest first, with its drawing."""

    metric: str
    rows: tuple[Row, ...]
    changes: tuple[Change, ...]
    drawing: str

    @property
    def latest(self) -> float:
        """Value of the newest run."""
        return self.rows[-1].metrics[self.metric]

    @property
    def band(self) -> tuple[float | None, float | None]:
        """Bounds that the newest run was judged by."""
        return _band(self.rows[-1], self.metric)

    @property
    def is_outside(self) -> bool:
        """Say whether the newest run lies outside its band."""
        return is_outside(self.latest, self.band)


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that may be compared, and their trends."""

    name: str
    count: int
    trends: tuple[Trend, ...]


def groups(rows: Sequence[Row]) -> list[Group]:
    """Draw the trends of one suite; the group that ran last comes first.

    Within a group, metrics outside their band come first, then those that changed last.
    """
    parted: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda r: r.run_id):
        if row.is_readable:
            parted.setdefault(row.group, []).append(row)
    newest_first = sorted(parted.items(), key=lambda item: item[1][-1].run_id, reverse=True)
    return [
        Group(name, len(group_rows), _trends(group_rows)) for name, group_rows in newest_first
    ]


def _trends(rows: list[Row]) -> tuple[Trend, ...]:
    names = {name for row in rows for name in row.metrics}
    lines = {name: [r for r in rows if name in r.metrics][-_LONGEST:] for name in sorted(names)}
    baselines = {name: _baseline(line) for name, line in lines.items()}
    values = {
        name: _scale([row.metrics[name] for row in base]) for name, base in baselines.items()
    }
    shifts = family.find_family(values)
    trends = [_trend(name, lines[name], baselines[name], shifts[name]) for name in lines]
    drawn = [trend for trend in trends if len(trend.rows) >= _LEAST_RUNS]
    return tuple(sorted(drawn, key=_weight, reverse=True))


def _baseline(rows: list[Row]) -> list[Row]:
    """Return the rows that may be a baseline: no number of a red run is."""
    return [row for row in rows if row.verdict != Verdict.RED.value]


def _scale(values: list[float]) -> list[float]:
    is_log = bool(values) and text.is_logarithmic(values)
    return [math.log10(value) for value in values] if is_log else values


def _weight(trend: Trend) -> tuple[bool, str]:
    return trend.is_outside, trend.changes[-1].row.run_id if trend.changes else ""


def _trend(metric: str, rows: list[Row], base: list[Row], shifts: Sequence[Shift]) -> Trend:
    cuts = [shift.cut for shift in shifts]
    values = [row.metrics[metric] for row in base]
    edges = [0, *cuts, len(values)]
    levels = [statistics.median(values[a:b]) for a, b in itertools.pairwise(edges) if a < b]
    changes = tuple(
        Change(base[cut], levels[index], levels[index + 1]) for index, cut in enumerate(cuts)
    )
    drawn = [rows.index(change.row) for change in changes]
    numbers = [row.metrics[metric] for row in rows]
    return Trend(metric, tuple(rows), changes, _draw_line(metric, rows, numbers, drawn))


def _band(row: Row, metric: str) -> tuple[float | None, float | None]:
    low, high = row.bands.get(metric, (None, None))
    return low, high


def _draw_line(metric: str, rows: list[Row], values: list[float], cuts: list[int]) -> str:
    left, top, right, bottom = _PLOT
    across = Scale(0, max(1, len(values) - 1), left, right, is_log=False)
    up = _choose_scale(values, [_band(row, metric) for row in rows])
    last = f"{text.number(values[0])} to {text.number(values[-1])}"
    changed = f"{len(cuts)} lasting change{'' if len(cuts) == 1 else 's'}"
    label = escape(f"{metric} over {len(values)} runs, from {last}, {changed}")
    parts = [
        f'<svg class="trend" role="img" aria-label="{label}" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        *_bands(rows, metric, across, up),
    ]
    for tick in up.ticks():
        y = up.pixel(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(svg.write_text(left - 6, y + 3.5, text.number(tick), "end"))
    parts += [_draw_cut(across.pixel(cut - 0.5)) for cut in cuts]
    parts.append(f'<path class="curve c0" d="{_path(values, across, up)}"/>')
    parts += _marks(metric, rows, values, across, up)
    parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{right}" fill="none"/>')
    parts.append(svg.write_text(left, bottom + 16, rows[0].finished[:10], "start"))
    parts.append(svg.write_text(right, bottom + 16, rows[-1].finished[:10], "end"))
    parts.append(
        svg.write_text((left + right) / 2, bottom + 16, f"{len(values)} runs in order")
    )
    return "".join([*parts, "</svg>"])


def _choose_scale(values: list[float], bands: list[tuple[float | None, float | None]]) -> Scale:
    """Choose a scale for the values; a bound is shown when it does not flatten them."""
    _, top, _, bottom = _PLOT
    bounds = {bound for band in bands for bound in band if bound is not None}
    least, greatest = min(values), max(values)
    reach = (greatest - least) or abs(greatest) or 1.0
    near = [b for b in bounds if least - 3 * reach <= b <= greatest + 3 * reach]
    values_ = [*values, *near]
    least, greatest = min(values_), max(values_)
    if text.is_logarithmic(values_):
        return Scale(least / 1.3, greatest * 1.3, bottom, top, is_log=True)
    room = 0.08 * (greatest - least) or 0.1 * abs(greatest) or 1.0
    return Scale(least - room, greatest + room, bottom, top, is_log=False)


def _bands(rows: list[Row], metric: str, across: Scale, up: Scale) -> list[str]:
    """Draw what each run was judged by; equal neighbours make one rectangle."""
    drawn, start = [], 0
    for index in range(1, len(rows) + 1):
        band = _band(rows[start], metric)
        if index < len(rows) and _band(rows[index], metric) == band:
            continue
        if band != (None, None):
            drawn.append(
                _rectangle(band, across.pixel(start - 0.5), across.pixel(index - 0.5), up)
            )
        start = index
    return drawn


def _rectangle(
    band: tuple[float | None, float | None], left: float, right: float, up: Scale
) -> str:
    low, high = band
    bottom = up.start if low is None else _height(low, up)
    top = up.end if high is None else _height(high, up)
    width, height = max(2.0, right - left), max(1.5, bottom - top)
    return (
        f'<rect class="band" x="{left:.1f}" y="{top:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}"/>'
    )


def _height(bound: float, up: Scale) -> float:
    return up.start if up.is_log and bound <= 0 else up.pixel(bound)


def _draw_cut(x: float) -> str:
    _, top, _, bottom = _PLOT
    return (
        f'<line class="change" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
        f'<path class="change" d="M{x - 4:.1f} {top - 6}h8l-4 6z"/>'
    )


def _path(values: list[float], across: Scale, up: Scale) -> str:
    points = [f"{across.pixel(i):.1f} {up.pixel(value):.1f}" for i, value in enumerate(values)]
    return "M" + "L".join(points)


def _marks(
    metric: str, rows: list[Row], values: list[float], across: Scale, up: Scale
) -> list[str]:
    """Mark each run outside its band with a red diamond, and the newest one with a dot."""
    drawn = []
    for index, (row, value) in enumerate(zip(rows, values, strict=True)):
        x, y = across.pixel(index), up.pixel(value)
        if is_outside(value, _band(row, metric)):
            shape = f"M{x - 4:.1f} {y:.1f}l4 -4l4 4l-4 4z"
            drawn.append(f'<path class="mark red" d="{shape}"/>')
        elif index == len(values) - 1:
            drawn.append(f'<circle class="dot c0" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>')
    return drawn


def is_outside(value: float, band: tuple[float | None, float | None]) -> bool:
    """Say whether a value lies outside a band; a side that is ``None`` is open."""
    low, high = band
    return (low is not None and value < low) or (high is not None and value > high)
