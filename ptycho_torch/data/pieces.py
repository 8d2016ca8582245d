"""Frames and probe of a file of any format; a second file fills what the first lacks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import frames, hdf5, npy_frames, npz_archive
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.hdf5 import Hdf5Frames
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError

NPZ_FRAMES = ("diff3d", "diffraction")
NPZ_PROBE = "probeGuess"
HDF5_FRAMES = (
    "entry_1/data_1/data",
    "entry_1/instrument_1/detector_1/data",
    "dp",
    "patterns",
    "entry/data/data",
)
HDF5_PROBES = ("entry_1/instrument_1/source_1/illumination", "probe")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """What one file, or two, offer besides positions.

    Attributes:
        frames: Frames in the order of the file; None when absent or not asked for.
        frame_shape: Their shape; None when absent.
        frame_where: File and key of the frames.
        kind: What a stored number is.
        probe: Illumination in any accepted rank.
        probe_where: File and key of the probe.
    """

    frames: FrameStore | None = None
    frame_shape: tuple[int, ...] | None = None
    frame_where: str = ""
    kind: FrameKind = "unknown"
    probe: NDArray[Any] | None = None
    probe_where: str = ""

    def filled_from(self, spare: Pieces) -> Pieces:
        """Take what is absent here from another file."""
        filled = self
        if self.frame_shape is None and spare.frame_shape is not None:
            filled = dataclasses.replace(spare, probe=self.probe, probe_where=self.probe_where)
        if self.probe is None and spare.probe is not None:
            filled = dataclasses.replace(
                filled, probe=spare.probe, probe_where=spare.probe_where
            )
        return filled

    def complete(self) -> tuple[tuple[int, ...], NDArray[Any]]:
        """Return the shape of the frames and the probe.

        Raises:
            InputError: One of them is in neither file.
        """
        remedy = "name a second file that holds it with --companion_file"
        if self.frame_shape is None:
            raise InputError(self.frame_where, expected="frames", found="none", remedy=remedy)
        if self.probe is None:
            raise InputError(self.probe_where, expected="a probe", found="none", remedy=remedy)
        return self.frame_shape, self.probe


@contextmanager
def opened(path: Path | None, *, with_frames: bool) -> Iterator[Pieces]:
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
            found = of_hdf5(path, stack.enter_context(hdf5.opened(path)))
        elif npy_frames.is_npy(path):
            found = of_npy(path)
        else:
            archive = stack.enter_context(npz_archive.opened(path))
            found = of_npz(archive, stack, with_frames=with_frames)
        if found.frame_shape is None and found.probe is None:
            raise InputError(
                str(path), expected="frames or a probe", found="neither in this second file"
            )
        yield found


def of_npz(archive: NpzArchive, stack: ExitStack, *, with_frames: bool) -> Pieces:
    """Find frames and probe of an NPZ file; frames are readable as long as ``stack`` is open.

    Raises:
        InputError: The two names of the frames hold different values.
    """
    probe_where = f"{archive.path}: {NPZ_PROBE}"
    probe = archive.read(NPZ_PROBE) if NPZ_PROBE in archive.members else None
    present = [key for key in NPZ_FRAMES if key in archive.members]
    where = f"{archive.path}: {(*present, *NPZ_FRAMES)[0]}"
    if not present:
        return Pieces(frame_where=where, probe=probe, probe_where=probe_where)
    found = [StreamedFrames(archive, key, stack) for key in present] if with_frames else []
    if len(found) > 1 and not _are_equal(*found):
        raise InputError(
            where,
            expected=f"{' and '.join(present)} to be equal when both are present",
            found="different values",
            remedy="remove the one that is not the amplitude",
        )
    return Pieces(
        frames=found[0] if found else None,
        frame_shape=archive.members[present[0]].shape,
        frame_where=where,
        probe=probe,
        probe_where=probe_where,
    )


def of_npy(path: Path) -> Pieces:
    """Take the one array of an NPY file for frames, without reading it.

    Raises:
        InputError: It is damaged, or no array of numbers.
    """
    stored = npy_frames.mapped(path)
    return Pieces(frames=stored, frame_shape=stored.shape, frame_where=str(path))


def of_hdf5(path: Path, root: h5py.File) -> Pieces:
    """Find frames and probe of an HDF5 file; frames there are intensities."""
    frame_key = next((key for key in HDF5_FRAMES if key in root), None)
    probe_key = next((key for key in HDF5_PROBES if key in root), None)
    where = f"{path}: {frame_key or HDF5_FRAMES[0]}"
    found = frame_key and Hdf5Frames(hdf5.dataset(root, path, frame_key), where)
    return Pieces(
        frames=found or None,
        frame_shape=found.shape if found else None,
        frame_where=where,
        kind="intensity",
        probe=None if probe_key is None else hdf5.array(root, path, probe_key),
        probe_where=f"{path}: {probe_key or HDF5_PROBES[0]}",
    )


def _are_equal(first: StreamedFrames, second: StreamedFrames) -> bool:
    if first.shape != second.shape:
        return False
    one, other = (each if each.is_in_rows() else each.mapped() for each in (first, second))
    length = frames.block_length(first)
    return all(
        np.array_equal(one[start : start + length], other[start : start + length])
        for start in range(0, first.shape[0], length)
    )
