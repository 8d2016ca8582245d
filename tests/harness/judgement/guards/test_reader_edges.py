"""Bounds of readers on both their sides, byte orders, and fields of event files one by one."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import Any

import h5py
import numpy as np
import pytest

from harness.judgement.guards.readers import (
    arrays,
    catalogue,
    events,
    hdf5,
    json_lines,
    npy,
    tables,
    yaml_text,
)
from harness.judgement.guards.readers.base import (
    FormatError,
    Reader,
    TooMuchError,
    parse_cell,
    parse_number,
)


def save(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u2", "u8", "f2", "f4", "f8", "c8"])
def test_numbers_are_those_of_numpy(order: str, kind: str) -> None:
    """Whatever the byte order, the kind and the width."""
    array = np.array([[1, 2, 3], [100, 7, 0]]).astype(f"{order}{kind}")

    read = npy.read_npy(save(array))

    numbers = list(read.numbers[::2] if kind == "c8" else read.numbers)
    assert numbers == [float(x.real) for x in array.ravel()]
    assert (read.shape, read.count, read.is_complex) == ((2, 3), 6, kind == "c8")
    assert not read.is_fortran
    assert npy.read_npy(save(np.asfortranarray(array))).is_fortran


@pytest.mark.parametrize(
    ("shape", "is_read"),
    [
        ("()", True),
        ("(1,)", True),
        ("[1]", False),
        ("(-1,)", False),
        ("(True,)", False),
        ("(2,)", False),
        ("(0,)", False),
    ],
)
def test_shape_is_kept_to_the_byte(shape: str, is_read: bool) -> None:  # noqa: FBT001 - a column
    """Eight bytes are one number, and neither none nor two."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode()
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(8)

    if is_read:
        assert list(npy.read_npy(content).numbers) == [0.0]
    else:
        with pytest.raises(npy.ArrayError):
            npy.read_npy(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x93NUMPY\x01", "version"),
        (b"\x93NUMPY\x01\x00\x01", "cut header"),
        (b"\x93NUMPY\x01\x00\x00\x00", "a header that is none"),
        (b"\x93NUMPY\x01\x00\x01\x00", "cut header"),
        (b"\x93NUMPY\x01\x00\x02\x00[]", "a header that is none"),
        (b"\x93NUMPY\x09\x00\x02\x00{}", "version"),
    ],
)
def test_header_is_whole(content: bytes, message: str) -> None:
    """Each byte that it needs is there."""
    with pytest.raises(npy.ArrayError, match=message):
        npy.read_npy(content)


@pytest.mark.parametrize(
    ("count", "size", "is_read"), [(3, 10, True), (4, 10, False), (3, 11, False)]
)
def test_archive_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    size: int,
    is_read: bool,  # noqa: FBT001 - a column
) -> None:
    """By its members, and by what they unpack to."""
    monkeypatch.setattr(npy, "_MOST_MEMBERS", 3)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.npy", b"x" * (size if number == 0 else 0))

    if is_read:
        assert [name for name, _ in npy.members(stream.getvalue(), 10)] == ["0", "1", "2"]
    else:
        with pytest.raises(npy.ArrayError, match="too much"):
            list(npy.members(stream.getvalue(), 10))


@pytest.mark.parametrize(("most", "is_read"), [(3, False), (4, True)])
def test_objects_of_a_file_are_counted(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    is_read: bool,  # noqa: FBT001 - a column
) -> None:
    """Groups and datasets alike; one that holds nothing, or text, is told."""
    monkeypatch.setattr(hdf5, "_MOST_OBJECTS", most)
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["a/b"] = [1.0, 3.0]
        file["c"] = "text"
        file["d"] = h5py.Empty("f4")

    if is_read:
        content = hdf5.read(stream.getvalue())
        assert content["a"]["b"]["mean"] == 2.0
        assert [set(content[name]) for name in "cd"] == [{"trouble"}, {"trouble"}]
    else:
        with pytest.raises(TooMuchError):
            hdf5.read(stream.getvalue())


@pytest.mark.parametrize(("most", "is_read"), [(8, False), (9, True)])
def test_cells_of_a_table_are_counted(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    is_read: bool,  # noqa: FBT001 - a column
) -> None:
    """Three rows of two cells, and one more for each row."""
    monkeypatch.setattr(tables, "MOST_VALUES", most)

    if is_read:
        assert tables.read_csv(b"a,b\n1,x\n2,\n") == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    else:
        with pytest.raises(TooMuchError):
            tables.read_csv(b"a,b\n1,x\n2,\n")


@pytest.mark.parametrize(("most", "is_read"), [(5, False), (6, True)])
def test_values_of_lines_are_counted(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    is_read: bool,  # noqa: FBT001 - a column
) -> None:
    """Every mark that may begin one."""
    monkeypatch.setattr(json_lines, "MOST_VALUES", most)

    if is_read:
        assert json_lines.read(b'{"a": [1, 2]}\n\n3\n') == [{"a": [1, 2]}, 3]
    else:
        with pytest.raises(TooMuchError):
            json_lines.read(b'{"a": [1, 2]}\n\n3\n')


def test_damaged_line_has_its_number() -> None:
    """Counted from one, blank lines too."""
    with pytest.raises(FormatError, match="no JSON in line 3"):
        json_lines.read(b"1\n\n{\n")


def test_statistics_are_those_of_numpy() -> None:
    """Of the population; of complex numbers their magnitude; none beside a NaN."""
    values = np.random.default_rng(2).normal(5, 2, (7, 3))

    made = arrays.read(save(values))

    for name, truth in {
        "mean": values.mean(),
        "std": values.std(),
        "min": values.min(),
    }.items():
        assert made[name] == pytest.approx(truth, rel=1e-12)
    assert (made["count"], made["shape"], made["nonfinite"]) == (21, [7, 3], 0)
    values[0, 0] = np.nan
    hollow = arrays.read(save(values))
    assert hollow["nonfinite"] == 1
    assert not np.isfinite(hollow["mean"])


@pytest.mark.parametrize(("most", "is_read"), [(6, True), (5, False)])
def test_numbers_of_an_archive_are_counted(
    monkeypatch: pytest.MonkeyPatch,
    most: int,
    is_read: bool,  # noqa: FBT001 - a column
) -> None:
    """Those of all its arrays together."""
    monkeypatch.setattr(arrays, "MOST_NUMBERS", most)
    stream = io.BytesIO()
    np.savez(stream, a=np.arange(2), b=np.arange(4))

    if is_read:
        assert arrays.read(stream.getvalue())["b"]["max"] == 3
    else:
        with pytest.raises(TooMuchError):
            arrays.read(stream.getvalue())


def frame(data: bytes) -> bytes:
    """Frame a record; the checksums are those of RFC 3720."""
    head = struct.pack("<Q", len(data))
    crc = [struct.pack("<I", events.mask_crc(events.compute_crc32c(b))) for b in (head, data)]
    return head + crc[0] + data + crc[1]


def field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


SCALAR = field(1, b"a") + b"\x15" + struct.pack("<f", 1.5)


@pytest.mark.parametrize(
    ("step", "number"),
    [
        (b"", 0),
        (b"\x10\x05", 5),
        (b"\x10\x80\x01", 128),
        (b"\x10\xac\x02", 300),
        (b"\x10" + b"\xff" * 9 + b"\x01", -1),
        # Wall time, eight bytes; a text; four bytes: none of them is the step.
        (b"\x09" + struct.pack("<d", 1e9) + b"\x10\x07", 7),
        (field(3, b"brain.Event:2") + b"\x10\x07", 7),
        (b"\x1d" + bytes(4) + b"\x10\x07", 7),
    ],
)
def test_step_of_an_event(step: bytes, number: int) -> None:
    """A number of seven bits a byte, the last one unmarked."""
    content = frame(step + field(5, field(1, SCALAR)))

    assert events.read(content) == {"a": [{"step": number, "value": 1.5}]}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (field(1, b"a") + field(8, b"\x08\x01" + field(4, struct.pack("<f", 2.5))), 2.5),
        (field(1, b"a") + field(8, b"\x08\x02" + field(4, struct.pack("<d", 2.5))), 2.5),
        (field(1, b"a") + field(8, b"\x08\x01\x2d" + struct.pack("<f", 2.5)), 2.5),
        (field(1, b"a") + field(8, b"\x08\x02\x31" + struct.pack("<d", 2.5)), 2.5),
        (field(1, b"a") + field(8, b"\x08\x03" + field(4, bytes(4))), None),
        (field(1, b"a") + field(8, b"\x08\x01" + field(4, bytes(8))), None),
        (field(1, b"a") + field(8, field(4, bytes(4))), None),
        (field(1, b"a"), None),
    ],
)
def test_tensor_of_one_number(value: bytes, expected: float | None) -> None:
    """Its type says how many bytes that number has; all else is none."""
    curves = events.read(frame(field(5, field(1, value))))

    assert [p["value"] for p in curves.get("a", [])] == ([] if expected is None else [expected])


def test_cut_record_is_damage() -> None:
    """Wherever it is cut, alone or behind a whole one."""
    content = frame(field(5, field(1, SCALAR)))
    for before in (b"", content):
        for length in range(0 if not before else 1, len(content)):
            with pytest.raises(FormatError):
                events.read(before + content[:length])


@pytest.mark.parametrize(
    "message", [b"\x10", b"\x10\x80", b"\x0b", b"\x09\x00", b"\x2a\x05\x00", b"\x15\x00\x00"]
)
def test_cut_message_is_damage(message: bytes) -> None:
    """A number, a group, eight bytes, a text and four bytes that are not all there."""
    with pytest.raises(FormatError):
        events.read(frame(message))


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("a/b.CSV", catalogue.CSV),
        ("b.tsv", catalogue.TSV),
        ("b.yml", catalogue.YAML),
        ("b.npz", catalogue.NPY),
        ("b.hdf5", catalogue.HDF5),
        ("events.out.tfevents.17.host", catalogue.EVENTS),
        ("tfeventsx.csv", catalogue.CSV),
        ("b.json", None),
        ("csv", catalogue.CSV),
        ("b.txt", None),
    ],
)
def test_name_says_the_format(path: str, reader: Any) -> None:
    """By its ending; every reader of these is installed here."""
    assert catalogue.find_reader(path) is reader
    assert reader is None or catalogue.is_installed(reader)
    lacking = Reader(name="X", home="tables", limit=1, module="no_such_module")
    assert not catalogue.is_installed(lacking)


@pytest.mark.parametrize("text", ["1_000", "\u0661\u0662", "\u0661_\u0662", "", "x"])
def test_number_is_one_for_every_program(text: str) -> None:
    """Neither the digits of another script nor those that a line joins."""
    assert parse_cell(text) == (text or None)
    assert parse_cell("1e3") == parse_number("1e3") == 1000.0


def test_infinity_has_its_sign() -> None:
    """As YAML writes it, and numbers of other bases."""
    content = b"[.inf, +.inf, -.inf, 0x10, 0o10, -3, '-3']"

    values = yaml_text.read(content)

    assert values == [float("inf"), float("inf"), float("-inf"), 16, 8, -3, "-3"]
