"""What a reader of a scan format is given and what it returns: one signature for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import h5py

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import hdf5, npz_archive
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.data.raw_scan import RawScan
from ptycho_torch.errors import InputError, MissingInputError

_ZIP_MAGIC = b"PK"
# First bytes of what people have instead, its name, and the cure.
_PACK = "put frames, positions and probe into one NPZ or HDF5 file, see docs/formats.md"
_OTHERS = (
    (b"MATLAB 5.0", "a MATLAB file of before v7.3", "save it with the option -v7.3"),
    (b"\x93NUMPY", "a single NumPy array", _PACK),
    (b"II*\x00", "a TIFF image", _PACK),
    (b"MM\x00*", "a TIFF image", _PACK),
    (b"###CBF", "a CBF image", _PACK),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
)
_LONGEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSource:
    """An open file whose container is known and whose format is not.

    Attributes:
        path: The file.
        container: How arrays lie in it.
        root: The file, when it is HDF5.
        archive: The file, when it is NPZ.
    """

    path: Path
    container: Literal["npz", "hdf5"]
    root: h5py.File | None = None
    archive: NpzArchive | None = None

    def holds(self, *keys: str) -> bool:
        """Tell whether every one of the arrays or groups is there."""
        if self.root is not None:
            return all(self.root.get(key, getlink=True) is not None for key in keys)
        return self.archive is not None and all(key in self.archive.members for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What a reader needs to open a scan.

    Attributes:
        path: The file.
        spare: Frames or probe for a file that lacks them.
        config: How the file is to be understood where it does not say.
        with_frames: Frames will be read; otherwise their shape is enough.
    """

    path: Path
    spare: Pieces
    config: DataConfig
    with_frames: bool


@runtime_checkable
class ScanReader(Protocol):
    """A module of `ptycho_torch.data.formats`."""

    def recognise(self, source: ScanSource) -> bool:
        """Tell by its content whether a file is of this format."""

    def open_scan(self, request: ScanRequest) -> AbstractContextManager[RawScan]:
        """Open a scan; frames are readable as long as the context lasts.

        Raises:
            InputError: A required piece is missing or makes no sense.
        """


@contextmanager
def open_source(path: Path) -> Iterator[ScanSource]:
    """Open a file as a container of arrays.

    Raises:
        MissingInputError: The file does not exist.
        InputError: It is neither NPZ nor HDF5, or damaged.
    """
    check_exists(path)
    with path.open("rb") as stream:
        start = stream.read(_LONGEST)
    if start.startswith(_ZIP_MAGIC):
        with npz_archive.open_archive(path) as archive:
            yield ScanSource(path=path, container="npz", archive=archive)
    elif hdf5.is_hdf5(path):
        with hdf5.open_file(path) as root:
            yield ScanSource(path=path, container="hdf5", root=root)
    else:
        name, cure = _recognise(start)
        raise InputError(
            str(path),
            expected="an NPZ or HDF5 file",
            found=name,
            remedy=cure,
        )


def _recognise(start: bytes) -> tuple[str, str]:
    """Name a format that is not read by its first bytes, and say what to do."""
    for magic, name, cure in _OTHERS:
        if start.startswith(magic):
            return name, cure
    return ("another format" if start else "an empty file"), ""


def check_exists(path: Path) -> None:
    """Refuse a file that is not there.

    Raises:
        MissingInputError: There is none, or a folder.
    """
    if not path.is_file():
        actual = "a folder" if path.is_dir() else "no file"
        raise MissingInputError(str(path), expected="an existing scan file", found=actual)
