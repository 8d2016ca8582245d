"""Drawings, judged by their geometry."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

import pytest

from harness.reporting import svg
from harness.reporting.svg import Chart, Curve
from harness.verdict import Verdict


def _number(drawn: str, pattern: str) -> float:
    match = re.search(pattern, drawn)
    assert match is not None
    return float(match[1])


def _band(drawn: str) -> tuple[float, float]:
    start = _number(drawn, r'class="band" x="([\d.]+)"')
    return start, start + _number(drawn, r'class="band"[^>]* width="([\d.]+)"')


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (1.5, 1.0, 2.0),
        (2e-3, 1e-6, 1.0),
        (-3.0, -4.0, 0.0),
        (5.0, 1.0, None),
        (1e-9, None, 1e-6),
    ],
)
def test_value_inside_lies_in_the_band(value: float, low: float, high: float | None) -> None:
    """A value within its bounds is drawn inside the bar, on any scale."""
    drawn = svg.interval(value, low, high, Verdict.GREEN)

    start, end = _band(drawn)
    assert start <= _number(drawn, r'cx="([\d.]+)"') <= end


@pytest.mark.parametrize(
    ("value", "low", "high"), [(3e7, 0.001, 0.01), (0.5, 1.0, 2.0), (-1.0, 0.0, None)]
)
def test_value_outside_lies_off_the_band(value: float, low: float, high: float | None) -> None:
    """A value out of bounds is drawn beside the bar."""
    drawn = svg.interval(value, low, high, Verdict.RED)

    start, end = _band(drawn)
    x = _number(drawn, r'class="mark red" d="M([\d.]+)') + 6
    assert x < start or x > end


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite_is_written_out(value: float) -> None:
    """A value that has no place on a scale is written instead of drawn."""
    drawn = svg.interval(value, 0.0, 1.0, Verdict.RED)

    assert "band" not in drawn
    assert str(value) in "".join(ET.fromstring(drawn).itertext())  # noqa: S314 - our own text


def test_drawing_speaks() -> None:
    """A screen reader hears value, bounds and verdict."""
    label = ET.fromstring(svg.interval(3.0, 1.0, 2.0, Verdict.RED)).get("aria-label")  # noqa: S314

    assert label == "3, allowed 1 … 2: red"


def test_later_stage_lies_further_right() -> None:
    """Stages are drawn where they lay in the run, in proportion."""
    first, second = (svg.span(a, b, 20.0, Verdict.GREEN) for a, b in ((0, 5), (5, 20)))

    assert _number(first, r'class="bar green" x="([\d.]+)"') == 0
    assert _number(second, r'class="bar green" x="([\d.]+)"') == 250
    assert _number(second, r'class="bar green"[^>]* width="([\d.]+)"') == 750


def test_chart_leaves_a_gap() -> None:
    """A value that is not finite breaks the curve instead of bending it."""
    points = tuple(enumerate([1.0, 2.0, math.nan, 3.0, 4.0]))

    drawn = svg.chart(Chart("loss", "epoch", (Curve("loss", points),)))

    path = _path(drawn)
    assert path.count("M") == 2
    assert path.count("L") == 2


def test_falling_loss_falls() -> None:
    """A lower value is drawn lower on the page."""
    points = ((0.0, 9.0), (1.0, 4.0), (2.0, 1.0))

    path = _path(svg.chart(Chart("loss", "epoch", (Curve("loss", points),))))

    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)]
    assert heights == sorted(heights)


def test_names_are_text() -> None:
    """Hostile names of columns stay text."""
    drawn = svg.chart(Chart("<b>", "epoch", (Curve('"><script>', ((0.0, 1.0), (1.0, 2.0))),)))

    assert [e.tag for e in ET.fromstring(drawn).iter() if "script" in e.tag] == []  # noqa: S314


@pytest.mark.parametrize("values", [(0.0, 0.0), (5.0, 5.0), (math.nan, math.nan), (-1.0, 1e9)])
def test_every_series_can_be_drawn(values: tuple[float, ...]) -> None:
    """Constant, zero, missing and huge series give a well-formed drawing."""
    drawn = svg.chart(Chart("x", "epoch", (Curve("x", tuple(enumerate(values))),)))

    assert ET.fromstring(drawn).tag == "svg"  # noqa: S314


def _path(drawn: str) -> str:
    match = re.search(r'class="curve c0" d="([^"]+)"', drawn)
    assert match is not None
    return match[1]
