"""Small drawings as inline SVG: where a value lies, when stages ran, how a loss went down.

Colours are CSS classes of the page, so that one drawing serves light, dark and print. Every
drawing carries a text alternative. All text is escaped here.

Our own rather than matplotlib's: its import takes longer than a whole report, and its drawings
have fixed colours, no roles and ids that differ from run to run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from harness.frozen import dataclass
from harness.reporting import text
from harness.verdict import Verdict

_WIDTH, _HEIGHT = 240, 34
_LEFT, _RIGHT, _LINE = 8, 232, 16
_CHART_WIDTH, _CHART_HEIGHT = 420, 220
_PLOT = (54, 12, 408, 188)  # left, top, right, bottom
_POINTS_SHOWN = 600
# Ends of a scale: what lies beyond them has no logarithm, or no difference that is a float.
_LEAST, _GREATEST, _FARTHEST = 5e-324, 1.7e308, 8e307
_NARROWEST = 1e-300


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of a chart: (x, y) pairs; a y that is not finite leaves a gap."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves that share axes; ``is_linear`` forbids a logarithmic scale."""

    title: str
    x_name: str
    curves: tuple[Curve, ...]
    caption: str = ""
    is_linear: bool = False


@dataclass(frozen=True, slots=True)
class Scale:
    """A map from values to pixels, linear or logarithmic.

    Its ends are drawn in where floats end: neither their logarithms nor their difference may
    leave the range.
    """

    low: float
    high: float
    start: float
    end: float
    is_log: bool

    def __post_init__(self) -> None:
        """Draw in the ends."""
        least, greatest = (_LEAST, _GREATEST) if self.is_log else (-_FARTHEST, _FARTHEST)
        for name, value in (("low", self.low), ("high", self.high)):
            object.__setattr__(self, name, min(greatest, max(least, value)))

    def pixel(self, value: float) -> float:
        """Return the pixel of a value; what lies outside the scale is put on its edge."""
        low, high, v = self.low, self.high, value
        if self.is_log:
            low, high, v = math.log10(low), math.log10(high), math.log10(max(value, _LEAST))
        # A scale without extent puts everything in its middle.
        share = 0.5 if high == low else (v - low) / (high - low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return about four round values inside the scale."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, (last - first) // 4 + ((last - first) % 4 > 0))
            decades = [10.0**k for k in range(first, last + 1, step)]
            return decades if len(decades) > 1 else [self.low, self.high]
        if self.high - self.low < _NARROWEST:
            return [self.low]
        rough = (self.high - self.low) / 4
        unit = 10.0 ** math.floor(math.log10(rough))
        # 1, 2, 5, 10: steps that people can add up in their heads.
        step_size = next((unit * m for m in (1, 2, 5) if unit * m >= rough), unit * 10)
        first_tick = math.ceil(self.low / step_size)
        last_tick = math.floor(self.high / step_size)
        return [k * step_size for k in range(first_tick, last_tick + 1)]


def interval(value: float, low: float | None, high: float | None, verdict: Verdict) -> str:
    """Draw a value against the band that is allowed; an open side runs to the edge.

    The scale is logarithmic when all numbers are positive and span over two decades.
    """
    label = escape(f"{text.number(value)}, allowed {text.interval(low, high)}: {verdict.value}")
    bounds = [b for b in (low, high) if b is not None and math.isfinite(b)]
    if not math.isfinite(value) or not bounds:
        mark = f'<text x="120" y="21" text-anchor="middle">{escape(text.number(value))}</text>'
        return _frame(label, mark)
    scale = _around(value, bounds)
    start = _LEFT if low is None else scale.pixel(low)
    end = _RIGHT if high is None else scale.pixel(high)
    # A band narrower than that would not be seen, and the value would seem to have none.
    wide = max(1.5, end - start)
    parts = [
        f'<line class="axis" x1="{_LEFT}" x2="{_RIGHT}" y1="{_LINE}" y2="{_LINE}"/>',
        f'<rect class="band" x="{start:.1f}" y="8" height="16" width="{wide:.1f}" rx="2"/>',
    ]
    for bound in bounds:
        x = scale.pixel(bound)
        parts.append(f'<line class="bound" x1="{x:.1f}" x2="{x:.1f}" y1="5" y2="27"/>')
    x = scale.pixel(value)
    parts.append(_marker(x, verdict))
    if scale.is_log:
        parts.append(f'<text class="small" x="{_RIGHT}" y="33" text-anchor="end">log</text>')
    return _frame(label, "".join(parts))


def _marker(x: float, verdict: Verdict) -> str:
    name = f"mark {verdict.value}"
    if verdict is Verdict.GREEN:
        return f'<circle class="{name}" cx="{x:.1f}" cy="{_LINE}" r="5"/>'
    if verdict is Verdict.RED:
        path = (
            f"M{x - 6:.1f} {_LINE}L{x:.1f} {_LINE - 6}L{x + 6:.1f} {_LINE}L{x:.1f} {_LINE + 6}Z"
        )
        return f'<path class="{name}" d="{path}"/>'
    return f'<rect class="{name}" x="{x - 4.5:.1f}" y="{_LINE - 4.5}" width="9" height="9"/>'


def _around(value: float, bounds: Sequence[float]) -> Scale:
    """Choose a scale that leaves room on both sides of the value and the bounds."""
    values = [value, *bounds]
    least, greatest = min(values), max(values)
    if text.is_logarithmic(values):
        room = (greatest / least) ** 0.15
        return Scale(least / room, greatest * room, _LEFT, _RIGHT, is_log=True)
    span = greatest - least or abs(greatest) or 1.0
    return Scale(least - 0.2 * span, greatest + 0.2 * span, _LEFT, _RIGHT, is_log=False)


def _frame(label: str, inside: str) -> str:
    return (
        f'<svg class="interval" role="img" aria-label="{label}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}">{inside}</svg>'
    )


def span(start_s: float, end_s: float, total_s: float, verdict: Verdict) -> str:
    """Draw when a stage ran within the run; the width of the drawing is the whole run."""
    total = max(total_s, end_s, 1e-9)
    x, width = 1000 * start_s / total, max(4.0, 1000 * (end_s - start_s) / total)
    label = f"from {text.duration(start_s)} to {text.duration(end_s)}"
    return (
        f'<svg class="span" role="img" aria-label="{label}" viewBox="0 0 1000 14" '
        f'preserveAspectRatio="none"><rect class="rail" width="1000" height="14"/>'
        f'<rect class="bar {verdict.value}" x="{min(x, 996):.1f}" width="{width:.1f}" '
        f'height="14"/></svg>'
    )


def chart(drawn: Chart) -> str:
    """Draw curves with axes and a legend; logarithmic when the values span over two decades."""
    finite = [y for c in drawn.curves for _, y in c.points if math.isfinite(y)]
    label = escape(f"{drawn.title} over {drawn.x_name}: {_in_words(drawn)}")
    head = (
        f'<svg class="chart" role="img" aria-label="{label}" '
        f'viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}">'
    )
    left, top, right, bottom = _PLOT
    if not finite:
        return f'{head}<text x="{left}" y="100">no finite value</text></svg>'
    xs = [x for c in drawn.curves for x, _ in c.points]
    across = Scale(min(xs), max(xs), left, right, is_log=False)
    least, greatest = min(finite), max(finite)
    is_log = text.is_logarithmic(finite) and not drawn.is_linear
    up = Scale(least, greatest, bottom, top, is_log=is_log)
    parts = [head, _axes(across, up, drawn.x_name)]
    for index, curve in enumerate(drawn.curves):
        parts.append(_line(curve, across, up, index))
        if len(drawn.curves) > 1:  # a single curve is named by its title
            kind = f"legend c{index % 4}"
            parts.append(write_text(right - 4, top + 12 + 15 * index, curve.name, "end", kind))
    return "".join([*parts, "</svg>"])


def _in_words(drawn: Chart) -> str:
    parts = []
    for curve in drawn.curves:
        first, last = curve.points[0][1], curve.points[-1][1]
        parts.append(f"{curve.name} from {text.number(first)} to {text.number(last)}")
    return "; ".join(parts)


def _axes(across: Scale, up: Scale, x_name: str) -> str:
    left, top, right, bottom = _PLOT
    parts = []
    for tick in up.ticks():
        y = up.pixel(tick)
        parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(write_text(left - 6, y + 3.5, text.number(tick), "end"))
    parts += [write_text(across.pixel(t), bottom + 14, text.number(t)) for t in across.ticks()]
    parts.append(write_text((left + right) / 2, bottom + 28, x_name))
    parts.append(f'<path class="axis" d="M{left} {top}V{bottom}H{right}" fill="none"/>')
    return "".join(parts)


def write_text(
    x: float, y: float, words: str, anchor: str = "middle", kind: str = "small"
) -> str:
    """Write text into a drawing; it is escaped."""
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _line(curve: Curve, across: Scale, up: Scale, index: int) -> str:
    # More points than pixels would only make the page large.
    step = max(1, len(curve.points) // _POINTS_SHOWN)
    words, is_down = [], False
    for x, y in curve.points[::step]:
        if not math.isfinite(y):
            is_down = False
            continue
        words.append(f"{'L' if is_down else 'M'}{across.pixel(x):.1f} {up.pixel(y):.1f}")
        is_down = True
    drawn = f'<path class="curve c{index % 4}" d="{"".join(words)}"/>'
    if len(curve.points) <= 30:  # noqa: PLR2004 - dots only where they do not touch
        drawn += "".join(
            f'<circle class="dot c{index % 4}" r="2.5" '
            f'cx="{across.pixel(x):.1f}" cy="{up.pixel(y):.1f}"/>'
            for x, y in curve.points
            if math.isfinite(y)
        )
    return drawn
