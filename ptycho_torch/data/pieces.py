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

from ptycho_torch.data import hdf5, npz_archive
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.npz_archive import NpzArchive
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
        frames_stay: The frames stay readable when the file is closed.
        probe: Illumination in any accepted rank.
        probe_where: File and key of the probe.
    """

    frames: FrameStore | None = None
    frame_shape: tuple[int, ...] | None = None
    frame_where: str = ""
    kind: FrameKind = "unknown"
    frames_stay: bool = False
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
def opened(path: Path | None, map_above: int | None) -> Iterator[Pieces]:
    """Open a second file; without one, offer nothing.

    Args:
        path: File of any format.
        map_above: Frames over so many bytes are mapped; None leaves frames unread.

    Raises:
        InputError: The file is damaged or holds neither frames nor a probe.
    """
    if path is None:
        yield Pieces()
        return
    with ExitStack() as stack:
        if hdf5.is_hdf5(path):
            found = of_hdf5(path, stack.enter_context(hdf5.opened(path)))
        else:
            archive = stack.enter_context(npz_archive.opened(path))
            found = of_npz(archive, map_above, stack)
        if found.frame_shape is None and found.probe is None:
            raise InputError(
                str(path), expected="frames or a probe", found="neither in this second file"
            )
        yield found


def of_npz(archive: NpzArchive, map_above: int | None, stack: ExitStack) -> Pieces:
    """Find frames and probe of an NPZ file; maps live as long as ``stack``.

    Raises:
        InputError: The two names of the frames hold different values.
    """
    probe_where = f"{archive.path}: {NPZ_PROBE}"
    probe = archive.read(NPZ_PROBE) if NPZ_PROBE in archive.members else None
    key = _frame_key(archive)
    where = f"{archive.path}: {key or NPZ_FRAMES[0]}"
    if key is None:
        return Pieces(frame_where=where, probe=probe, probe_where=probe_where)
    member = archive.members[key]
    frames: FrameStore | None = None
    is_mapped = map_above is not None and member.size_bytes > map_above
    if is_mapped:
        frames = stack.enter_context(archive.mapped(key))
    elif map_above is not None:
        frames = archive.read(key)
    return Pieces(
        frames=frames,
        frame_shape=member.shape,
        frame_where=where,
        frames_stay=not is_mapped or archive.is_stored(key),
        probe=probe,
        probe_where=probe_where,
    )


def of_hdf5(path: Path, root: h5py.File) -> Pieces:
    """Find frames and probe of an HDF5 file; frames there are intensities."""
    frame_key = next((key for key in HDF5_FRAMES if key in root), None)
    probe_key = next((key for key in HDF5_PROBES if key in root), None)
    frames = None if frame_key is None else hdf5.dataset(root, path, frame_key)
    return Pieces(
        frames=frames,
        frame_shape=None if frames is None else tuple(frames.shape),
        frame_where=f"{path}: {frame_key or HDF5_FRAMES[0]}",
        kind="intensity",
        probe=None if probe_key is None else hdf5.array(root, path, probe_key),
        probe_where=f"{path}: {probe_key or HDF5_PROBES[0]}",
    )


def _frame_key(archive: NpzArchive) -> str | None:
    present = [key for key in NPZ_FRAMES if key in archive.members]
    if len(present) > 1 and not _are_equal(archive, *present):
        raise InputError(
            f"{archive.path}: {present[0]}",
            expected=f"{' and '.join(present)} to be equal when both are present",
            found="different values",
            remedy="remove the one that is not the amplitude",
        )
    return present[0] if present else None


def _are_equal(archive: NpzArchive, first: str, second: str) -> bool:
    if archive.members[first].shape != archive.members[second].shape:
        return False
    return bool(np.array_equal(archive.read(first), archive.read(second)))
