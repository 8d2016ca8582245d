"""A Fourier ring correlation as a stage recorded it, turned into a chart.

Frequencies are cycles per pixel. The half-bit curve says what pure noise of half a bit per
pixel would reach in a ring of n independent pixels.

Source: M. van Heel and M. Schatz, J. Struct. Biol. 151 (2005), equation 17.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from harness.config.project import ReportSpec
from harness.judgement.guards.readers.base import to_float
from harness.reporting import captions, text
from harness.reporting.svg import Chart, Curve

_LONGEST = 4096
_SEVENTH = 1 / 7


def chart(content: bytes, report: ReportSpec) -> Chart | None:
    """Draw the declared key of a JSON artifact: freq, curve and, where known, n and crossings.

    Returns:
        The chart; ``None`` where there is no such key or it is not what we know.
    """
    if not report.rings:
        return None
    try:
        read: Any = json.loads(content)
    except (ValueError, RecursionError):
        return None
    rings = read.get(report.rings) if isinstance(read, dict) else None
    if not isinstance(rings, dict):
        return None
    frequencies, curve = _numbers(rings.get("freq")), _numbers(rings.get("curve"))
    if len(curve) != len(frequencies) or len(curve) < 2:  # noqa: PLR2004 - two points make a line
        return None
    drawn = [Curve("correlation", _pairs(frequencies, curve))]
    sizes = _numbers(rings.get("n"))
    if len(sizes) == len(curve):
        drawn.append(Curve("half bit", _pairs(frequencies, [_half_bit(n) for n in sizes])))
    drawn.append(Curve("1/7", _pairs(frequencies, [_SEVENTH] * len(curve))))
    caption = captions.of_chart(report.rings, report.charts)
    return Chart(
        "Fourier ring correlation",
        "cycles per pixel",
        tuple(drawn),
        f"{caption} {_crossing_text(rings.get('f_halfbit'))}".strip(),
        is_linear=True,
    )


def _half_bit(count: float) -> float:
    """Return the half-bit threshold of a ring of ``count`` pixels, at most 1."""
    root = math.sqrt(max(count, 1.0))
    return min(1.0, (0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))


def _crossing_text(frequency: Any) -> str:
    if not isinstance(frequency, int | float) or not 0 < to_float(frequency) < math.inf:
        return ""
    size = text.number(1 / frequency)
    return f"It falls below that line first at {text.number(frequency)}, a period of {size} px."


def _numbers(value: Any) -> list[float]:
    """Return a list of numbers; empty for anything else, NaN where a number is missing."""
    if not isinstance(value, list) or len(value) > _LONGEST:
        return []
    if not all(item is None or type(item) in (int, float) for item in value):
        return []
    return [math.nan if item is None else to_float(item) for item in value]


def _pairs(across: Sequence[float], up: Sequence[float]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in zip(across, up, strict=True) if math.isfinite(x))
