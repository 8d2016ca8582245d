"""PNG bytes → grey levels, with the standard library and bounded memory.

Reads 8-bit grey, grey+alpha, RGB, RGBA and palette images without interlacing, which is
what programs write; anything else is refused by name, never guessed. So is a picture of which
every pixel is transparent: whatever its levels are, nobody sees them.

Our own rather than a picture library: guards are judged again wherever an old hub is verified,
where there may be none, and what a hostile file makes it allocate is bounded here.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from harness.frozen import dataclass

_MAGIC = b"\x89PNG\r\n\x1a\n"
# Colour types of the PNG specification, 11.2.2: grey, RGB, palette, and the first two with
# alpha.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_BIT_DEPTH = 8
_PALETTE = 3
_WITH_ALPHA = (4, 6)
_INVISIBLE = "a PNG of which every pixel is transparent"
PIXEL_LIMIT = 1 << 24
FILE_LIMIT = 8 << 20  # a few pictures are remembered, and all of them fit into memory


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


@lru_cache(maxsize=4)
def decode(content: bytes) -> Image:
    """Decode a PNG into grey levels.

    Colour becomes ¼ red + ½ green + ¼ blue; transparency of a part is left out of account. The
    last few pictures are remembered, for several guards look at one.

    Raises:
        ImageError: Not a PNG, damaged, of an unknown kind, transparent all over, or over 16
            million pixels.
    """
    chunks = _chunks(content)
    width, height, depth, colour, interlace = _header(chunks)
    if depth != _BIT_DEPTH or colour not in _CHANNELS or interlace:
        raise ImageError(f"a PNG of kind {colour}, {depth} bits, interlace {interlace}")
    # Before anything is unpacked: what the header says decides how much memory that takes.
    if not 0 < width * height <= PIXEL_LIMIT:
        raise ImageError(f"a PNG of {width} × {height} pixels")
    channels = _CHANNELS[colour]
    size = (width * channels + 1) * height
    raw = _inflate(b"".join(body for name, body in chunks if name == b"IDAT"), size)
    if colour in _WITH_ALPHA and _is_transparent(raw, width, channels):
        raise ImageError(_INVISIBLE)
    planes = _unfilter(raw, width, channels)
    if colour == _PALETTE:
        opacity = next((body for name, body in chunks if name == b"tRNS"), b"")
        if all(index < len(opacity) and not opacity[index] for index in set(planes[0])):
            raise ImageError(_INVISIBLE)
        return Image(width, height, planes[0].translate(_palette(chunks)))
    return Image(width, height, _grey(planes))


def read_texts(content: bytes) -> dict[str, str]:
    """Return what a PNG says of itself, by keyword (chunks ``tEXt``).

    Raises:
        ImageError: Not a PNG, or damaged.
    """
    texts: dict[str, str] = {}
    for name, body in _chunks(content):
        keyword, mark, text = body.partition(b"\0")
        if name == b"tEXt" and mark:
            texts[keyword.decode("latin-1")] = text.decode("latin-1")
    return texts


def _chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    if not content.startswith(_MAGIC):
        raise ImageError(_kind(content))
    chunks, place = [], len(_MAGIC)
    # Length, name and checksum of a chunk take 12 bytes.
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
        # One byte more than announced is enough to see that there are too many.
        raw = engine.decompress(packed, size + 1)
    except zlib.error as error:
        raise ImageError("a PNG with damaged pixels") from error
    if len(raw) != size:
        raise ImageError("a PNG with too few or too many pixels")
    return raw


def _is_transparent(raw: bytes, width: int, channels: int) -> bool:
    """Say whether every alpha is zero, which each line filter leaves at zero."""
    stride = width * channels + 1
    lines = range(0, len(raw), stride)
    return not any(any(raw[line + channels : line + stride : channels]) for line in lines)


def _palette(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = next((body for name, body in chunks if name == b"PLTE"), b"")
    if not body or len(body) % 3:
        raise ImageError("a PNG without its palette")
    return _grey([body[colour::3] for colour in range(3)]).ljust(256, b"\0")[:256]


def _grey(planes: Sequence[bytes]) -> bytes:
    """Return ¼ red + ½ green + ¼ blue, all pixels at once in one long integer."""
    if len(planes) == 1:
        return planes[0]
    size = len(planes[0])
    total = 0
    # The masks cut off what a shift carries over from the byte before.
    for plane, shift, mask in zip(planes, (2, 1, 2), (0x3F, 0x7F, 0x3F), strict=True):
        total += int.from_bytes(plane) >> shift & int.from_bytes(bytes([mask]) * size)
    return total.to_bytes(size)


def _unfilter(raw: bytes, width: int, channels: int) -> list[bytes]:
    """Undo the line filters, which never mix channels; alpha is left out.

    Returns:
        One plane for grey, three for colour.
    """
    colours = 1 if channels <= 2 else 3  # noqa: PLR2004 (grey, or grey and alpha)
    stride = width * channels
    # Above the first line all is zero (PNG specification, 9.2).
    above = [bytes(width)] * colours
    lines: list[list[bytes]] = [[] for _ in range(colours)]
    for start in range(0, len(raw), stride + 1):
        kind, line = raw[start], raw[start + 1 : start + 1 + stride]
        undo = _FILTERS.get(kind)
        known: dict[tuple[bytes, bytes], bytes] = {}
        if undo is None:
            raise ImageError(f"a PNG with an unknown line filter {kind}")
        for colour in range(colours):
            pair = (line[colour::channels], above[colour])
            # In a grey picture stored as colour the three channels are one piece of work.
            known[pair] = above[colour] = known.get(pair) or undo(*pair)
            lines[colour].append(above[colour])
    return [b"".join(plane) for plane in lines]


def _none(line: bytes, _above: bytes) -> bytes:
    return line


def _sub(line: bytes, _above: bytes) -> bytes:
    return bytes([value & 255 for value in itertools.accumulate(line)])


def _undo_up_filter(line: bytes, above: bytes) -> bytes:
    """Add modulo 256 in every byte at once: the low seven bits, then the top one."""
    size = len(line)
    one, two, low = int.from_bytes(line), int.from_bytes(above), int.from_bytes(b"\x7f" * size)
    return ((one & low) + (two & low) ^ (one ^ two) & ~low).to_bytes(size)


def _average(line: bytes, above: bytes) -> bytes:
    output, left = bytearray(len(line)), 0
    for i, (value, up) in enumerate(zip(line, above, strict=True)):
        output[i] = left = value + (left + up >> 1) & 255
    return bytes(output)


def _paeth(line: bytes, above: bytes) -> bytes:
    if above.count(above[:1]) == len(above) and not any(line):
        return above  # an empty line below an even one: margins of figures
    output = bytearray(len(line))
    left = corner = 0
    for i, (value, up) in enumerate(zip(line, above, strict=True)):
        if up != corner:  # else the predictor is what lies to the left
            if left == corner:
                left = up
            else:
                to_left, to_up = abs(up - corner), abs(left - corner)
                to_corner = abs(left + up - corner - corner)
                if to_up < to_left and to_up <= to_corner:
                    left = up
                elif to_corner < to_left:
                    left = corner
        output[i] = left = left + value & 255
        corner = up
    return bytes(output)


_FILTERS: Mapping[int, Callable[[bytes, bytes], bytes]] = {
    0: _none,
    1: _sub,
    2: _undo_up_filter,
    3: _average,
    4: _paeth,
}
