"""Pictures: decoded right, and blank ones told from ones that show something."""

from __future__ import annotations

import random
import time
import zlib
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import images, registry
from harness.judgement.guards import png as decoder
from harness.judgement.guards.images import ImageOptions
from harness.judgement.guards.png import Image
from harness.verdict import Verdict
from tests.builders.evidence import chunk, evidence, guard, png

RED, GREEN = Verdict.RED, Verdict.GREEN
GREY_RANDOM = random.Random(3)  # noqa: S311
NOISE = [[GREY_RANDOM.randrange(256) for _ in range(40)] for _ in range(40)]


@pytest.mark.parametrize("line_filter", range(5))
@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_every_filter_decodes(line_filter: int, colour: int, channels: int) -> None:
    """Each line filter and colour kind gives back the grey levels that were written."""

    def level(row: int, column: int) -> tuple[int, ...]:
        return tuple(NOISE[row][(column * channels + i) % 40] for i in range(channels))

    image = decoder.decode(png(11, 7, level, colour=colour, line_filter=line_filter))

    def grey(values: tuple[int, ...]) -> int:
        shared = zip(values[:3], (4, 2, 4), strict=True) if channels > 2 else ((values[0], 1),)
        return sum(value // part for value, part in shared)

    expected = [grey(level(row, column)) for row in range(7) for column in range(11)]
    assert (image.width, image.height, list(image.levels)) == (11, 7, expected)


def test_palette_decodes() -> None:
    """Palette indices become the grey of their colours."""
    plain = png(5, 3, lambda row, column: (row + column) % 3)
    header, rest = plain[:33], plain[33:]
    body = header[16:24] + b"\x08\x03\0\0\0"
    painted = (
        plain[:8]
        + chunk(b"IHDR", body)
        + chunk(b"PLTE", bytes([0, 0, 0, 90, 90, 90, 255, 0, 0]))
    )

    image = decoder.decode(painted + rest)

    assert list(image.levels) == [(0, 89, 63)[(r + c) % 3] for r in range(3) for c in range(5)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        b"a text placeholder",
        png(5, 3, lambda *_: 7)[:-30],
        png(5, 3, lambda *_: 7).replace(b"IDAT", b"IDAx"),
        png(5, 3, lambda *_: 7, line_filter=0)[:33] + chunk(b"IEND", b""),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\xff" * 13) + chunk(b"IEND", b""),
    ],
)
def test_damaged_picture_is_red(tmp_path: Path, content: bytes) -> None:
    """Bytes that are no whole PNG are red and say what they are."""
    run = evidence(tmp_path, {"x.png": content})

    result = registry.judge([guard("image", artifact="x")], run, None)[0]

    assert (result.verdict, bool(result.reason)) == (RED, True)


def grid(row: int, column: int) -> int:
    """Two by three tiles of 12 px with a white 2 px separator."""
    if row % 14 >= 12 or column % 14 >= 12:
        return 255
    return (row % 14 * 17 + column % 14 * 5) % 250


def dead_tile(row: int, column: int) -> int:
    """The same with the tile in row 1, column 2 constant."""
    return 128 if row >= 14 and column >= 28 else grid(row, column)


def written_text(row: int, column: int) -> int:
    """A line of grey-edged strokes on white, as a placeholder's text would be."""
    inside = 10 <= row < 16 and 4 <= column < 30 and column % 3
    return (row * 40 + column * 7) % 200 if inside else 255


TILES = {"tile": 12, "separator": 2, "tiles": 6}


@pytest.mark.parametrize(
    ("picture", "options", "expected"),
    [
        (png(40, 26, grid), TILES, GREEN),
        (png(40, 26, dead_tile), TILES, RED),
        (png(26, 26, grid), TILES, RED),
        (png(40, 26, lambda *_: 200), {}, RED),
        (png(40, 26, lambda row, _: row % 2 * 255), {}, RED),
        (png(80, 60, written_text), {}, RED),
        (png(40, 26, grid), {"min_size": 30}, RED),
    ],
)
def test_blank_is_told_from_shown(
    tmp_path: Path, picture: bytes, options: dict[str, int], expected: Verdict
) -> None:
    """A dead tile, a missing tile, a constant, two levels, a line of text: each is red."""
    run = evidence(tmp_path, {"x.png": picture})

    assert (
        registry.judge([guard("image", artifact="x", **options)], run, None)[0].verdict
        is expected
    )


def test_bomb_is_refused_quickly() -> None:
    """A picture that says it is huge is refused before memory is taken."""
    header = (1 << 20).to_bytes(4, "big") * 2 + b"\x08\0\0\0\0"
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")
    started = time.monotonic()

    with pytest.raises(decoder.ImageError):
        decoder.decode(bomb)

    assert time.monotonic() - started < 0.5


def test_colour_bar_is_no_content(tmp_path: Path) -> None:
    """Levels of a narrow gradient beside an empty map do not count; those of a map do."""
    blank = png(100, 90, lambda row, column: row if column > 96 else 128)
    picture = png(
        100, 90, lambda row, column: row if column > 96 else 3 * (row // 2 % 30) + 100
    )
    rule = guard("image", artifact="map", min_levels=16, level_share=0.005)

    verdicts = [
        registry.judge([rule], evidence(tmp_path, {"map.png": content}), None)[0].verdict
        for content in (blank, picture)
    ]

    assert verdicts == [RED, GREEN]


def test_picture_that_is_cut_is_none() -> None:
    """Wherever it is cut; bytes behind its end are not looked at."""
    whole = png(5, 3, lambda row, column: row * column)
    for length in range(len(whole)):
        with pytest.raises(decoder.ImageError):
            decoder.decode(whole[:length])

    assert decoder.decode(whole + b"x" * 20) == decoder.decode(whole)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "an empty file"),
        (b" \n", "an empty file"),
        (b"\xff\xfe", "bytes that are no PNG"),
        (b" to come ", "a text file that begins 'to come'"),
        (b"x" * 50, f"a text file that begins {'x' * 40!r}"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, text: str) -> None:
    """So that who reads it sees what was written in its place."""
    with pytest.raises(decoder.ImageError) as caught:
        decoder.decode(content)

    assert str(caught.value) == text


@pytest.mark.parametrize("more", [-1, 1])
def test_pixels_are_as_many_as_the_header_says(more: int) -> None:
    """One byte fewer or more is damage."""
    rows = zlib.compress(bytes(3 * 6 + more))
    header = (5).to_bytes(4, "big") + (3).to_bytes(4, "big") + b"\x08\0\0\0\0"
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, body) for name, body in parts)

    with pytest.raises(decoder.ImageError, match="too few or too many"):
        decoder.decode(content)


def make_image(*counts: int, width: int = 10) -> Image:
    """Make a picture of so many pixels of each grey level."""
    levels = b"".join(bytes([level]) * count for level, count in enumerate(counts))
    return Image(width, len(levels) // width, levels)


EDGES: list[tuple[Image, dict[str, Any], bool]] = [
    # As many levels, as large a share and as many pixels as are wanted, and one fewer.
    (make_image(30, 30, 40), {"min_levels": 3}, True),
    (make_image(30, 70), {"min_levels": 3}, False),
    (make_image(90, 10), {"min_levels": 2, "max_flat": 0.9}, True),
    (make_image(91, 9), {"min_levels": 2, "max_flat": 0.9}, False),
    (make_image(9, 91), {"min_levels": 2, "max_flat": 0.9}, False),  # white as well as black
    (make_image(5, 95), {"min_levels": 2, "max_flat": 1.0, "level_share": 0.05}, True),
    (make_image(4, 96), {"min_levels": 2, "max_flat": 1.0, "level_share": 0.05}, False),
    (make_image(100), {"min_levels": 1, "max_flat": 1.0}, False),  # constant all the same
    (make_image(50, 50), {"min_levels": 2, "min_size": 10}, True),
    (make_image(50, 50), {"min_levels": 2, "min_size": 11}, False),
    (make_image(50, 50, width=20), {"min_levels": 2, "min_size": 10}, False),
    (make_image(50, 50, width=5), {"min_levels": 2, "min_size": 10}, False),
]


@pytest.mark.parametrize(("image", "wanted", "is_shown"), EDGES)
def test_each_bound_of_a_picture_is_met_where_it_just_holds(
    image: Image, wanted: dict[str, Any], *, is_shown: bool
) -> None:
    """At least and at most, the bound included."""
    options = ImageOptions(artifact="a", **wanted)
    assert (images.blankness(image, options) == "") is is_shown


TILES: list[tuple[tuple[int, ...], dict[str, Any], bool]] = [
    # Rows of a picture of 5 columns: tiles of 2 with a line of 1 between them.
    ((0, 2, 9, 0, 2) * 2, {"tile": 2, "separator": 1, "tiles": 2}, True),
    ((0, 2, 9, 0, 2) * 2, {"tile": 2, "separator": 1, "tiles": 3}, False),
    ((0, 2, 9, 0, 0) * 2, {"tile": 2, "separator": 1, "tiles": 2}, False),
    ((0, 0, 9, 0, 2) * 2, {"tile": 2, "separator": 1, "tiles": 2}, False),
    ((0, 2, 9, 0, 2) * 5, {"tile": 2, "separator": 1, "tiles": 4}, True),
    ((0, 2, 9, 0, 2) * 2, {"tile": 2, "separator": 1, "min_spread": 1.01}, False),
]


@pytest.mark.parametrize(("levels", "wanted", "is_shown"), TILES)
def test_each_tile_spreads_by_what_is_wanted(
    tmp_path: Path, levels: tuple[int, ...], wanted: dict[str, Any], *, is_shown: bool
) -> None:
    """Levels 0 and 2 spread by 1, which is enough; lines between tiles are no part of them."""
    content = png(5, len(levels) // 5, lambda row, column: levels[row * 5 + column])
    run = evidence(tmp_path, {"a.png": content})
    spec = guard("image", artifact="a", min_levels=2, max_flat=1.0, **wanted)
    verdict = registry.judge([spec], run, None)[0].verdict
    assert verdict is (Verdict.GREEN if is_shown else Verdict.RED)
