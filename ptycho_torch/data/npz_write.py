"""Arrays and frames to an uncompressed NPZ file, one after the other, never all in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch import files


class NpzWriter:
    """An NPZ file that is being written: readable in place, and the same bytes each time.

    Args:
        archive: The same file, opened as a ZIP archive for writing.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def add(self, name: str, array: NDArray[Any]) -> None:
        """Write one array."""
        with self._archive.open(_entry(name), "w", force_zip64=True) as member:
            # No pickle: an object array would be code for whoever reads it.
            np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)

    def add_frames(
        self, name: str, shape: tuple[int, ...], blocks: Iterable[NDArray[np.float32]]
    ) -> None:
        """Write float32 frames that come in blocks along the first axis."""
        # Written by hand, because np.save wants the whole array; little-endian on every
        # machine.
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        with self._archive.open(_entry(name), "w", force_zip64=True) as member:
            np.lib.format.write_array_header_1_0(member, header)
            for block in blocks:
                member.write(np.ascontiguousarray(block, "<f4").data)


@contextmanager
def open_writer(path: Path) -> Iterator[NpzWriter]:
    """Open an NPZ file for writing; it appears under its name when all is written.

    Raises:
        OutputError: The file cannot be written.
    """
    with files.open_replacement(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        yield NpzWriter(archive)


def write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays that are in memory.

    Raises:
        OutputError: The file cannot be written.
    """
    with open_writer(path) as archive:
        for name, array in arrays.items():
            archive.add(name, array)


def _entry(name: str) -> zipfile.ZipInfo:
    # A fixed entry, so that the time of writing leaves no trace.
    return zipfile.ZipInfo(f"{name}.npy")
