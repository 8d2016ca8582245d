"""Pictures: decoded right, and blank ones told from ones that show something."""

from __future__ import annotations

import random
import time
import zlib
from pathlib import Path

import pytest

from harness.judgement.guards import png as decoder
from harness.judgement.guards import registry
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
