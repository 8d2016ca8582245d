"""Maps as pictures, judged by the colours that come back out of the PNG."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ptycho_torch import panels
from ptycho_torch.panels import Panel, Ramp, Ruler

SHAPE = (30, 44)
EMPTY = panels.EMPTY


def ramp(**changes: object) -> Ramp:
    """Eleven greys for the values 0 … 10."""
    values: dict[str, object] = {
        "colours": panels.grey(11),
        "low": 0.0,
        "high": 10.0,
        "ticks": panels.ticks(0.0, 10.0),
        "unit": "apples",
    }
    return Ramp(**(values | changes))  # type: ignore[arg-type]


def panel(values: NDArray[np.float64] | None = None, **changes: object) -> Panel:
    """A map of whole numbers, no two rows or columns alike."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    taken = ((y + 3 * x) % 11).astype(float) if values is None else values
    parts: dict[str, object] = {"title": "t", "values": taken, "ramp": ramp()}
    parts["mask"] = np.ones(taken.shape, bool)
    return Panel(**(parts | changes))  # type: ignore[arg-type]


def pixels(png: bytes) -> NDArray[np.uint8]:
    """Decode a picture to (rows, columns, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"))


def grid(picture: NDArray[np.uint8], shape: tuple[int, int] = SHAPE) -> NDArray[np.uint8]:
    """Return the map inside a picture of one panel, one pixel for each value."""
    zoom = round(300 / max(shape))
    top, left = 14 + 26, 14
    rows, columns = shape[0] * zoom, shape[1] * zoom
    return picture[top : top + rows : zoom, left : left + columns : zoom]


def test_every_value_has_its_colour() -> None:
    """Rows stay rows, columns stay columns, and value k of 10 is shade k."""
    colours = grid(pixels(panels.draw([panel()])))

    expected = np.rint(panel().values / 10 * 255).astype(np.uint8)
    np.testing.assert_array_equal(colours, np.repeat(expected[..., None], 3, axis=2))


def test_the_bar_runs_from_end_to_end() -> None:
    """Below the map the bar begins with the lowest colour and ends with the highest."""
    picture = pixels(panels.draw([panel()]))

    zoom = round(300 / max(SHAPE))
    row = picture[14 + 26 + SHAPE[0] * zoom + 8, 14 : 14 + SHAPE[1] * zoom, 0].astype(int)
    assert (row[0], row[-1]) == (0, 255)
    assert (np.diff(row) >= 0).all()
    assert len(np.unique(row)) == 11


def test_what_is_not_shown_is_empty() -> None:
    """Pixels outside, and values that are no numbers, have the colour of nothing."""
    mask = np.ones(SHAPE, bool)
    mask[4, 9] = False
    values = panel().values.copy()
    values[7, 3] = np.nan

    colours = grid(pixels(panels.draw([panel(values, mask=mask)])))

    empty = (colours == EMPTY).all(axis=-1)
    assert [tuple(at) for at in np.argwhere(empty)] == [(4, 9), (7, 3)]


def test_values_beyond_are_marked() -> None:
    """With a colour for it, what leaves the scale stands out; without, it is the end."""
    values = np.full(SHAPE, 5.0)
    values[1, 2], values[3, 4], values[5, 6] = 10.5, -0.5, np.nan
    red = (200, 10, 20)

    marked = grid(pixels(panels.draw([panel(values, ramp=ramp(beyond=red))])))
    plain = grid(pixels(panels.draw([panel(values)])))

    places = [tuple(at) for at in np.argwhere((marked == red).all(axis=-1))]
    assert places == [(1, 2), (3, 4), (5, 6)]
    assert (plain[1, 2] == 255).all()
    assert (plain[3, 4] == 0).all()


def test_wide_maps_lie_below_each_other() -> None:
    """Tall maps stand side by side, wide ones are stacked, and none is cut."""
    tall, wide = (pixels(panels.draw([panel(np.ones(s))] * 3)) for s in ((44, 30), (20, 80)))

    assert tall.shape[1] > tall.shape[0]
    assert wide.shape[0] > wide.shape[1]


def test_ruler_has_its_length() -> None:
    """A ruler of ten pixels is as long as ten pixels of the map."""
    values = np.full(SHAPE, 10.0)
    with_ruler = pixels(panels.draw([panel(values)], Ruler(10, "10 px")))

    zoom = round(300 / max(SHAPE))
    bottom = 14 + 26 + SHAPE[0] * zoom
    row = with_ruler[bottom - 4 - 6, 14 : 14 + SHAPE[1] * zoom]
    assert int((row == 0).all(axis=-1).sum()) == 10 * zoom


def test_a_large_map_stays_a_small_picture() -> None:
    """Large canvases are thinned."""
    picture = pixels(panels.draw([panel(np.zeros((2500, 1900)))]))

    assert max(picture.shape) < 1100


def test_bytes_are_repeatable() -> None:
    """The same maps give the same bytes, with neither text nor time inside."""
    first, second = (panels.draw([panel(), panel()], Ruler(5, "5 µm")) for _ in range(2))

    assert first == second
    assert b"tEXt" not in first
    assert b"tIME" not in first


def test_what_does_not_fit_is_refused() -> None:
    """Maps of other shapes and more than 256 colours are errors."""
    with pytest.raises(ValueError, match="one shape"):
        panels.draw([panel(), panel(np.ones((30, 43)))])
    many = [panel(ramp=ramp(colours=panels.grey(120))) for _ in range(2)]
    with pytest.raises(ValueError, match="256"):
        panels.draw(many)


@pytest.mark.parametrize("shape", [(30, 44), (20, 80), (2500, 1900)])
def test_a_picture_says_where_its_maps_lie(shape: tuple[int, int]) -> None:
    """The box of each map holds its pixels, from its first value to its last."""
    values = np.zeros(shape)
    values[0, 0], values[-1, -1] = 10.0, 5.0
    window = (slice(3, 3 + shape[0]), slice(7, 7 + shape[1]))
    drawn = panels.draw([panel(values, window=window), panel(values, window=window)])

    with Image.open(io.BytesIO(drawn)) as image:
        entries = json.loads(image.text["panels"])  # type: ignore[attr-defined]
        greys = np.asarray(image.convert("L")).astype(int)

    assert [entry["rows"] for entry in entries] == [[3, 3 + shape[0]]] * 2
    assert [entry["columns"] for entry in entries] == [[7, 7 + shape[1]]] * 2
    for entry in entries:
        left, top, right, bottom = (round(side) for side in entry["box"])
        assert greys[top, left] == 255
        assert set(greys[top + 1 : bottom, right - 1]) <= {0, 128}
        assert greys[bottom - 1, (left + right) // 2] == 0
        assert greys[top - 1, left + 1] == greys[top + 9, left - 1] == 255


def test_a_picture_of_no_array_says_nothing() -> None:
    """Without a window there is no text: the maps are of no array that anybody stores."""
    with Image.open(io.BytesIO(panels.draw([panel()]))) as image:
        assert "panels" not in image.text  # type: ignore[attr-defined]
