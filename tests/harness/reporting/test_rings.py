"""The ring correlation of an artifact as a chart."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from harness.config.project import ReportSpec
from harness.reporting import rings, svg

REPORT = ReportSpec(rings="frc", charts={"frc": "Detail is resolved."})


def _frc(**changes: Any) -> bytes:
    values = {"freq": [0.1, 0.2, 0.3], "curve": [0.9, 0.5, -0.1], "n": [8, 16, 24]}
    return json.dumps({"frc": {**values, "f_halfbit": 0.2, **changes}}).encode()


def test_curve_and_thresholds_are_drawn() -> None:
    """Correlation, half-bit line and 1/7 share axes of cycles per pixel."""
    drawing = rings.chart(_frc(), REPORT)

    assert drawing is not None
    assert [curve.name for curve in drawing.curves] == ["correlation", "half bit", "1/7"]
    assert drawing.curves[0].points == ((0.1, 0.9), (0.2, 0.5), (0.3, -0.1))
    assert {y for _, y in drawing.curves[2].points} == {1 / 7}
    assert "a period of 5 px" in drawing.caption
    assert "<svg" in svg.chart(drawing)


def test_half_bit_line_has_its_limits() -> None:
    """One pixel can never resolve; in a ring without end the line falls to 0.2071 / 1.2071."""
    drawing = rings.chart(_frc(n=[1, 100, 10**12]), REPORT)

    assert drawing is not None
    one, hundred, endless = (y for _, y in drawing.curves[1].points)
    assert one == pytest.approx(1.0, abs=1e-4)
    assert hundred == pytest.approx((0.2071 + 0.19102) / (1.2071 + 0.09102))
    assert endless == pytest.approx(0.2071 / 1.2071, abs=1e-5)


def test_gaps_stay_gaps() -> None:
    """A ring without a number is a gap in the line."""
    drawing = rings.chart(_frc(curve=[0.9, None, 0.1]), REPORT)

    assert drawing is not None
    assert math.isnan(drawing.curves[0].points[1][1])


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"frc": 1}',
        _frc(curve=[0.1]),
        _frc(curve="abc"),
        _frc(freq=[True, False, True]),
        _frc(freq=[], curve=[]),
    ],
)
def test_anything_else_is_no_chart(content: bytes) -> None:
    """Artifacts that hold no such curve are passed over."""
    assert rings.chart(content, REPORT) is None
