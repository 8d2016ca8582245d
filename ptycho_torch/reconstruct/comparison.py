"""A reconstruction for people: beside its truth, its coverage, and its ring correlation.

Amplitudes are grey and differences run from blue over white to red, both perceptually
uniform; phases have a cyclic map over the whole circle where one of them wraps, and a grey one
over their range where not. Found and truth share one scale, on the common frame of the metrics.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import panels
from ptycho_torch.panels import Panel, Ramp, Ruler
from ptycho_torch.reconstruct import contrast, frc, pictures
from ptycho_torch.reconstruct.metrics import Registered

AMPLITUDE_PNG = "comparison_amplitude.png"
PHASE_PNG = "comparison_phase.png"
RINGS_PNG = "frc.png"
COVERAGE_PNG = "coverage.png"
NAMES = (AMPLITUDE_PNG, PHASE_PNG, RINGS_PNG, COVERAGE_PNG)

_SHADES = 96
_CHART = (640, 360)
_PLOT = (64, 24, 616, 300)  # left, top, right, bottom [px]
_FINE = 4  # lines are drawn so much larger, then reduced
_SEVENTH = 1 / 7
_QUARTERS = ((-math.pi, "−π"), (-math.pi / 2, "−π/2"), (0.0, "0"), (math.pi / 2, "π/2"))
_CIRCLE = (*_QUARTERS, (math.pi, "π"))


def drawings(
    registered: Registered, report: Mapping[str, Any], pixel_size_m: float | None
) -> dict[str, Callable[[], bytes]]:
    """Return what draws each picture of a comparison with truth, by file name.

    Args:
        registered: Reconstruction and truth on one frame.
        report: Their metrics; without a ring correlation there is no such picture.
        pixel_size_m: Object pixel [m], when known.
    """
    made: dict[str, Callable[[], bytes]] = {
        AMPLITUDE_PNG: lambda: amplitude(registered, pixel_size_m),
        PHASE_PNG: lambda: phase(registered, pixel_size_m),
    }
    if report["frc"] is not None:
        made[RINGS_PNG] = lambda: rings(report["frc"])
    return made


def amplitude(registered: Registered, pixel_size_m: float | None = None) -> bytes:
    """Draw found amplitude, true amplitude and their difference as PNG."""
    values, truth = np.abs(registered.image), np.abs(registered.truth)
    judged = np.concatenate([values[registered.region], truth[registered.region]])
    low, high = contrast.shown_range(judged)
    scale = Ramp(
        colours=panels.grey(_SHADES),
        low=low,
        high=high,
        ticks=panels.ticks(low, high),
        unit="|object|",
    )
    return _lay_out(
        registered, (values, truth, values - truth), scale, "|object|", pixel_size_m
    )


def phase(registered: Registered, pixel_size_m: float | None = None) -> bytes:
    """Draw found phase, true phase and their difference as PNG, about the truth's mean."""
    mean = registered.truth[registered.region].mean().conj()
    maps = (
        np.angle(registered.image * mean),
        np.angle(registered.truth * mean),
        np.angle(registered.image * registered.truth.conj()),
    )
    scale = _phase_scale(maps[:2], registered.region)
    return _lay_out(registered, maps, scale, "rad", pixel_size_m)


def _phase_scale(
    maps: tuple[NDArray[np.float64], NDArray[np.float64]], region: NDArray[np.bool_]
) -> Ramp:
    """Scale found and true phase: the whole circle where one wraps, else their range."""
    if any(contrast.wraps(values, region) for values in maps):
        return Ramp(
            colours=pictures.shades("twilight", _SHADES),
            low=-math.pi,
            high=math.pi,
            ticks=_CIRCLE,
            unit="rad",
        )
    low, high = contrast.shown_range(np.concatenate([values[region] for values in maps]))
    return Ramp(
        colours=panels.grey(_SHADES),
        low=low,
        high=high,
        ticks=panels.ticks(low, high),
        unit="rad",
    )


def coverage(
    counts: NDArray[np.int64], is_shown: NDArray[np.bool_], pixel_size_m: float | None = None
) -> bytes:
    """Draw how many patches cover each pixel (Y, X) as PNG.

    Args:
        counts: Patches at each pixel.
        is_shown: Pixels that count as covered.
        pixel_size_m: Object pixel [m], when known.
    """
    most = float(max(1, counts[is_shown].max(initial=0)))
    scale = Ramp(
        colours=pictures.shades("viridis", _SHADES),
        low=0.0,
        high=most,
        ticks=tuple((value, f"{value:.0f}") for value in dict.fromkeys((0.0, most // 2, most))),
        unit="patches",
    )
    window = pictures.window(is_shown)
    panel = Panel(
        title="Coverage",
        values=counts[window].astype(np.float64),
        mask=is_shown[window],
        ramp=scale,
        window=window,
    )
    return panels.draw([panel], _ruler(panel, pixel_size_m))


def rings(report: Mapping[str, Any]) -> bytes:
    """Draw a ring correlation with its thresholds as PNG: half bit dashed, 1/7 dotted."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only pictures need it

    freq, curve = np.array(report["freq"]), np.array(report["curve"])
    half_bit = frc.half_bit(np.array(report["n"]))
    size = (_CHART[0] * _FINE, _CHART[1] * _FINE)
    image = Image.new("L", size, 255)
    pen = ImageDraw.Draw(image)
    low = min(0.0, float(curve.min()))
    for level in (0.0, 0.5, 1.0):
        y = _place(np.array([0.0]), np.array([level]), low)[0][1]
        pen.line([(_PLOT[0] * _FINE, y), (_PLOT[2] * _FINE, y)], fill=210, width=_FINE)
    pen.line(_place(freq, curve, low), fill=0, width=2 * _FINE, joint="curve")
    _broken(pen, _place(freq, half_bit, low), (12, 7))
    _broken(pen, _place(freq, np.full_like(freq, _SEVENTH), low), (3, 6))
    reduced = image.reduce(_FINE)
    _annotate(ImageDraw.Draw(reduced), report, low)
    written = io.BytesIO()
    reduced.save(written, format="png", optimize=True)
    return written.getvalue()


def _annotate(pen: Any, report: Mapping[str, Any], low: float) -> None:
    """Name axes, curves and the crossing of a chart."""
    font, (left, top, right, bottom) = panels.typeface(13), _PLOT
    pen.text((left, 4), "Fourier ring correlation: half bit dashed, 1/7 dotted", 0, font)
    for level in (0.0, 0.5, 1.0):
        y = _place(np.array([0.0]), np.array([level]), low)[0][1] / _FINE
        pen.text((left - 8, y), f"{level:g}", 0, font, anchor="rm")
    for frequency in (0.0, 0.25, 0.5):
        x = left + (right - left) * frequency / 0.5
        pen.text((x, bottom + 6), f"{frequency:g}", 0, font, anchor="ma")
    pen.text(((left + right) / 2, bottom + 26), "cycles per pixel", 0, font, anchor="ma")
    crossing = report["f_halfbit"]
    text = "never below half bit" if crossing is None else f"below half bit at {crossing:.3g}"
    pen.text((right, top), text, 0, font, anchor="ra")


def _place(
    freq: NDArray[np.float64], values: NDArray[np.float64], low: float
) -> list[tuple[float, float]]:
    """Turn frequencies (0 … 0.5) and correlations (low … 1) into points of the fine chart."""
    left, top, right, bottom = _PLOT
    x = left + (right - left) * freq / 0.5
    y = bottom - (bottom - top) * (values - low) / (1 - low)
    return [(float(a) * _FINE, float(b) * _FINE) for a, b in zip(x, y, strict=True)]


def _broken(pen: Any, points: list[tuple[float, float]], dash: tuple[int, int]) -> None:
    """Draw a line in dashes: pixels on, pixels off."""
    x, y = (np.array(axis) for axis in zip(*points, strict=True))
    along = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    period = sum(dash) * _FINE
    for start in np.arange(0, along[-1], period):
        ends = np.linspace(start, min(start + dash[0] * _FINE, along[-1]), 8)
        piece = zip(np.interp(ends, along, x), np.interp(ends, along, y), strict=True)
        pen.line([(float(a), float(b)) for a, b in piece], fill=90, width=2 * _FINE)


def _lay_out(
    registered: Registered,
    maps: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    scale: Ramp,
    unit: str,
    pixel_size_m: float | None,
) -> bytes:
    """Lay out found, truth and difference; only judged pixels are shown."""
    window = pictures.window(registered.region)
    most = max(
        float(np.percentile(np.abs(maps[2][registered.region]), contrast.RANGE[1])),
        contrast.LEAST,
    )
    apart = Ramp(
        colours=pictures.shades("coolwarm", _SHADES),
        low=-most,
        high=most,
        ticks=panels.ticks(-most, most),
        unit=unit,
    )
    made = [
        Panel(title=title, values=values[window], mask=registered.region[window], ramp=ramp)
        for title, values, ramp in zip(
            ("found", "truth", "found − truth"), maps, (scale, scale, apart), strict=True
        )
    ]
    return panels.draw(made, _ruler(made[0], pixel_size_m))


def _ruler(panel: Panel, pixel_size_m: float | None) -> Ruler:
    return Ruler(*pictures.scale_bar(panel.values.shape[1], pixel_size_m))
