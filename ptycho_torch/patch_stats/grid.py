"""Patches to PNG: each on a scale of its own for structure, or all on one for levels.

The first is grey with deterministic bytes: no text, no metadata, no plot library. The second
has the same scale in every run, so that training and inference can be laid side by side.
"""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import panels
from ptycho_torch.patch_stats import reduction
from ptycho_torch.patch_stats.reduction import Moments

TILE_SIDE = 64
SEPARATOR = 2
_SEPARATOR_GREY = 255
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 6
_TOP = 2.0  # amplitude of white: the bound of the bounded head by default
_BEYOND = (0xD6, 0x40, 0x2F)
_SHADES = 200


def render(batch: Moments) -> bytes:
    """Tile the normalised patches, samples as rows and channels as columns."""
    rows, columns = batch.pixels.shape[:2]
    tiles = [
        [_tile(reduction.normalise_patch(batch, row, column)) for column in range(columns)]
        for row in range(rows)
    ]
    return encode(_join_tiles(tiles))


def levels(batch: Moments) -> bytes:
    """Tile the patches on one scale, from 0 to 2, in the order of ``render``.

    Amplitudes outside, and values that are no numbers, are red.
    """
    rows, columns, height, width = batch.pixels.shape
    tall, wide = height + SEPARATOR, width + SEPARATOR
    values = np.zeros((rows * tall - SEPARATOR, columns * wide - SEPARATOR))
    is_shown = np.zeros(values.shape, np.bool_)
    for row in range(rows):
        for column in range(columns):
            top, left = row * tall, column * wide
            tile = (slice(top, top + height), slice(left, left + width))
            values[tile], is_shown[tile] = batch.pixels[row, column], True
    ramp = panels.Ramp(
        colours=panels.grey(_SHADES),
        low=0.0,
        high=_TOP,
        ticks=panels.ticks(0.0, _TOP),
        unit="|object|; red: outside",
        beyond=_BEYOND,
    )
    return panels.draw([panels.Panel(title="patches", values=values, mask=is_shown, ramp=ramp)])


def encode(grey: NDArray[np.uint8]) -> bytes:
    """Encode an 8-bit grey image (rows, columns) as PNG."""
    height, width = grey.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    unfiltered = np.pad(grey, ((0, 0), (1, 0)))
    body = zlib.compress(unfiltered.tobytes(), _LEVEL)
    parts = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def _tile(patch: NDArray[np.float64]) -> NDArray[np.uint8]:
    factor = max(1, math.ceil(TILE_SIDE / min(patch.shape)))
    grey = np.rint(patch * 255).astype(np.uint8)
    return grey.repeat(factor, axis=0).repeat(factor, axis=1)


def _join_tiles(tiles: list[list[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    height, width = tiles[0][0].shape
    shape = (
        len(tiles) * (height + SEPARATOR) - SEPARATOR,
        len(tiles[0]) * (width + SEPARATOR) - SEPARATOR,
    )
    image = np.full(shape, _SEPARATOR_GREY, dtype=np.uint8)
    for row, line in enumerate(tiles):
        for column, tile in enumerate(line):
            top, left = row * (height + SEPARATOR), column * (width + SEPARATOR)
            image[top : top + height, left : left + width] = tile
    return image
