"""A second file, for the pieces that a scan file lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ptycho_torch.data import hdf5, hdf5_pieces, npy_frames, npz_archive, pieces
from ptycho_torch.data.pieces import Pieces
from ptycho_torch.errors import InputError


@contextmanager
def open_companion(path: Path | None, *, with_frames: bool) -> Iterator[Pieces]:
    """Open a second file; without one, offer nothing.

    Args:
        path: File of any format.
        with_frames: Frames will be read; otherwise their shape is enough.

    Raises:
        InputError: The file is damaged or holds neither frames nor a probe.
    """
    if path is None:
        yield Pieces()
        return
    with ExitStack() as stack:
        if hdf5.is_hdf5(path):
            parts = hdf5_pieces.find_in_hdf5(path, stack.enter_context(hdf5.open_file(path)))
        elif npy_frames.is_npy(path):
            parts = pieces.map_npy(path)
        else:
            archive = stack.enter_context(npz_archive.open_archive(path))
            parts = pieces.find_in_npz(archive, stack, with_frames=with_frames)
        if parts.frame_shape is None and parts.probe is None:
            raise InputError(
                str(path), expected="frames or a probe", found="neither in this second file"
            )
        yield parts
