"""Frames of an NPY file: one array, mapped to be surveyed and then read where it lies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.errors import InputError

_MAGIC = b"\x93NUMPY"


def is_npy(path: Path) -> bool:
    """Tell an NPY file by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(_MAGIC)) == _MAGIC


def map_array(path: Path) -> np.memmap[Any, np.dtype[Any]]:
    """Map the array of a file read-only; nothing is unpickled.

    Raises:
        InputError: The file is damaged, shorter than it says, or holds Python objects.
    """
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(
            str(path),
            expected="a complete array of numbers",
            found=" ".join(str(error).split()),
            remedy="copy or save the file again",
        ) from error
    array: np.memmap[Any, np.dtype[Any]] = stored
    return array


def in_place(stored: NDArray[Any]) -> FrameFile | None:
    """Return mapped float32 frames read where they lie; None for any other array."""
    is_plain = stored.dtype == np.float32 and stored.flags.c_contiguous
    if not (isinstance(stored, np.memmap) and stored.filename and is_plain):
        return None
    return FrameFile(Path(stored.filename), stored.offset, stored.shape)
