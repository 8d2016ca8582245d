"""Frames and probe of a file of any format; a second file fills what the first lacks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import detector_mask, frames, npy_frames, probe_axes
from ptycho_torch.data.frame_store import FrameKind, FrameStore
from ptycho_torch.data.hdf5_masks import (
    BAD_PIXELS,
    UNCLEAR_MASKS,
    UNCLEAR_REMEDY,
    VALID_PIXELS,
)
from ptycho_torch.data.npz_archive import NpzArchive
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError

NPZ_FRAMES = ("diff3d", "diffraction")
NPZ_COUNTS = ("patterns",)
NPZ_PROBE = "probeGuess"
# Places by which frames of a second file may contradict those of the first.
PLACE_KEYS = ("xcoords", "ycoords")


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
        marks: Numbers of a frame that stand for none by the word of the file.
        places: Positions beside the frames, by key.
    """

    frames: FrameStore | None = None
    frame_shape: tuple[int, ...] | None = None
    frame_where: str = ""
    kind: FrameKind = "unknown"
    probe: NDArray[Any] | None = None
    probe_where: str = ""
    frame_ids: NDArray[Any] | None = None
    valid_mask: NDArray[np.bool_] | None = None
    mask_where: str = ""
    files: tuple[Path, ...] = ()
    limit: float = math.inf
    probe_pixel_m: float | None = None
    marks: tuple[float, ...] = ()
    places: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def filled_from(self, spare: Pieces) -> Pieces:
        """Take what is absent here from another file.

        Raises:
            InputError: Frames of the other file are of other places by its own word.
        """
        filled = self
        if self.frame_shape is None and spare.frame_shape is not None:
            self._check_places(spare)
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

    def _join_masks(self, spare: Pieces) -> tuple[NDArray[np.bool_] | None, str]:
        """A pixel is valid where neither file calls it bad."""
        return detector_mask.join(
            self.valid_mask, self.mask_where, spare.valid_mask, spare.mask_where
        )

    def _check_places(self, spare: Pieces) -> None:
        both = self.places.keys() & spare.places.keys()
        for key in sorted(both):
            own, other = self.places[key], spare.places[key]
            if own.size != other.size or not np.allclose(
                np.ravel(own), np.ravel(other), equal_nan=True
            ):
                raise InputError(
                    f"{spare.frame_where.rsplit(': ', 1)[0]}: {key}",
                    expected="frames at the places of the first file",
                    found=f"other places than {self.frame_where.rsplit(': ', 1)[0]} holds",
                    remedy="read the file of the frames, with the other as --companion_file",
                )

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


def find_in_npz(
    archive: NpzArchive, stack: ExitStack, *, with_frames: bool, has_variants: bool = False
) -> Pieces:
    """Find frames, probe and mask of an NPZ file; frames are readable as long as ``stack`` is.

    Args:
        archive: The open file.
        stack: What opens for the frames is closed with it.
        with_frames: Frames will be read; otherwise their shape is enough.
        has_variants: The first of four axes of its probe are variants, with weights or without.

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
        probe = probe_axes.order_modes(probe, probe_where, weights, has_variants=has_variants)
    mask, mask_where = _npz_mask(archive)
    places = {key: archive.read(key) for key in PLACE_KEYS if key in archive.members}
    if not present:
        return Pieces(
            frame_where=where,
            probe=probe,
            probe_where=probe_where,
            valid_mask=mask,
            mask_where=mask_where,
            places=places,
        )
    stored = [StreamedFrames(archive, key, stack) for key in present] if with_frames else []
    if not all(_are_equal(stored[0], other) for other in stored[1:]):
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
        places=places,
    )


def _npz_mask(archive: NpzArchive) -> tuple[NDArray[np.bool_] | None, str]:
    for key in UNCLEAR_MASKS:
        if key in archive.members:
            raise InputError(
                f"{archive.path}: {key}",
                expected="a mask whose name says what 1 means",
                found=f"{key}",
                remedy=UNCLEAR_REMEDY,
            )
    good, bad = (f"{archive.path}: {key}" for key in (VALID_PIXELS, BAD_PIXELS))
    has_good, has_bad = (key in archive.members for key in (VALID_PIXELS, BAD_PIXELS))
    return detector_mask.join(
        detector_mask.from_flags(archive.read(VALID_PIXELS), good) if has_good else None,
        good,
        detector_mask.from_bits(archive.read(BAD_PIXELS), 0, bad) if has_bad else None,
        bad,
    )


def map_npy(path: Path) -> Pieces:
    """Take the one array of an NPY file for frames, without reading it.

    Raises:
        InputError: It is damaged, or no array of numbers.
    """
    stored = npy_frames.map_array(path)
    return Pieces(frames=stored, frame_shape=stored.shape, frame_where=str(path))


def _are_equal(first: StreamedFrames, second: StreamedFrames) -> bool:
    if first.shape != second.shape:
        return False
    one, other = (each if each.is_in_rows() else each.map_frames() for each in (first, second))
    length = frames.block_length(first)
    return all(
        np.array_equal(one[start : start + length], other[start : start + length])
        for start in range(0, first.shape[0], length)
    )
