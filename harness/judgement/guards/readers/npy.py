"""Arrays as NumPy stores them, read without NumPy: NPY files, and NPZ archives of them.

Numbers only: an array of objects would have to be unpickled, and nothing that is read is ever
executed. Sizes are bounded, and what a header promises must be there to the byte.

Our own rather than NumPy: a report of an old hub is rendered where no NumPy is, and ``np.load``
trusts the shape that a header promises.

Source: NumPy Enhancement Proposal 1 (format versions 1.0 to 3.0); NumPy manual, npy format.
"""

from __future__ import annotations

import array
import ast
import io
import itertools
import math
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator

from harness.frozen import dataclass

_MAGIC = b"\x93NUMPY"
_LENGTHS = {1: "<H", 2: "<I", 3: "<I"}
_LONGEST_HEADER = 64 << 10
_MOST_MEMBERS = 256
_DTYPE = re.compile(r"([<>|=])([biufc])(\d{1,2})")
# Code of the array module by kind and bytes of one number; a complex one is two floats.
_CODES = {
    **{("i", 1 << n): code for n, code in enumerate("bhiq")},
    **{("u", 1 << n): code for n, code in enumerate("BHIQ")},
    ("b", 1): "B",
    ("f", 2): "e",
    ("f", 4): "f",
    ("f", 8): "d",
    ("c", 8): "f",
    ("c", 16): "d",
}
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
)


class ArrayError(Exception):
    """What was read is no array of numbers that we know; the text says why."""


class KindError(ArrayError):
    """A sound array of something else than plain numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Array:
    """An array and its numbers in stored order; a complex one gives real, then imaginary."""

    shape: tuple[int, ...]
    dtype: str
    is_fortran: bool
    is_complex: bool
    numbers: array.array[float] | tuple[float, ...]

    @property
    def count(self) -> int:
        """Elements."""
        return math.prod(self.shape)


def members(content: bytes, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each array of a file: one without a name, or an archive's.

    Raises:
        ArrayError: It is neither, is damaged, names an array twice, or holds more than
            ``limit`` bytes.
    """
    if content.startswith(_MAGIC):
        yield "", content
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            total = sum(info.file_size for info in infos)
            if len(infos) > _MOST_MEMBERS or total > limit:
                raise ArrayError(f"{len(infos)} members of {total:,} bytes: too much")
            names = [info.filename.removesuffix(".npy") for info in infos]
            if twice := [name for i, name in enumerate(names) if name in names[:i]]:
                raise ArrayError(f"the array {twice[0]!r} twice"[:160])
            for info in infos:
                with archive.open(info) as stream:
                    yield info.filename.removesuffix(".npy"), stream.read(info.file_size)
    except _BROKEN as error:
        raise ArrayError(f"no NPY and no readable NPZ: {error}"[:160]) from error


def read_npy(content: bytes) -> Array:
    """Read one NPY file.

    Raises:
        ArrayError: It is none, is damaged, or does not hold plain numbers.
    """
    header, start = _header(content)
    descr, shape = header.get("descr"), header.get("shape")
    is_fortran = header.get("fortran_order")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ArrayError("a header without a shape")
    match = _DTYPE.fullmatch(descr) if isinstance(descr, str) else None
    code = None if match is None else _CODES.get((match[2], int(match[3])))
    if match is None or code is None or not isinstance(is_fortran, bool):
        raise KindError(f"dtype {str(descr)[:40]}: not read, only plain numbers are")
    body, size = memoryview(content)[start:], math.prod(shape) * int(match[3])
    if len(body) != size:
        raise ArrayError(f"{len(body):,} bytes of numbers instead of {size:,}")
    return Array(
        shape=shape,
        dtype=match[0],
        is_fortran=is_fortran and len(shape) > 1,
        is_complex=match[2] == "c",
        numbers=_numbers(body, code, is_big=match[1] == ">"),
    )


def _header(content: bytes) -> tuple[dict[str, object], int]:
    """Return the header and where the numbers begin; it is parsed, never evaluated."""
    form = _LENGTHS.get(content[6]) if content[:6] == _MAGIC and len(content) > 7 else None  # noqa: PLR2004 - two bytes of version
    if form is None:
        raise ArrayError("no NPY file of a known version")
    start = 8 + struct.calcsize(form)
    if len(content) < start:
        raise ArrayError("a cut header")
    (length,) = struct.unpack(form, content[8:start])
    if length > _LONGEST_HEADER or len(content) < start + length:
        raise ArrayError("a cut header")
    try:
        value = ast.literal_eval(content[start : start + length].decode())
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ArrayError("a header that is none") from error
    if not isinstance(value, dict):
        raise ArrayError("a header that is none")
    return value, start + length


def _numbers(
    body: memoryview, code: str, *, is_big: bool
) -> array.array[float] | tuple[float, ...]:
    if code == "e":  # half precision, which the array module does not know
        order = ">" if is_big else "<"
        return tuple(itertools.chain.from_iterable(struct.iter_unpack(f"{order}e", body)))
    numbers: array.array[float] = array.array(code)
    numbers.frombytes(body)
    if is_big != (sys.byteorder == "big") and numbers.itemsize > 1:
        numbers.byteswap()
    return numbers
