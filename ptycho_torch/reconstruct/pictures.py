"""Stitched object → pictures for people: grey amplitude, phase, and phase detail.

Scales fit what is shown and are stated; one that varies by less than a thousandth is flat.

Only covered pixels are shown. Axes are scan coordinates, so that a picture can be laid over
another of the same scan. Bytes depend on the data alone: no date and no version is stored, only
where each map lies, so that it can be held against its array.

Source: design of the model, section 14.1.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import panels
from ptycho_torch.reconstruct import contrast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWING_ERRORS = (ImportError, OSError, RuntimeError, ValueError)

_DPI = 150
_PANEL_IN = 5.2  # longer side of a panel [inch]
_EMPTY = "#{:02x}{:02x}{:02x}".format(*panels.EMPTY)  # where nothing was measured
_MARGIN_PX = 3
_CYCLIC = "twilight"
_LONGEST_SIDE_PX = 2048  # larger canvases are thinned for the picture


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """What a picture shows.

    Attributes:
        object_canvas: (Y, X) complex64.
        mask: (Y, X) bool, covered pixels.
        origin_xy: Scan coordinate of canvas pixel (0, 0) [px].
        pixel_size_m: Object pixel [m], when known.
    """

    object_canvas: NDArray[np.complex64]
    mask: NDArray[np.bool_]
    origin_xy: tuple[float, float]
    pixel_size_m: float | None = None


def amplitude(view: View) -> bytes:
    """Draw the amplitude in grey as PNG."""
    figure, (axes,) = _figure(view, 1)
    values = np.abs(view.object_canvas).astype(np.float64)
    low, high = contrast.shown_range(values[view.mask])
    image = _show(axes, view, values, cmap="gray", vmin=low, vmax=high)
    _finish(axes, view, f"Amplitude {_range_text(low, high)}  ·  {_origin(view)}")
    bar = figure.colorbar(image, ax=axes, shrink=0.85, pad=0.02, extend="both")
    bar.set_label("|object|")
    return _encode(figure, {"gray": 255}, [_Map(view, image)])


def phase(view: View) -> bytes:
    """Draw the phase as PNG, and its detail in grey.

    The first panel is about the mean: cyclic over the whole circle where the phase wraps,
    grey over the range it has where not, so that a weak phase is seen. The second has a ramp
    removed as well, which a diffraction experiment cannot tell.
    """
    figure, panels_of = _figure(view, 2)
    whole = contrast.centred_phase(view.object_canvas, view.mask)
    first = _draw_phase(figure, panels_of[0], view, whole, f"Phase {{}}  ·  {_origin(view)}")
    flat = contrast.levelled_phase(view.object_canvas, view.mask)
    detail = _draw_phase(figure, panels_of[1], view, flat, "Phase detail {}  ·  ramp removed")
    return _encode(figure, {"gray": 115, _CYCLIC: 140}, [first, detail])


@dataclass(frozen=True, slots=True)
class _Map:
    """A view and its image in a figure."""

    view: View
    image: Any
    is_cyclic: bool = False

    def locate(self, height: int) -> panels.Place:
        """Say where the image lies in a drawn figure of a height [px]."""
        box = self.image.get_window_extent()  # from the lower left corner, as matplotlib has it
        return panels.Place(
            box=(box.x0, height - box.y1, box.x1, height - box.y0),
            window=window(self.view.mask),
            is_cyclic=self.is_cyclic,
        )


def _draw_phase(
    figure: Figure, axes: Axes, view: View, values: NDArray[np.float64], title: str
) -> _Map:
    """Draw one map of phases; the title has a place for the range."""
    is_cyclic = contrast.wraps(values, view.mask)
    low, high = (-math.pi, math.pi) if is_cyclic else contrast.shown_range(values[view.mask])
    colours = _CYCLIC if is_cyclic else "gray"
    image = _show(axes, view, values, cmap=colours, vmin=low, vmax=high)
    _finish(axes, view, title.format("−π … π" if is_cyclic else _range_text(low, high)))
    bar = figure.colorbar(
        image, ax=axes, shrink=0.85, pad=0.02, extend="neither" if is_cyclic else "both"
    )
    if is_cyclic:
        bar.set_ticks([-math.pi, -math.pi / 2, 0, math.pi / 2, math.pi])
        bar.set_ticklabels(["−π", "−π/2", "0", "π/2", "π"])
    bar.set_label("phase − mean [rad]")
    return _Map(view, image, is_cyclic)


def _figure(view: View, count: int) -> tuple[Figure, list[Axes]]:
    """Lay out panels side by side, or one above the other for wide scans."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure as AggFigure  # noqa: PLC0415

    rows, columns = window(view.mask)
    height, width = rows.stop - rows.start, columns.stop - columns.start
    scale = _PANEL_IN / max(height, width)
    panel = (max(width * scale, 3.2) + 1.5, max(height * scale, 1.6) + 1.0)
    is_wide = width > 1.5 * height
    grid = (count, 1) if is_wide else (1, count)
    figure = AggFigure(
        figsize=(panel[0] * grid[1], panel[1] * grid[0]), dpi=_DPI, layout="constrained"
    )
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(*grid, squeeze=False).ravel())


def _show(axes: Axes, view: View, values: NDArray[np.float64], **style: Any) -> Any:
    """Show covered pixels of a map on scan coordinates."""
    rows, columns = window(view.mask)
    step = max(1, math.ceil(max(values.shape) / _LONGEST_SIDE_PX))
    image = np.ma.masked_where(~view.mask, values)[rows, columns][::step, ::step]
    left, top = view.origin_xy[0] + columns.start - 0.5, view.origin_xy[1] + rows.start - 0.5
    right, bottom = left + columns.stop - columns.start, top + rows.stop - rows.start
    axes.set_facecolor(_EMPTY)
    return axes.imshow(
        image, extent=(left, right, bottom, top), interpolation="nearest", **style
    )


def _finish(axes: Axes, view: View, title: str) -> None:
    """Add title, axis names and a scale bar."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("x [px]", fontsize=9)
    axes.set_ylabel("y [px]", fontsize=9)
    axes.tick_params(labelsize=8)
    rows, columns = window(view.mask)
    width, height = columns.stop - columns.start, rows.stop - rows.start
    length, label = scale_bar(width, view.pixel_size_m)
    x = view.origin_xy[0] + columns.start + 0.04 * width
    y = view.origin_xy[1] + rows.stop - 0.05 * height
    box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 2.5}
    axes.text(
        x + length / 2, y - 0.02 * height, label, ha="center", va="bottom", fontsize=8, bbox=box
    )
    for colour, thickness in (("white", 5.0), ("black", 2.5)):
        axes.plot([x, x + length], [y, y], color=colour, lw=thickness, solid_capstyle="butt")


def window(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Rows and columns around the covered pixels; the whole canvas when there are none."""
    slices = []
    for axis, size in ((1, mask.shape[0]), (0, mask.shape[1])):
        covered = np.flatnonzero(mask.any(axis=axis))
        first, last = (covered[0], covered[-1]) if covered.size else (0, size - 1)
        slices.append(
            slice(max(0, int(first) - _MARGIN_PX), min(size, int(last) + 1 + _MARGIN_PX))
        )
    return slices[0], slices[1]


def _range_text(low: float, high: float) -> str:
    """The range of a scale in words."""
    return f"{low:.3g} … {high:.3g}".replace("-", "−")


def _origin(view: View) -> str:
    """The canvas origin in words."""
    return f"canvas origin x {view.origin_xy[0]:g}, y {view.origin_xy[1]:g} px"


def scale_bar(width: float, pixel_size_m: float | None) -> tuple[float, str]:
    """Choose a round length of about a fifth of a width [px], and the words for it."""
    length = _round_length(width / 5)
    label = f"{length:g} px"
    if pixel_size_m is not None:
        label += f" = {_length_text(length * pixel_size_m)}"
    return length, label


def shades(name: str, count: int) -> NDArray[np.uint8]:
    """Take colours (count, 3) from a colour map of matplotlib, evenly from end to end."""
    from matplotlib import colormaps  # noqa: PLC0415 - as in _figure

    table = colormaps[name](np.linspace(0, 1, count))[:, :3]
    colours: NDArray[np.uint8] = np.rint(255 * table).astype(np.uint8)
    return colours


def _round_length(target: float) -> float:
    """Largest of 1, 2, 5 times a power of ten that does not exceed the target."""
    power = 10.0 ** math.floor(math.log10(max(target, 1.0)))
    return power * max(factor for factor in (1, 2, 5) if factor * power <= max(target, 1.0))


def _length_text(metres: float) -> str:
    """A length with the unit that keeps it readable."""
    for unit, size in (("mm", 1e-3), ("µm", 1e-6)):
        if metres >= size:
            return f"{metres / size:.3g} {unit}"
    return f"{metres / 1e-9:.3g} nm"


def _encode(figure: Figure, counts: dict[str, int], maps: list[_Map]) -> bytes:
    """Encode a figure as PNG with a palette, and say in it where its maps lie.

    The file is a third of the size, and a reader without a picture library decodes it at
    once: its rows are not filtered.

    Args:
        figure: What is drawn.
        counts: How many shades the palette takes from each colour map, 255 in all; the
            last entry is the colour of what was not measured.
        maps: The maps of the figure, in order.
    """
    from PIL import Image  # noqa: PLC0415 - matplotlib's own writer, loaded with it

    taken = [shades(name, count) for name, count in counts.items()]
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([*taken, [panels.EMPTY]]).astype(np.uint8).tobytes())

    drawn, written = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    with Image.open(drawn) as picture:
        reduced = picture.convert("RGB").quantize(palette=palette, dither=Image.Dither.NONE)
    text = panels.describe([one.locate(reduced.height) for one in maps])
    reduced.save(written, format="png", optimize=True, pnginfo=text)
    return written.getvalue()
