"""Frames, probe and mask of an HDF5 file, wherever programs keep them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import h5py

from ptycho_torch.data import (
    detector_limits,
    hdf5,
    hdf5_links,
    hdf5_masks,
    probe_axes,
    ptyr,
)
from ptycho_torch.data.frame_store import FrameStore
from ptycho_torch.data.frame_views import JoinedFrames, MirroredFrames
from ptycho_torch.data.pieces import PLACE_KEYS, Pieces
from ptycho_torch.errors import InputError

FRAMES = (
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
PROBES = ("entry_1/instrument_1/source_1/illumination", "probe", "probeGuess")
WEIGHTS = ("entry_1/ptychodus/opr_weights", "opr_weights")
_FIRST_IMAGE = "image_nr_low"
_PLANE = 2


def find_in_hdf5(path: Path, root: h5py.File, *, has_variants: bool = False) -> Pieces:
    """Find frames, probe and mask of an HDF5 file; frames there are intensities.

    Args:
        path: The file.
        root: The same, open.
        has_variants: The first of four axes of its probe are variants, with weights or without.

    Raises:
        InputError: A link leads nowhere, a filter that packed the frames is missing, or a mask
            does not say what it means.
    """
    frame_keys = _find_frame_keys(root, path)
    probe_key = _find_key(root, path, PROBES) or ptyr.find_probe(root, path)
    where = f"{path}: {(*frame_keys, *FRAMES)[0]}"
    probe_where = f"{path}: {probe_key or PROBES[0]}"
    probe, pixel = None, None
    weights_key = _find_key(root, path, WEIGHTS)
    if probe_key is not None:
        pixel = ptyr.read_pixel(root, path, probe_key)
        probe = hdf5.array(root, path, probe_key)
        probe = probe.T if hdf5.is_of_matlab(root[probe_key]) else probe
        weights = None if weights_key is None else hdf5.array(root, path, weights_key)
        probe = probe_axes.order_modes(probe, probe_where, weights, has_variants=has_variants)
    mask, mask_where, mask_keys = hdf5_masks.find_mask(root, path)
    parts = Pieces(
        frame_where=where,
        kind="intensity",
        probe=probe,
        probe_where=probe_where,
        probe_pixel_m=pixel,
        valid_mask=mask,
        mask_where=mask_where,
        files=hdf5_links.list_all(
            root, path, *frame_keys, *mask_keys, *filter(None, (probe_key, weights_key))
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
        marks=hdf5.list_marks(root[frame_keys[0]]),
        places={
            name: hdf5.array(root, path, name)
            for name in PLACE_KEYS
            if hdf5_links.check_links(root, path, name)
        },
    )


def _find_frame_keys(root: h5py.File, path: Path) -> tuple[str, ...]:
    """Return where the frames lie: in one place, or in the numbered parts of a detector.

    Raises:
        InputError: A part between two others is missing.
    """
    one = _find_key(root, path, FRAMES)
    if one is not None:
        return (one,)
    home = root.get(NUMBERED_HOME)
    if not isinstance(home, h5py.Group):
        return ()
    numbers = {
        int(match[1]): f"{NUMBERED_HOME}/{name}"
        for name in home
        if (match := re.fullmatch(r"data_(\d+)", name))
    }
    # Numbers, not names: an unpadded data_10 comes after data_9.
    keys = [numbers[number] for number in sorted(numbers)]
    first, last = min(numbers, default=0), max(numbers, default=0)
    missing = [number for number in range(first, last) if number not in numbers]
    if missing:
        raise InputError(
            f"{path}: {NUMBERED_HOME}",
            expected="every part of the data",
            found=f"none of number {missing[0]} between {first} and {last}",
            remedy="link every data file of the scan into its master file",
        )
    whole = [key for key in keys if hdf5_links.check_links(root, path, key)]
    firsts = [root[key].attrs.get(_FIRST_IMAGE) for key in whole]
    if all(first is not None for first in firsts):  # the detector's own word beats the names
        order = sorted(range(len(whole)), key=lambda place: int(firsts[place]))
        whole = [whole[place] for place in order]
    return tuple(whole)


def _join_frames(root: h5py.File, path: Path, keys: tuple[str, ...]) -> FrameStore:
    stores: list[FrameStore] = []
    for key in keys:
        opened = hdf5.open_frames(root, path, key)
        is_turned = hdf5.is_of_matlab(root[key]) and len(opened.shape) > _PLANE
        stores.append(MirroredFrames(opened) if is_turned else opened)
    return JoinedFrames.join(tuple(stores), tuple(f"{path}: {key}" for key in keys))


def _find_key(root: h5py.File, path: Path, keys: tuple[str, ...]) -> str | None:
    return next((key for key in keys if hdf5_links.check_links(root, path, key)), None)
