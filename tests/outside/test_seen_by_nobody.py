"""What nobody would see or read in a file is no evidence, and not taken for absent either."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub import redact
from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders.evidence import chunk, evidence, guard, png

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE


def level(row: int, column: int) -> int:
    return (37 * row + 61 * column) % 256


def paint(colour: int, line_filter: int, alpha: int) -> bytes:
    """Draw a picture whose pixels have one alpha but for the last."""
    side, channels = 40, {4: 1, 6: 3}[colour]

    def pixel(row: int, column: int) -> tuple[int, ...]:
        is_last = row == column == side - 1
        return (*[level(row, column)] * channels, alpha if is_last else 0)

    return png(side, side, pixel, colour=colour, line_filter=line_filter)


def paint_palette(opacity: bytes) -> bytes:
    """Draw with 256 greys of a palette, which has this opacity."""
    plain = png(40, 40, level)
    header = plain[16:24] + b"\x08\x03\0\0\0"
    greys = bytes(i for i in range(256) for _ in range(3))
    pieces = (chunk(b"IHDR", header), chunk(b"PLTE", greys), chunk(b"tRNS", opacity))
    return plain[:8] + b"".join(pieces) + plain[33:]


PICTURES = {
    **{
        f"{name}, filter {kind}, {'one pixel seen' if alpha else 'none'}": (
            paint(colour, kind, alpha),
            GREEN if alpha else RED,
        )
        for name, colour in (("grey", 4), ("colour", 6))
        for kind in range(5)
        for alpha in (0, 1)
    },
    "palette, none": (paint_palette(bytes(256)), RED),
    "palette, one grey seen": (paint_palette(bytes(255)), GREEN),
    "palette without opacity": (paint_palette(b""), GREEN),
}


@pytest.mark.parametrize("name", PICTURES)
def test_transparent_picture_shows_nothing(tmp_path: Path, name: str) -> None:
    """Levels under an alpha of zero are seen by nobody; one pixel with another is a picture."""
    content, expected = PICTURES[name]
    inputs = evidence(tmp_path, {"x.png": content})

    results = registry.judge((guard("image", artifact="x"),), inputs, None)

    assert [r.verdict for r in results] == [expected, expected]


def pack(*members: tuple[str, float]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, value in members:
            array = io.BytesIO()
            array.write(b"\x93NUMPY\x01\x00")
            header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }\n"
            array.write(len(header).to_bytes(2, "little") + header)
            archive.writestr(name, array.getvalue() + struct.pack("<3d", value, 0.25, 0.5))
    return stream.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("loss.npy", "loss.npy"), OPEN),
        (("loss.npy", "loss"), OPEN),
        (("loss", "other.npy", "loss.npy"), OPEN),
        (("loss.npy", "loss.npy.npy"), GREEN),
        (("loss.npy", "other.npy"), GREEN),
    ],
)
def test_array_twice_in_an_archive_is_none(
    tmp_path: Path, names: tuple[str, ...], expected: Verdict
) -> None:
    """Of two arrays of one name none is taken, whichever a reader would take."""
    first, *others = names
    inputs = evidence(tmp_path, {"x.npz": pack((first, 9.0), *((n, 0.5) for n in others))})
    spec = guard("bound", metric="x:loss.max", min=0.0, max=10.0)

    results = registry.judge((spec,), inputs, None)

    assert [r.verdict for r in results] == [expected, expected]


LOGS: dict[str, tuple[bytes, dict[str, Any], Verdict]] = {
    "UTF-16, little end first": (
        "loss is NaN\n".encode("utf-16-le"),
        {"must_not": ["NaN"]},
        OPEN,
    ),
    "UTF-16, big end first": ("loss is NaN\n".encode("utf-16-be"), {"must_not": ["NaN"]}, OPEN),
    "UTF-16 with its mark": ("loss is NaN\n".encode("utf-16"), {"must_not": ["NaN"]}, OPEN),
    "UTF-32": ("loss is NaN\n".encode("utf-32"), {"must_not": ["NaN"]}, OPEN),
    "UTF-16 in which something is missing": (
        "fine\n".encode("utf-16"),
        {"must": ["done"]},
        OPEN,
    ),
    "Latin-1": ("ung\xfcltig\n".encode("latin-1"), {"must_not": ["ung\xfcltig"]}, OPEN),
    "Latin-1, a pattern with an escape": (
        "ung\xfcltig\n".encode("latin-1"),
        {"must_not": ["ung\\xfcltig"]},
        OPEN,
    ),
    "Latin-1 beside the word": ("\xfc NaN\n".encode("latin-1"), {"must_not": ["NaN"]}, RED),
    "Latin-1 without the word": ("\xfc fine\n".encode("latin-1"), {"must_not": ["NaN"]}, GREEN),
    "bytes that somebody wrote out": (b"b'a\\x00\\x01' fine\n", {"must_not": ["NaN"]}, GREEN),
    "a line that was erased first": (b"\x1b[2K\rERROR: x\n", {"must_not": ["^ERROR"]}, RED),
    "a coloured word with an erasure": (
        b"\x1b[01;31m\x1b[KERROR\x1b[m\x1b[K: x\n",
        {"must_not": ["^ERROR: x$"]},
        RED,
    ),
    "a cursor in a word": (b"N\x1b[0KaN\n", {"must_not": ["NaN"]}, RED),
    "a cursor that is hidden": (b"\x1b[?25lNaN\n", {"must_not": ["^NaN"]}, RED),
}


@pytest.mark.parametrize("name", LOGS)
def test_log_is_read_as_people_read_it(tmp_path: Path, name: str) -> None:
    """Text of another encoding says nothing of what is not there; cursors are no letters."""
    content, options, expected = LOGS[name]
    stored = redact.Redactor({}).log(content).decode()
    inputs = evidence(tmp_path, logs={"train": stored})

    (result,) = registry.judge((guard("log", stage="train", **options),), inputs, None)

    assert result.verdict is expected
