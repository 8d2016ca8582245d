"""Event files of TensorBoard: the scalars by tag, each a list of ``step`` and ``value``.

Our own reader rather than TensorBoard's, which brings a web server and protobuf: four fields of
three messages are all that a scalar is. Every record is held to its checksums; pictures,
histograms and graphs are passed over.

Sources: tensorflow/core/lib/io/record_writer.h (framing, masked CRC-32C); event.proto,
summary.proto and tensor.proto (field numbers); RFC 3720, appendix B.4 (CRC-32C).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from harness.judgement.guards.readers.base import MOST_VALUES, FormatError, TooMuchError

_EXPECTED = "an event file of TensorBoard"
_LENGTH, _CHECK = struct.Struct("<Q"), struct.Struct("<I")
_MASK = 0xA282EAD8
_POLYNOMIAL = 0x82F63B78
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_FLOAT, _DOUBLE = 1, 2  # DataType of a tensor


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _make_table()


def read(content: bytes) -> dict[str, list[dict[str, Any]]]:
    """Return the scalars of an event file, in the order in which they were written.

    Raises:
        FormatError: It is none, a record is cut, or one is not what its checksum says.
        TooMuchError: There are more scalars than are read.
    """
    curves: dict[str, list[dict[str, Any]]] = {}
    count = 0
    for record in _list_records(content):
        step, values = 0, []
        for field, kind, value in _list_fields(record):
            if (field, kind) == (2, _VARINT):
                step = value - (1 << 64) if value >> 63 else value
            elif (field, kind) == (5, _BYTES):
                values += [v for f, k, v in _list_fields(value) if (f, k) == (1, _BYTES)]
        for value in values:
            tag, number = _read_value(value)
            if number is not None:
                curves.setdefault(tag, []).append({"step": step, "value": number})
                count += 1
        if count > MOST_VALUES:
            raise TooMuchError(f"over {MOST_VALUES:,} scalars", "fewer scalars")
    return curves


def compute_crc32c(content: bytes) -> int:
    """Return the CRC-32C of some bytes."""
    value = 0xFFFFFFFF
    for byte in content:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def mask_crc(value: int) -> int:
    """Return a checksum as it is stored, so that one of bytes with a checksum is another."""
    return ((value >> 15 | value << 17) + _MASK) & 0xFFFFFFFF


def _list_records(content: bytes) -> Iterator[bytes]:
    place, view = 0, memoryview(content)
    if not content:
        raise FormatError("an empty file", _EXPECTED)
    while place < len(content):
        head = bytes(view[place : place + 12])
        if len(head) < 12:  # noqa: PLR2004 - a length and its checksum
            raise FormatError(f"a record that is cut at byte {place:,}", _EXPECTED)
        (length,), (check,) = _LENGTH.unpack(head[:8]), _CHECK.unpack(head[8:])
        if mask_crc(compute_crc32c(head[:8])) != check:
            raise FormatError(f"another checksum at byte {place:,}", _EXPECTED)
        place += 12
        if length > len(content) - place - 4:
            raise FormatError(f"a record that is cut at byte {place:,}", _EXPECTED)
        data = bytes(view[place : place + length])
        (check,) = _CHECK.unpack(view[place + length : place + length + 4])
        if mask_crc(compute_crc32c(data)) != check:
            raise FormatError(f"another checksum at byte {place:,}", _EXPECTED)
        yield data
        place += length + 4


def _list_fields(message: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yield number, wire type and value of each field; groups are not of this format."""
    place = 0
    while place < len(message):
        key, place = _read_varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _read_varint(message, place)
            yield field, kind, value
            continue
        if kind == _BYTES:
            size, place = _read_varint(message, place)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise FormatError(f"a field of wire type {kind}", _EXPECTED)
        if size > len(message) - place:
            raise FormatError("a message that is cut", _EXPECTED)
        yield field, kind, message[place : place + size]
        place += size


def _read_varint(message: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no mark
            return value & (1 << 64) - 1, place + index + 1
    raise FormatError("a number that does not end", _EXPECTED)


def _read_value(message: bytes) -> tuple[str, float | None]:
    """Return tag and number of a value of a summary; None where it is no scalar."""
    tag, number = "", None
    for field, kind, value in _list_fields(message):
        if (field, kind) == (1, _BYTES):
            tag = value.decode(errors="replace")
        elif (field, kind) == (2, _FIXED32):
            number = struct.unpack("<f", value)[0]
        elif (field, kind) == (8, _BYTES):
            number = _read_tensor(value)
    return tag, number


def _read_tensor(message: bytes) -> float | None:
    """Return the only number of a tensor of floats; None for any other."""
    dtype, numbers = 0, b""
    for field, kind, value in _list_fields(message):
        if (field, kind) == (1, _VARINT):
            dtype = value
        # Content, float_val and double_val; packed and single values are the same bytes.
        elif field in (4, 5, 6) and kind in (_BYTES, _FIXED32, _FIXED64):
            numbers += value
    form = {_FLOAT: "<f", _DOUBLE: "<d"}.get(dtype)
    if form is None or len(numbers) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, numbers)[0])
