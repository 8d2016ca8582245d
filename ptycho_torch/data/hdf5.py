"""HDF5 files: opening, and typed access to arrays and numbers with full messages."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import hdf5_chunks
from ptycho_torch.errors import InputError

_MAGIC = b"\x89HDF\r\n\x1a\n"
_SIGNATURES = (0, 512, 1024, 2048)
_COMPLEX_FIELDS = (("r", "i"), ("re", "im"), ("real", "imag"), ("real", "imaginary"))
_FILTERS = {
    32000: "LZF",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32015: "Zstandard",
    32026: "Blosc2",
}
_FILL_ATTRIBUTES = ("_FillValue", "missing_value")
# Attributes of CF and NeXus, and what they are where they change nothing.
_SCALINGS = {"scale_factor": 1.0, "scaling_factor": 1.0, "add_offset": 0.0, "offset": 0.0}
_log = logging.getLogger(__name__)
_CHUNK_CACHE_BYTES = 32 << 20  # a compressed chunk on the border of two blocks is kept


@dataclass(frozen=True, slots=True, eq=False)
class Hdf5Frames:
    """Frames of a dataset, read by range; damage found on the way is named.

    Attributes:
        stored: The dataset.
        where: File and key.
        unwritten: (K, axes) corners of chunks that are not there, which are shown as NaN.
    """

    stored: h5py.Dataset
    where: str
    unwritten: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of all axes."""
        return tuple(self.stored.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Kind of one number as stored."""
        kind: np.dtype[Any] = self.stored.dtype
        return np.dtype(np.float64) if len(self.unwritten) else kind

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        """Read a part of the frames.

        Raises:
            InputError: A chunk is damaged.
        """
        try:
            block = np.asarray(self.stored[key])
        except OSError as error:
            raise _unreadable(self.where, error) from error
        if not len(self.unwritten):
            return block
        block = block.astype(np.float64)
        hdf5_chunks.blank(block, key, self.stored, self.unwritten)
        return block


def is_hdf5(path: Path) -> bool:
    """Tell an HDF5 file by its signature, which other bytes may precede, as MATLAB's do."""
    with path.open("rb") as stream:
        for place in _SIGNATURES:
            stream.seek(place)
            if stream.read(len(_MAGIC)) == _MAGIC:
                return True
    return False


@contextmanager
def open_file(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        InputError: The file is truncated or damaged.
    """
    try:
        root = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE_BYTES)
    except OSError as error:
        raise InputError(
            str(path),
            expected="a complete HDF5 file",
            found=" ".join(str(error).split()),
            remedy="copy the file again",
        ) from error
    with root:
        yield root


def open_frames(root: h5py.File, path: Path, key: str) -> Hdf5Frames:
    """Open a dataset as frames.

    Raises:
        InputError: Absent, no numbers, or packed in a way that cannot be unpacked.
    """
    where = f"{path}: {key}"
    stored = dataset(root, path, key)
    check_filters(stored, where)
    unwritten = hdf5_chunks.find_unwritten(stored)
    if len(unwritten):
        _log.warning("%s: %d chunks were never written", where, len(unwritten))
    return Hdf5Frames(stored, where, unwritten)


def dataset(root: h5py.File, path: Path, key: str) -> h5py.Dataset:
    """Return a numeric dataset without reading it.

    Raises:
        InputError: Absent, a group, empty, or no numbers.
    """
    node = root.get(key)
    where = f"{path}: {key}"
    if not isinstance(node, h5py.Dataset):
        actual = "nothing" if node is None else "a group"
        raise InputError(where, expected="a dataset", found=actual)
    if node.shape is None:
        raise InputError(where, expected="numbers", found="a dataset without any")
    if node.dtype.kind not in "biufc" and not _is_complex(node.dtype):
        raise InputError(where, expected="numbers", found=str(node.dtype))
    _refuse_scaled(node, where)
    return node


def is_of_matlab(stored: h5py.Dataset | h5py.Group) -> bool:
    """MATLAB names the class of what it wrote, and keeps axes in the other order."""
    return "MATLAB_class" in stored.attrs


def is_empty(node: Any) -> bool:
    """Tell a dataset without numbers; MATLAB stores the sizes of an empty array instead."""
    if not isinstance(node, h5py.Dataset):
        return False
    return node.shape is None or not node.size or bool(node.attrs.get("MATLAB_empty", 0))


def list_marks(stored: h5py.Dataset) -> tuple[float, ...]:
    """Return the numbers that stand for no number by the word of the file, as of netCDF."""
    values = [np.ravel(stored.attrs.get(name, ())) for name in _FILL_ATTRIBUTES]
    return tuple(float(value) for each in values for value in each if each.dtype.kind in "iuf")


def _is_complex(kind: np.dtype[Any]) -> bool:
    """Tell a pair of fields that are the parts of a complex number, whatever their case."""
    return kind.names is not None and tuple(map(str.lower, kind.names)) in _COMPLEX_FIELDS


def _refuse_scaled(node: h5py.Dataset, where: str) -> None:
    """Refuse numbers that stand for others by a factor or an offset beside them.

    Raises:
        InputError: There is one that would change them.
    """
    for name, neutral in _SCALINGS.items():
        stated = np.asarray(node.attrs.get(name, neutral))
        if stated.size == 1 and stated.dtype.kind in "iuf" and float(stated.item()) != neutral:
            raise InputError(
                f"{where}.{name}",
                expected="numbers without a scaling of their own",
                found=f"{stated.item():g}",
                remedy="store the numbers as they are meant, without this attribute",
            )


def array(root: h5py.File, path: Path, key: str, *, is_sparse: bool = False) -> NDArray[Any]:
    """Read a dataset into memory; a number that stands for none becomes NaN.

    Real and imaginary parts may be fields of one dataset, or datasets of a group.

    Args:
        root: The file.
        path: Its name.
        key: Where it lies.
        is_sparse: Chunks that were never written mean what the library fills in, as in a mask.

    Raises:
        InputError: Absent, not numbers, never written whole, or damaged.
    """
    parts = _find_parts(root.get(key))
    if parts is not None:
        real, imaginary = (array(root, path, f"{key}/{name}") for name in parts)
        return np.asarray(real + 1j * imaginary)
    where = f"{path}: {key}"
    stored = dataset(root, path, key)
    check_filters(stored, where)
    if not is_sparse and len(hdf5_chunks.find_unwritten(stored)):
        raise InputError(
            where,
            expected="numbers",
            found="chunks that were never written",
            remedy="write the file again to its end",
        )
    try:
        values = np.asarray(stored[()])
    except OSError as error:
        raise _unreadable(where, error) from error
    names = values.dtype.names
    if names is not None:
        real, imaginary = (values[name] for name in names)
        return np.asarray(real + 1j * imaginary)
    marks = list_marks(stored)
    is_mark = np.isin(values, marks) if marks else None
    return values if is_mark is None or not is_mark.any() else np.where(is_mark, np.nan, values)


def _find_parts(node: Any) -> tuple[str, str] | None:
    """Return the names of the real and the imaginary part in a group of just these."""
    if not isinstance(node, h5py.Group):
        return None
    names = {name.lower(): name for name in node}
    pairs = [pair for pair in _COMPLEX_FIELDS if set(pair) <= set(names)]
    return (names[pairs[0][0]], names[pairs[0][1]]) if len(pairs) == 1 else None


def check_filters(stored: h5py.Dataset, where: str) -> None:
    """Refuse a dataset that is packed in a way that this machine cannot unpack.

    Raises:
        InputError: A filter is missing; the package that brings it is named.
    """
    plan = stored.id.get_create_plist()
    for number in range(plan.get_nfilters()):
        code = plan.get_filter(number)[0]
        if not h5py.h5z.filter_avail(code) and not _has_plugin(code):
            raise InputError(
                where,
                expected="frames that can be unpacked",
                found=f"the filter {_FILTERS.get(code, code)}",
                remedy="install ptycho-torch[formats], which brings hdf5plugin",
            )


def _has_plugin(code: int) -> bool:
    """Load the filters of an optional package; whether it brings the one asked for."""
    if importlib.util.find_spec("hdf5plugin") is None:
        return False
    importlib.import_module("hdf5plugin")
    return bool(h5py.h5z.filter_avail(code))


def number(value: Any, where: str) -> float:
    """Turn a stored scalar into a finite number.

    Raises:
        InputError: Not one finite real number.
    """
    stored = np.asarray(value)
    if stored.size != 1 or stored.dtype.kind not in "iuf":
        raise InputError(where, expected="one number", found=f"{stored.dtype} {stored.shape}")
    plain = float(stored.reshape(()))
    if not math.isfinite(plain):
        raise InputError(where, expected="a finite number", found=f"{plain}")
    return plain


def positive(value: Any, where: str) -> float:
    """Turn a stored scalar into a positive number.

    Raises:
        InputError: Not one positive number.
    """
    plain = number(value, where)
    if not plain > 0:
        raise InputError(where, expected="a positive number", found=f"{plain:g}")
    return plain


def _unreadable(where: str, error: OSError) -> InputError:
    actual = " ".join(str(error).split())
    return InputError(
        where, expected="readable numbers", found=actual, remedy="copy the file again"
    )
