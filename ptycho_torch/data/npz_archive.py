"""NPZ archives, member by member: headers, arrays and memory maps, never pickle.

Written against the published layout of ZIP and NPY, so that a header can be judged
before a byte of the array is read and nothing in a file is ever executed.
"""

from __future__ import annotations

import ast
import math
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.errors import InputError

_MAGIC = b"\x93NUMPY"
_PREFIX_LIMIT = 12
_HEADER_LIMIT = 1 << 16
_BLOCK_BYTES = 1 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One array of an archive, known from its header alone.

    Attributes:
        name: Key of the array, without ``.npy``.
        shape: Sizes of all axes.
        dtype: Kind of one number as stored.
        fortran_order: The first axis runs fastest in the file.
        info: Entry of the archive's directory.
        header_size: Bytes before the first number.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool
    info: zipfile.ZipInfo
    header_size: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the array once in memory."""
        return math.prod(self.shape) * self.dtype.itemsize


class NpzArchive:
    """An open NPZ file.

    Args:
        path: The file.
        archive: The same file, opened as a ZIP archive.
    """

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self.members: dict[str, Member] = {}
        for info in archive.infolist():
            name = info.filename.removesuffix(".npy")
            if name in self.members:
                raise InputError(f"{path}: {name}", expected="one member", found="two")
            self.members[name] = self._header(info, name)

    def read(self, name: str) -> NDArray[Any]:
        """Read one array into memory.

        Raises:
            InputError: The member is damaged.
        """
        member = self.numeric(name)
        try:
            content = self._archive.read(member.info)
        except BROKEN as error:
            raise self.damage_error(name, error) from error
        flat = np.frombuffer(content, member.dtype, offset=member.header_size)
        return flat.reshape(member.shape, order="F" if member.fortran_order else "C")

    def stream(self, name: str) -> zipfile.ZipExtFile:
        """Open one array for reading from its first number; its end checks the checksum."""
        member = self.numeric(name)
        stream = cast("zipfile.ZipExtFile", self._archive.open(member.info))
        stream.read(member.header_size)
        return stream

    @contextmanager
    def map_array(self, name: str) -> Iterator[NDArray[Any]]:
        """Map one array read-only, in place when stored, else from a copy in a spool file.

        The array is passed through once before, so that its checksum is known to be right.

        Raises:
            InputError: The member is damaged.
        """
        member, offset = self.numeric(name), self.offset(name)
        with tempfile.NamedTemporaryFile(prefix="ptycho-", suffix=".raw") as spool:
            try:
                with self.stream(name) as stream:
                    while block := stream.read(_BLOCK_BYTES):
                        if offset is None:
                            spool.write(block)
            except BROKEN as error:
                raise self.damage_error(name, error) from error
            spool.flush()
            path, place = (Path(spool.name), 0) if offset is None else (self.path, offset)
            order: Literal["C", "F"] = "F" if member.fortran_order else "C"
            yield np.memmap(path, member.dtype, "r", place, member.shape, order)

    def offset(self, name: str) -> int | None:
        """Return where the first number lies in the file [bytes]; None when compressed."""
        info = self.members[name].info
        if info.compress_type != zipfile.ZIP_STORED:
            return None
        # The local header may carry other extra fields than the directory.
        with self.path.open("rb") as stream:
            stream.seek(info.header_offset)
            name_size, extra_size = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        start = int(info.header_offset + _LOCAL_HEADER.size + name_size + extra_size)
        return start + self.members[name].header_size

    def numeric(self, name: str) -> Member:
        """Return what is known of an array of numbers.

        Raises:
            InputError: It holds Python objects.
        """
        member = self.members[name]
        if member.dtype.hasobject:
            raise InputError(
                f"{self.path}: {name}",
                expected="an array of numbers",
                found="an array of Python objects",
                remedy="save it again without pickle",
            )
        return member

    def _header(self, info: zipfile.ZipInfo, name: str) -> Member:
        where = f"{self.path}: {name}"
        try:
            with self._archive.open(info) as stream:
                fields, header_size = _parse_header(
                    stream.read(_HEADER_LIMIT + _PREFIX_LIMIT), where
                )
        except BROKEN as error:
            raise self.damage_error(name, error) from error
        member = _member(fields, name, info, header_size, where)
        # pickled members have no size that follows from their shape
        if not member.dtype.hasobject and info.file_size != header_size + member.size_bytes:
            raise InputError(
                where,
                expected=f"{header_size + member.size_bytes} bytes",
                found=f"{info.file_size} bytes",
                remedy="copy the file again",
            )
        return member

    def damage_error(self, name: str, error: Exception) -> InputError:
        """Make the error that says a member cannot be read."""
        return InputError(
            f"{self.path}: {name}",
            expected="a readable member",
            found=str(error) or type(error).__name__,
            remedy="copy the file again",
        )


@contextmanager
def open_archive(path: Path) -> Iterator[NpzArchive]:
    """Open an NPZ file and read the headers of its members.

    Raises:
        InputError: The file is no ZIP archive, is truncated, or holds something that is
            not an array.
    """
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(
            str(path),
            expected="a complete NPZ archive",
            found=str(error),
            remedy="copy the file again",
        ) from error
    with archive:
        yield NpzArchive(path, archive)


def _parse_header(start: bytes, where: str) -> tuple[dict[str, Any], int]:
    """Take the header from the first bytes of a member; also return its size."""
    if len(start) < _PREFIX_LIMIT or not start.startswith(_MAGIC):
        raise InputError(where, expected="a NumPy array", found="something else")
    length_format = "<H" if start[6] == 1 else "<I"
    (length,) = struct.unpack_from(length_format, start, 8)
    begin = 8 + struct.calcsize(length_format)
    if length > _HEADER_LIMIT:
        expected = f"a header up to {_HEADER_LIMIT} bytes"
        raise InputError(where, expected=expected, found=f"{length}")
    try:
        fields = ast.literal_eval(start[begin : begin + length].decode("utf-8"))
    except (ValueError, SyntaxError) as error:
        raise InputError(where, expected="a NumPy header", found="unreadable text") from error
    if not isinstance(fields, dict):
        raise InputError(where, expected="a NumPy header", found=type(fields).__name__)
    return fields, begin + length


def _member(
    fields: dict[str, Any], name: str, info: zipfile.ZipInfo, header_size: int, where: str
) -> Member:
    description, shape = fields.get("descr"), fields.get("shape")
    if not isinstance(description, str) or not isinstance(shape, tuple):
        raise InputError(where, expected="an array of plain numbers", found=str(description))
    try:
        dtype = np.dtype(description)
    except TypeError as error:
        raise InputError(where, expected="a kind of number", found=description) from error
    return Member(
        name=name,
        shape=tuple(int(size) for size in shape),
        dtype=dtype,
        fortran_order=fields.get("fortran_order") is True,
        info=info,
        header_size=header_size,
    )
