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
_GAP = 24  # between the first batch and the last
_SEPARATOR_GREY = 255
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEVEL = 6
_TOP = 2.0  # amplitude of white: the bound of the bounded head by default
_BEYOND = (0xD6, 0x40, 0x2F)
_SHADES = 200


def render(batch: Moments) -> bytes:
    """Tile the normalised patches, samples as rows and channels as columns."""
    return encode(_join_tiles(_cut_tiles(batch)))


def render_pair(first: Moments, last: Moments) -> bytes:
    """Tile two batches side by side, the first left, each as ``render`` does."""
    sides = [_join_tiles(_cut_tiles(batch)) for batch in (first, last)]
    height = max(side.shape[0] for side in sides)
    gap = np.full((height, _GAP), _SEPARATOR_GREY, dtype=np.uint8)
    padded = [
        np.pad(side, ((0, height - len(side)), (0, 0)), constant_values=_SEPARATOR_GREY)
        for side in sides
    ]
    return encode(np.concatenate([padded[0], gap, padded[1]], axis=1))


def _cut_tiles(batch: Moments) -> list[list[NDArray[np.uint8]]]:
    rows, columns = batch.pixels.shape[:2]
    return [
        [_tile(reduction.normalise_patch(batch, row, column)) for column in range(columns)]
        for row in range(rows)
    ]


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
