"""Arrays that this package stored earlier, read back with their kinds checked.

Nothing is unpickled; a header is judged before its array is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import npz_archive
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.errors import InputError, MissingInputError


class Kind(NamedTuple):
    """What an array must be: number of axes, and the NumPy kinds it may have."""

    rank: int
    kinds: str


def read(
    path: Path, wanted: Mapping[str, Kind], *, what: str, remedy: str = ""
) -> dict[str, NDArray[Any]]:
    """Read the wanted arrays of an NPZ file.

    Args:
        path: The file.
        wanted: Names and kinds; other arrays are left alone.
        what: What the file should be, for the error.
        remedy: How to come by such a file.

    Raises:
        MissingInputError: The file is not there.
        InputError: It is no archive, or an array is missing, empty, of another kind, or
            holds values that are no numbers.
    """
    if not path.is_file():
        raise MissingInputError(str(path), expected=what, found="no file", remedy=remedy)
    with npz_archive.open_archive(path) as archive:
        return {name: _array(archive, name, kind, path) for name, kind in wanted.items()}


def _array(archive: NpzArchive, name: str, kind: Kind, path: Path) -> NDArray[Any]:
    """Judge the header, read the array, and judge its values."""
    where = f"{path}: {name}"
    if name not in archive.members:
        raise InputError(where, expected="an array", found="none")
    member = archive.members[name]
    if len(member.shape) != kind.rank or member.dtype.kind not in kind.kinds:
        raise InputError(
            where,
            expected=f"{kind.rank} axes of kind {kind.kinds!r}",
            found=f"{len(member.shape)} axes of kind {member.dtype.kind!r}",
        )
    if member.size_bytes == 0:
        raise InputError(where, expected="at least one value", found=f"shape {member.shape}")
    array = archive.read(name)
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        raise InputError(where, expected="finite values", found="NaN or infinity")
    return array
