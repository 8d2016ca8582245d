"""Frames of an NPZ file, read from front to back without ever holding them all.

Passing through a member to its end proves its checksum, whether it is compressed or not.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from zipfile import ZipExtFile

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.npz_archive import BROKEN, NpzArchive

_SKIPPED_BYTES = 1 << 20


class StreamedFrames:
    """One member of an archive as a range of frames, cheapest in rising order.

    Args:
        archive: The open archive.
        name: Key of the member.
        stack: What opens for these frames is closed with it.

    Attributes:
        shape: Sizes of all axes.
        dtype: Kind of one number as stored.
    """

    def __init__(self, archive: NpzArchive, name: str, stack: ExitStack) -> None:
        self._archive = archive
        self._member = archive.numeric(name)
        self._stack = stack
        self._stream: ZipExtFile | None = None
        self._position = 0
        self.shape = self._member.shape
        self.dtype = self._member.dtype
        stack.callback(self._close)

    def __getitem__(self, key: slice, /) -> NDArray[Any]:
        """Read a range of the first axis; going back starts from the front again.

        Raises:
            InputError: The member is damaged.
        """
        start, stop, _ = key.indices(self.shape[0])
        frame_bytes = self._member.size_bytes // max(1, self.shape[0])
        begin, size = start * frame_bytes, max(0, stop - start) * frame_bytes
        try:
            stream = self._seek(begin)
            content = stream.read(size)
        except BROKEN as error:
            raise self._archive.damage_error(self._member.name, error) from error
        self._position = begin + len(content)
        if len(content) != size:
            raise self._archive.damage_error(self._member.name, EOFError("the end too early"))
        return np.frombuffer(content, self.dtype).reshape(-1, *self.shape[1:])

    def is_in_rows(self) -> bool:
        """Tell whether the first axis is the slowest in the file."""
        return not self._member.fortran_order

    def in_place(self) -> FrameFile | None:
        """Return the same frames read where they lie; None when they cannot be.

        They lie in the file as they are when the member is not compressed and holds
        float32 with the first axis slowest.
        """
        if not (self.is_in_rows() and self.dtype == np.float32):
            return None
        offset = self._archive.offset(self._member.name)
        return None if offset is None else FrameFile(self._archive.path, offset, self.shape)

    def map_frames(self) -> NDArray[Any]:
        """Map the frames, for reading along any axis; see `NpzArchive.mapped`.

        Raises:
            InputError: The member is damaged.
        """
        return self._stack.enter_context(self._archive.map_array(self._member.name))

    def _seek(self, begin: int) -> ZipExtFile:
        """Return the stream with the given byte of the array next."""
        if self._stream is None or begin < self._position:
            self._close()
            self._stream = self._archive.stream(self._member.name)
            self._position = 0
        while self._position < begin:
            skipped = self._stream.read(min(_SKIPPED_BYTES, begin - self._position))
            if not skipped:
                raise EOFError("the end too early")
            self._position += len(skipped)
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
