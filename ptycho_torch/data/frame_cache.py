"""Amplitudes in memory, or in a checked cache file; and a pass over those that stay.

A cache file is named by the digest of its source and of the way it was made, and its
own content is digested again before it is used: its presence alone proves nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files
from ptycho_torch.data import frames
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frames import FrameCensus, FrameOrder

_log = logging.getLogger(__name__)


def default_folder() -> Path:
    """Return the user's cache folder for converted frames."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "ptycho_torch"


def load(stored: FrameStore, order: FrameOrder) -> tuple[NDArray[np.float32], FrameCensus]:
    """Convert all frames into memory.

    Raises:
        InputError: A value is negative or not finite.
    """
    census = FrameCensus()
    amplitude = np.empty(stored.shape, np.float32)
    start = 0
    for block in frames.blocks(stored):
        converted = order.amplitude(block)
        census.add(converted)
        amplitude[start : start + len(block)] = converted
        start += len(block)
    return amplitude, census


def survey(stored: FrameStore, order: FrameOrder) -> FrameCensus:
    """Check all frames without keeping them.

    Raises:
        InputError: A value is negative or not finite.
    """
    census = FrameCensus()
    for block in frames.blocks(stored):
        census.add(order.amplitude(block))
    return census


def cache_frames(
    stored: FrameStore, order: FrameOrder, source_sha256: str, folder: Path
) -> tuple[FrameFile, FrameCensus]:
    """Return the amplitudes in their cache file, which is filled when needed.

    Args:
        stored: Frames as the container holds them.
        order: How they become amplitudes.
        source_sha256: Digest of the file or files they come from.
        folder: Where cache files live.

    Returns:
        The amplitudes and the facts about them.

    Raises:
        InputError: A value is negative or not finite.
        OutputError: The cache cannot be written.
    """
    path = folder / f"{_recipe(stored, order, source_sha256)}.npy"
    label = path.with_suffix(".json")
    if not _is_sound(path, label):
        _log.info("frames are converted once into %s", path)
        _fill(path, stored, order)
        files.write_json(label, {"sha256": files.sha256(path)})
    shape = tuple(stored.shape)
    size = math.prod(shape) * np.dtype(np.float32).itemsize
    amplitude = FrameFile(path, path.stat().st_size - size, shape)
    as_is = FrameOrder(where=order.where, kind="amplitude", valid_mask=order.valid_mask)
    return amplitude, survey(amplitude, as_is)


def _recipe(stored: FrameStore, order: FrameOrder, source_sha256: str) -> str:
    recipe: dict[str, Any] = {
        "source": source_sha256,
        "where": order.where.rsplit(": ", 1)[-1],
        "kind": order.kind,
        "shape": list(stored.shape),
        "mask": hashlib.sha256(np.packbits(order.valid_mask).tobytes()).hexdigest(),
    }
    if order.steps:
        recipe["steps"] = order.steps
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def _is_sound(path: Path, label: Path) -> bool:
    if not path.is_file() or not label.is_file():
        return False
    try:
        expected = json.loads(label.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return bool(expected == {"sha256": files.sha256(path)})


def _fill(path: Path, stored: FrameStore, order: FrameOrder) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": tuple(stored.shape)}
    with files.open_replacement(path) as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        for block in frames.blocks(stored):
            stream.write(order.amplitude(block).astype("<f4", copy=False).tobytes())
