"""Frames and probe of a file of any format; a second file fills what the first lacks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import (
    detector_limits,
    detector_mask,
    frames,
    hdf5,
    hdf5_links,
    npy_frames,
    npz_archive,
    probe_axes,
    ptyr,
)
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.frame_views import JoinedFrames, MirroredFrames
from ptycho_torch.data.hdf5 import Hdf5Frames
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError

NPZ_FRAMES = ("diff3d", "diffraction")
NPZ_COUNTS = ("patterns",)
NPZ_PROBE = "probeGuess"
HDF5_FRAMES = (
    "entry_1/data_1/data",
    "entry_1/instrument_1/detector_1/data",
    "dp",
    "patterns",
    "entry/data/data",
    "entry/measurement/Eiger/data",
    "entry/instrument/Eiger/data",
)
DECTRIS_DETECTOR = "entry/instrument/detector"
NUMBERED_HOME = "entry/data"  # of DECTRIS detectors, which number the files they write
_PLANE = 2
HDF5_PROBES = ("entry_1/instrument_1/source_1/illumination", "probe", "probeGuess")
HDF5_WEIGHTS = ("entry_1/ptychodus/opr_weights", "opr_weights")
VALID_PIXELS, BAD_PIXELS = "valid_mask", "bad_pixels"
UNCLEAR_MASKS = ("mask", "pixel_mask", "detector_mask")
# Where masks of bad pixels lie, with the bits that are no defect.
HDF5_BAD_PIXELS = {
    "entry_1/instrument_1/detector_1/mask": detector_mask.CXI_NO_DEFECT,
    BAD_PIXELS: 0,
    "entry/instrument/detector/detectorSpecific/pixel_mask": 0,
    "entry/instrument/detector/pixel_mask": 0,
}


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
        frame_ids: Number of each frame by which positions name it; None when it is its row.
        valid_mask: True at good detector pixels, a plane or one for each frame.
        mask_where: File and key of the mask.
        files: Other files that the frames are read from.
        limit: Smallest number of a frame that is no count.
        probe_pixel_m: Object pixel that the file of the probe states for it [m].
    """

    frames: FrameStore | None = None
    frame_shape: tuple[int, ...] | None = None
    frame_where: str = ""
    kind: FrameKind = "unknown"
    probe: NDArray[Any] | None = None
    probe_where: str = ""
    frame_ids: NDArray[Any] | None = None
    valid_mask: NDArray[Any] | None = None
    mask_where: str = ""
    files: tuple[Path, ...] = ()
    limit: float = math.inf
    probe_pixel_m: float | None = None

    def filled_from(self, spare: Pieces) -> Pieces:
        """Take what is absent here from another file."""
        filled = self
        if self.frame_shape is None and spare.frame_shape is not None:
            filled = dataclasses.replace(
                spare,
                probe=self.probe,
                probe_where=self.probe_where,
                probe_pixel_m=self.probe_pixel_m,
            )
        mask, where = self._join_masks(spare)
        filled = dataclasses.replace(
            filled, valid_mask=mask, mask_where=where, files=(*self.files, *spare.files)
        )
        if self.probe is None and spare.probe is not None:
            filled = dataclasses.replace(
                filled,
                probe=spare.probe,
                probe_where=spare.probe_where,
                probe_pixel_m=spare.probe_pixel_m,
            )
        return filled

    def _join_masks(self, spare: Pieces) -> tuple[NDArray[Any] | None, str]:
        """A pixel is valid where neither file calls it bad."""
        if self.valid_mask is None or spare.valid_mask is None:
            own = self if self.valid_mask is not None else spare
            return own.valid_mask, own.mask_where
        where = f"{self.mask_where} and {spare.mask_where}"
        if self.valid_mask.shape != spare.valid_mask.shape:
            actual = f"{self.valid_mask.shape} and {spare.valid_mask.shape}"
            raise InputError(where, expected="masks of one shape", found=actual)
        return self.valid_mask & spare.valid_mask, where

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
            parts = find_in_hdf5(path, stack.enter_context(hdf5.open_file(path)))
        elif npy_frames.is_npy(path):
            parts = map_npy(path)
        else:
            archive = stack.enter_context(npz_archive.open_archive(path))
            parts = find_in_npz(archive, stack, with_frames=with_frames)
        if parts.frame_shape is None and parts.probe is None:
            raise InputError(
                str(path), expected="frames or a probe", found="neither in this second file"
            )
        yield parts


def find_in_npz(archive: NpzArchive, stack: ExitStack, *, with_frames: bool) -> Pieces:
    """Find frames, probe and mask of an NPZ file; frames are readable as long as ``stack`` is.

    Raises:
        InputError: The two names of the frames hold different values, or a mask does not say
            which of its values is good.
    """
    probe_key = next((key for key in (NPZ_PROBE, "probe") if key in archive.members), NPZ_PROBE)
    probe_where = f"{archive.path}: {probe_key}"
    probe = archive.read(probe_key) if probe_key in archive.members else None
    present = [key for key in (*NPZ_FRAMES, *NPZ_COUNTS) if key in archive.members]
    where = f"{archive.path}: {(*present, *NPZ_FRAMES)[0]}"
    if probe is not None:
        weights = archive.read("opr_weights") if "opr_weights" in archive.members else None
        probe = probe_axes.order_modes(probe, probe_where, weights)
    mask, mask_where = _npz_mask(archive)
    if not present:
        return Pieces(
            frame_where=where,
            probe=probe,
            probe_where=probe_where,
            valid_mask=mask,
            mask_where=mask_where,
        )
    stored = [StreamedFrames(archive, key, stack) for key in present] if with_frames else []
    if len(stored) > 1 and not _are_equal(*stored):
        raise InputError(
            where,
            expected=f"{' and '.join(present)} to be equal when both are present",
            found="different values",
            remedy="remove the one that is not the amplitude",
        )
    return Pieces(
        frames=stored[0] if stored else None,
        frame_shape=archive.members[present[0]].shape,
        frame_where=where,
        kind="intensity" if present[0] in NPZ_COUNTS else "unknown",
        probe=probe,
        probe_where=probe_where,
        frame_ids=archive.read("indexes") if "indexes" in archive.members else None,
        valid_mask=mask,
        mask_where=mask_where,
    )


def _npz_mask(archive: NpzArchive) -> tuple[NDArray[Any] | None, str]:
    for key in UNCLEAR_MASKS:
        if key in archive.members:
            raise InputError(
                f"{archive.path}: {key}",
                expected="a mask whose name says what 1 means",
                found=f"{key}",
                remedy="name it valid_mask when 1 is good, bad_pixels when 1 is bad",
            )
    where = f"{archive.path}: {VALID_PIXELS}"
    valid = archive.read(VALID_PIXELS) if VALID_PIXELS in archive.members else None
    if BAD_PIXELS not in archive.members:
        return valid, where
    good = detector_mask.from_bits(archive.read(BAD_PIXELS), 0, f"{archive.path}: {BAD_PIXELS}")
    first = Pieces(valid_mask=valid, mask_where=where)
    both = Pieces(valid_mask=good, mask_where=f"{archive.path}: {BAD_PIXELS}")
    return first.filled_from(both).valid_mask, both.mask_where


def map_npy(path: Path) -> Pieces:
    """Take the one array of an NPY file for frames, without reading it.

    Raises:
        InputError: It is damaged, or no array of numbers.
    """
    stored = npy_frames.map_array(path)
    return Pieces(frames=stored, frame_shape=stored.shape, frame_where=str(path))


def find_in_hdf5(path: Path, root: h5py.File) -> Pieces:
    """Find frames, probe and mask of an HDF5 file; frames there are intensities.

    Raises:
        InputError: A link leads nowhere, or a filter that packed the frames is missing.
    """
    frame_keys = _find_frame_keys(root, path)
    probe_key = _find_key(root, path, HDF5_PROBES) or ptyr.find_probe(root, path)
    where = f"{path}: {(*frame_keys, *HDF5_FRAMES)[0]}"
    probe_where = f"{path}: {probe_key or HDF5_PROBES[0]}"
    probe, pixel = None, None
    weights_key = _find_key(root, path, HDF5_WEIGHTS)
    if probe_key is not None:
        pixel = ptyr.read_pixel(root, path, probe_key)
        probe = hdf5.array(root, path, probe_key)
        probe = probe.T if _is_of_matlab(root[probe_key]) else probe
        weights = None if weights_key is None else hdf5.array(root, path, weights_key)
        probe = probe_axes.order_modes(probe, probe_where, weights)
    mask_key = _find_key(root, path, tuple(HDF5_BAD_PIXELS))
    mask_where = f"{path}: {mask_key or next(iter(HDF5_BAD_PIXELS))}"
    mask = None
    if mask_key is not None:
        bits = hdf5.array(root, path, mask_key)
        mask = detector_mask.from_bits(bits, HDF5_BAD_PIXELS[mask_key], mask_where)
    parts = Pieces(
        frame_where=where,
        kind="intensity",
        probe=probe,
        probe_where=probe_where,
        probe_pixel_m=pixel,
        valid_mask=mask,
        mask_where=mask_where,
        files=hdf5_links.list_all(
            root, path, *frame_keys, *filter(None, (probe_key, mask_key, weights_key))
        ),
    )
    if not frame_keys:
        return parts
    stored = _join_frames(root, path, frame_keys)
    ids_key = _find_key(root, path, ("indexes",))
    return dataclasses.replace(
        parts,
        frames=stored,
        frame_shape=tuple(stored.shape),
        frame_ids=None if ids_key is None else hdf5.array(root, path, ids_key),
        limit=detector_limits.read_limit(root, path, DECTRIS_DETECTOR),
    )


def _find_frame_keys(root: h5py.File, path: Path) -> tuple[str, ...]:
    """Return where the frames lie: in one place, or in the numbered parts of a detector."""
    one = _find_key(root, path, HDF5_FRAMES)
    if one is not None:
        return (one,)
    home = root.get(NUMBERED_HOME)
    if not isinstance(home, h5py.Group):
        return ()
    numbered = sorted(f"{NUMBERED_HOME}/{name}" for name in home if name.startswith("data_"))
    return tuple(key for key in numbered if hdf5_links.check_links(root, path, key))


def _join_frames(root: h5py.File, path: Path, keys: tuple[str, ...]) -> FrameStore:
    stores: list[FrameStore] = []
    for key in keys:
        stored = hdf5.dataset(root, path, key)
        hdf5.check_filters(stored, f"{path}: {key}")
        frames_of_key: FrameStore = Hdf5Frames(stored, f"{path}: {key}")
        is_turned = _is_of_matlab(stored) and stored.ndim > _PLANE
        stores.append(MirroredFrames(frames_of_key) if is_turned else frames_of_key)
    return stores[0] if len(stores) == 1 else JoinedFrames(tuple(stores))


def _is_of_matlab(stored: h5py.Dataset) -> bool:
    """MATLAB names the class of what it wrote, and keeps axes in the other order."""
    return "MATLAB_class" in stored.attrs


def _find_key(root: h5py.File, path: Path, keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if hdf5_links.check_links(root, path, key)), None)


def _are_equal(first: StreamedFrames, second: StreamedFrames) -> bool:
    if first.shape != second.shape:
        return False
    one, other = (each if each.is_in_rows() else each.map_frames() for each in (first, second))
    length = frames.block_length(first)
    return all(
        np.array_equal(one[start : start + length], other[start : start + length])
        for start in range(0, first.shape[0], length)
    )
