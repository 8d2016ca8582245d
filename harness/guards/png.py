"""PNG bytes → grey levels, with the standard library and bounded memory.

Reads 8-bit grey, grey+alpha, RGB, RGBA and palette images without interlacing, which is
what programs write; anything else is refused by name, never guessed.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from dataclasses import dataclass

_MAGIC = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BIT_DEPTH = 8
_PALETTE = 3
PIXEL_LIMIT = 1 << 24


class ImageError(ValueError):
    """Bytes that are no image this reader knows; the text says what they are."""


@dataclass(frozen=True, slots=True)
class Image:
    """Grey levels 0–255, row after row."""

    width: int
    height: int
    levels: bytes

    def rows(self, top: int, bottom: int, left: int, right: int) -> bytes:
        """Return the levels of a window, ``bottom`` and ``right`` excluded."""
        width = self.width
        return b"".join(
            self.levels[row * width + left : row * width + right] for row in range(top, bottom)
        )


def decode(content: bytes) -> Image:
    """Decode a PNG into grey levels.

    Colour becomes the mean of its channels; transparency is left out of account.

    Raises:
        ImageError: Not a PNG, damaged, of an unknown kind, or over 16 million pixels.
    """
    chunks = _chunks(content)
    width, height, depth, colour, interlace = _header(chunks)
    if depth != _BIT_DEPTH or colour not in _CHANNELS or interlace:
        raise ImageError(f"a PNG of kind {colour}, {depth} bits, interlace {interlace}")
    if not 0 < width * height <= PIXEL_LIMIT:
        raise ImageError(f"a PNG of {width} × {height} pixels")
    channels = _CHANNELS[colour]
    size = (width * channels + 1) * height
    raw = _inflate(b"".join(body for name, body in chunks if name == b"IDAT"), size)
    samples = _unfilter(raw, width * channels, channels)
    if colour == _PALETTE:
        return Image(width, height, samples.translate(_palette(chunks)))
    return Image(width, height, _grey(samples, channels))


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(_MAGIC):
        raise ImageError(_kind(content))
    chunks, place = [], len(_MAGIC)
    while place + 12 <= len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        body = content[place + 8 : place + 8 + size]
        crc = content[place + 8 + size : place + 12 + size]
        if len(crc) < 4 or zlib.crc32(name + body) != int.from_bytes(crc, "big"):  # noqa: PLR2004
            raise ImageError("a PNG with a damaged chunk")
        chunks.append((name, body))
        place += 12 + size
        if name == b"IEND":
            return chunks
    raise ImageError("a PNG cut short")


def _kind(content: bytes) -> str:
    if not content.strip():
        return "an empty file"
    try:
        text = content[:4096].decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        return "bytes that are no PNG"
    return f"a text file that begins {text.strip()[:40]!r}"


def _header(chunks: list[tuple[bytes, bytes]]) -> tuple[int, int, int, int, int]:
    name, body = chunks[0]
    if name != b"IHDR" or len(body) != struct.calcsize(">IIBBBBB"):
        raise ImageError("a PNG without a header")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", body)
    return width, height, depth, colour, interlace


def _inflate(packed: bytes, size: int) -> bytes:
    engine = zlib.decompressobj()
    try:
        raw = engine.decompress(packed, size + 1)
    except zlib.error as error:
        raise ImageError("a PNG with damaged pixels") from error
    if len(raw) != size:
        raise ImageError("a PNG with too few or too many pixels")
    return raw


def _palette(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = next((body for name, body in chunks if name == b"PLTE"), b"")
    if not body or len(body) % 3:
        raise ImageError("a PNG without its palette")
    return _grey(body, 3).ljust(256, b"\0")[:256]


def _grey(samples: bytes, channels: int) -> bytes:
    if channels <= 2:  # noqa: PLR2004 (grey, or grey and alpha)
        return samples[::channels]
    red, green, blue = (samples[channel::channels] for channel in range(3))
    return bytes([(r + g + b) // 3 for r, g, b in zip(red, green, blue, strict=True)])


def _unfilter(raw: bytes, stride: int, step: int) -> bytes:
    lines, above = [], bytes(stride)
    for start in range(0, len(raw), stride + 1):
        kind, line = raw[start], raw[start + 1 : start + 1 + stride]
        above = _line(kind, line, above, step)
        lines.append(above)
    return b"".join(lines)


def _line(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    if kind == 0:
        return line
    if kind == 1:
        return _sub(line, step)
    if kind == 2:  # noqa: PLR2004 (filter numbers are the format's)
        return _up(line, above)
    if kind == 3:  # noqa: PLR2004
        return _average(line, above, step)
    if kind == 4:  # noqa: PLR2004
        return _paeth(line, above, step)
    raise ImageError(f"a PNG with an unknown line filter {kind}")


def _sub(line: bytes, step: int) -> bytes:
    output = bytearray(len(line))
    for channel in range(step):
        sums = itertools.accumulate(line[channel::step])
        output[channel::step] = bytes([value & 255 for value in sums])
    return bytes(output)


def _up(line: bytes, above: bytes) -> bytes:
    return bytes([(a + b) & 255 for a, b in zip(line, above, strict=True)])


def _average(line: bytes, above: bytes, step: int) -> bytes:
    output = bytearray(line)
    for i, up in enumerate(above):
        left = output[i - step] if i >= step else 0
        output[i] = (output[i] + (left + up) // 2) & 255
    return bytes(output)


def _paeth(line: bytes, above: bytes, step: int) -> bytes:
    output = bytearray(line)
    for channel in range(step):
        left = corner = 0
        for i in range(channel, len(line), step):
            up = above[i]
            if left != corner or up != corner:  # else all three agree: the predictor is left
                to_left, to_up = abs(up - corner), abs(left - corner)
                to_corner = abs(left + up - corner - corner)
                if to_up < to_left and to_up <= to_corner:
                    left = up
                elif to_corner < to_left:
                    left = corner
            left = (left + output[i]) & 255
            output[i] = left
            corner = up
    return bytes(output)
