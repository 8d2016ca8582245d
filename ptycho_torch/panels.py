"""Maps side by side with their colour bars → one PNG with a palette, within milliseconds.

Pillow draws and matplotlib only lends its typeface, so that such a picture costs a run
nothing. Bytes depend on the data and on the versions of both: no date is stored.

    Y, X    rows, columns of a map        n    shades of a ramp
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont, ImageFont
    from PIL.PngImagePlugin import PngInfo

EMPTY = (0xE9, 0xE6, 0xDF)  # where nothing is shown

_GREYS = 32
_SIDE_PX = 300  # longer side of a map is enlarged to about this
_LONGEST_PX = 900  # longer maps are thinned
_MARGIN, _TITLE, _BAR, _GAP, _TICKS = 14, 26, 12, 8, 20
_LETTERS = 14
_WIDE = 1.5
_PALETTE = 256
_TYPEFACE = "mpl-data/fonts/ttf/DejaVuSans.ttf"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ramp:
    """How values become colours.

    Attributes:
        colours: (n, 3) uint8, from the lowest value to the highest.
        low: Value of the first colour.
        high: Value of the last one.
        ticks: Values that the colour bar names, with their words.
        unit: What the values are.
        beyond: Colour of values outside; None shows them as the nearest end.
    """

    colours: NDArray[np.uint8]
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    unit: str
    beyond: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One map: ``values`` (Y, X) where ``mask`` (Y, X) is true.

    With ``window``, the rows and columns of an array that they are, the picture says so.
    """

    title: str
    values: NDArray[np.float64]
    mask: NDArray[np.bool_]
    ramp: Ramp
    window: tuple[slice, slice] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a map lies in its picture.

    Attributes:
        box: Left, top, right, bottom [px].
        window: Rows and columns of the array that it shows.
        is_cyclic: Its colours come back to their start.
    """

    box: tuple[float, float, float, float]
    window: tuple[slice, slice]
    is_cyclic: bool = False


@dataclass(frozen=True, slots=True)
class Ruler:
    """A length on the map [its pixels] and the words for it."""

    length: float
    words: str


def grey(shades: int) -> NDArray[np.uint8]:
    """Make ``shades`` colours from black to white."""
    level = np.rint(np.linspace(0, 255, shades)).astype(np.uint8)
    return np.repeat(level[:, None], 3, axis=1)


def ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Name the ends and the middle of a range, in three digits."""
    middle = (low + high) / 2
    values = (low, middle, high)
    return tuple((value, f"{value:.3g}".replace("-", "−")) for value in values)


def draw(panels: Sequence[Panel], ruler: Ruler | None = None) -> bytes:
    """Draw maps of one shape beside each other, or below each other when they are wide.

    Raises:
        ValueError: The shapes differ, or the ramps have too many colours together.
    """
    shape = panels[0].values.shape
    if any(p.values.shape != shape or p.mask.shape != shape for p in panels):
        raise ValueError(
            f"maps of one shape are needed, got {[p.values.shape for p in panels]}"
        )
    step = max(1, math.ceil(max(shape) / _LONGEST_PX))
    zoom = max(1, round(_SIDE_PX * step / max(shape)))
    palette = _Palette([panel.ramp for panel in panels])
    drawn = [_panel(panel, ruler, palette, step, zoom) for panel in panels]
    is_wide = shape[1] > _WIDE * shape[0]
    size = (math.ceil(shape[1] / step) * zoom, math.ceil(shape[0] / step) * zoom)
    places = _locate(panels, size, drawn[0].shape, is_wide=is_wide)
    joined = np.concatenate(drawn, axis=0 if is_wide else 1)
    return _encode(joined, palette.colours, places)


def describe(places: Sequence[Place]) -> PngInfo:
    """Write where maps lie as the text ``panels`` of a PNG: boxes, rows, columns."""
    from PIL.PngImagePlugin import PngInfo  # noqa: PLC0415 - only pictures need it

    entries = [
        {
            "box": [round(float(side), 2) for side in place.box],
            "rows": [place.window[0].start, place.window[0].stop],
            "columns": [place.window[1].start, place.window[1].stop],
            "cyclic": place.is_cyclic,
        }
        for place in places
    ]
    text = PngInfo()
    text.add_text("panels", json.dumps(entries))
    return text


def _locate(
    panels: Sequence[Panel], size: tuple[int, int], block: tuple[int, ...], *, is_wide: bool
) -> list[Place]:
    """Say where the maps of a size (width, height) lie in blocks (rows, columns) of theirs."""
    places = []
    for number, panel in enumerate(panels):
        if panel.window is None:
            return []
        left = _MARGIN + (0 if is_wide else number * block[1])
        top = _MARGIN + _TITLE + (number * block[0] if is_wide else 0)
        box = (left, top, left + size[0], top + size[1])
        places.append(Place(box=box, window=panel.window))
    return places


class _Palette:
    """The colours of a picture: ramps one after the other, then greys, then the empty one."""

    def __init__(self, ramps: Sequence[Ramp]) -> None:
        tables: list[NDArray[np.uint8]] = []
        self._first: dict[int, int] = {}
        count = 0
        for ramp in ramps:
            if id(ramp) not in self._first:
                beyond = [ramp.beyond] if ramp.beyond else []
                self._first[id(ramp)] = count
                tables += [ramp.colours, np.array(beyond, np.uint8).reshape(-1, 3)]
                count += len(ramp.colours) + len(beyond)
        self.colours = np.concatenate([*tables, grey(_GREYS), np.array([EMPTY], np.uint8)])
        if len(self.colours) > _PALETTE:
            raise ValueError(f"at most {_PALETTE} colours fit, got {len(self.colours)}")
        self.empty = len(self.colours) - 1
        self.white = self.empty - 1
        self._black = self.empty - _GREYS

    def indices(
        self, values: NDArray[np.float64], is_shown: NDArray[np.bool_], ramp: Ramp
    ) -> NDArray[np.uint8]:
        """Return the colour number of each value; values that are no numbers are empty."""
        last = len(ramp.colours) - 1
        is_number = np.isfinite(values)
        share = (np.where(is_number, values, ramp.low) - ramp.low) / (ramp.high - ramp.low)
        index = self._first[id(ramp)] + np.rint(np.clip(share, 0, 1) * last)
        if ramp.beyond is not None:
            outside = (share < 0) | (share > 1) | ~is_number
            index = np.where(outside, self._first[id(ramp)] + last + 1, index)
            is_number = np.ones_like(is_number)
        return np.where(is_shown & is_number, index, self.empty).astype(np.uint8)

    def ink(self, coverage: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the grey of ink (0 … 255) on white."""
        return (self.white - np.rint(coverage / 255 * (_GREYS - 1))).astype(np.uint8)

    @property
    def black(self) -> int:
        """Number of the colour black."""
        return self._black


def _panel(
    panel: Panel, ruler: Ruler | None, palette: _Palette, step: int, zoom: int
) -> NDArray[np.uint8]:
    """Draw title, map, colour bar and ticks into a block of colour numbers."""
    thin = (slice(None, None, step), slice(None, None, step))
    colours = palette.indices(panel.values[thin], panel.mask[thin], panel.ramp)
    image = colours.repeat(zoom, axis=0).repeat(zoom, axis=1)
    if ruler is not None:
        _measure(image, ruler, zoom / step, palette)
    height, width = image.shape
    room = max(width, 190)
    block = np.full(
        (_MARGIN + _TITLE + height + _GAP + _BAR + _TICKS + _MARGIN, room + 2 * _MARGIN),
        palette.white,
        np.uint8,
    )
    top = _MARGIN + _TITLE
    _write(block, panel.title, _MARGIN, _MARGIN, palette)
    block[top : top + height, _MARGIN : _MARGIN + width] = image
    _bar(block, panel.ramp, top + height + _GAP, width, palette)
    return block


def _bar(block: NDArray[np.uint8], ramp: Ramp, top: int, width: int, palette: _Palette) -> None:
    """Draw the colour bar, its ticks, and the unit at its right."""
    values = np.linspace(ramp.low, ramp.high, width)[None, :]
    colours = palette.indices(values, np.ones_like(values, np.bool_), ramp)
    block[top : top + _BAR, _MARGIN : _MARGIN + width] = colours
    for value, words in ramp.ticks:
        share = (value - ramp.low) / (ramp.high - ramp.low)
        x = _MARGIN + share * (width - 1)
        label = _letters(words)
        left = min(
            max(_MARGIN, round(x - label.shape[1] / 2)), _MARGIN + width - label.shape[1]
        )
        block[top + _BAR - 4 : top + _BAR + 2, round(x)] = palette.black
        _place(block, label, left, top + _BAR + 4, palette)
    unit = _letters(ramp.unit)
    left = block.shape[1] - _MARGIN - unit.shape[1]
    _place(block, unit, left, _MARGIN, palette)


def _measure(image: NDArray[np.uint8], ruler: Ruler, scale: float, palette: _Palette) -> None:
    """Lay a ruler into the lower left corner of a map, on a white box."""
    length = max(2, round(ruler.length * scale))
    label = _letters(ruler.words)
    height, width = label.shape[0] + 12, max(length, label.shape[1]) + 10
    top, left = image.shape[0] - height - 4, 4
    if top < 0 or left + width > image.shape[1]:
        return
    image[top : top + height, left : left + width] = palette.white
    image[top + height - 7 : top + height - 3, left + 5 : left + 5 + length] = palette.black
    _place(image, label, left + 5, top + 2, palette)


def _write(
    block: NDArray[np.uint8], words: str, left: int, top: int, palette: _Palette
) -> None:
    _place(block, _letters(words), left, top, palette)


def _place(
    block: NDArray[np.uint8], ink: NDArray[np.uint8], left: int, top: int, palette: _Palette
) -> None:
    """Lay ink on white; what does not fit is cut off."""
    target = block[max(0, top) : top + ink.shape[0], max(0, left) : left + ink.shape[1]]
    part = ink[: target.shape[0], : target.shape[1]]
    target[part > 0] = palette.ink(part)[part > 0]


def _letters(words: str) -> NDArray[np.uint8]:
    """Write a line of text: how much ink is where, 0 … 255."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - only pictures need it

    font = typeface(_LETTERS)
    left, _, right, _ = font.getbbox(words)
    image = Image.new("L", (max(1, math.ceil(right - left)), _LETTERS + 4))
    ImageDraw.Draw(image).text((-left, 0), words, font=font, fill=255)
    return np.asarray(image)


def typeface(size: int) -> FreeTypeFont | ImageFont:
    """Return the letters of matplotlib, which have π and µ, or Pillow's own without it."""
    from PIL import ImageFont as fonts  # noqa: PLC0415, N813 - as in _letters

    package = util.find_spec("matplotlib")
    path = Path(package.origin or "").parent / _TYPEFACE if package else Path()
    return fonts.truetype(path, size) if path.is_file() else fonts.load_default(size)


def _encode(
    indices: NDArray[np.uint8], colours: NDArray[np.uint8], places: Sequence[Place]
) -> bytes:
    from PIL import Image  # noqa: PLC0415 - as in _letters

    image = Image.fromarray(indices)
    image.putpalette(colours.tobytes())
    written = io.BytesIO()
    text = describe(places) if places else None
    image.save(written, format="png", optimize=True, pnginfo=text)
    return written.getvalue()
