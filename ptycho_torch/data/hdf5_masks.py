"""Masks of an HDF5 file, wherever programs keep them: what 1 means is said by the name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ptycho_torch.data import detector_mask, hdf5, hdf5_links
from ptycho_torch.data.cxi_keys import DETECTOR, ENTRY, MASK
from ptycho_torch.errors import InputError

VALID_PIXELS, BAD_PIXELS = "valid_mask", "bad_pixels"
# Names that do not say whether 1 is good or bad.
UNCLEAR_MASKS = ("mask", "pixel_mask", "detector_mask")
UNCLEAR_REMEDY = "name it valid_mask when 1 is good, bad_pixels when 1 is bad"
# Where bits of defects lie, with those that are none: CXI, NeXus, DECTRIS.
BITS: Mapping[str, int] = MappingProxyType(
    {
        MASK: detector_mask.CXI_NO_DEFECT,
        f"{DETECTOR}/mask_shared": detector_mask.CXI_NO_DEFECT,
        f"{ENTRY}/data_1/mask": detector_mask.CXI_NO_DEFECT,
        f"{DETECTOR}/pixel_mask": 0,
        BAD_PIXELS: 0,
        "entry/instrument/detector/detectorSpecific/pixel_mask": 0,
        "entry/instrument/detector/pixel_mask": 0,
    }
)


def find_mask(
    root: h5py.File,
    path: Path,
    *,
    bits: Mapping[str, int] = BITS,
    unclear: Sequence[str] = UNCLEAR_MASKS,
) -> tuple[NDArray[np.bool_] | None, str, tuple[str, ...]]:
    """Read every mask that a file holds, true at valid pixels; a pixel is valid in all.

    Args:
        root: The file.
        path: Its name.
        bits: Where bits of defects may lie, with those that are no defect.
        unclear: Where a mask would lie whose name does not say what 1 means.

    Returns:
        The mask, or None without one; file and keys; the keys alone.

    Raises:
        InputError: A mask does not say what its values mean, or is none.
    """
    for key in unclear:
        if hdf5_links.check_links(root, path, key) and _is_plane(root[key]):
            raise InputError(
                f"{path}: {key}",
                expected="a mask whose name says what 1 means",
                found=key.rpartition("/")[2],
                remedy=UNCLEAR_REMEDY,
            )
    keys = [
        key
        for key in (*bits, VALID_PIXELS)
        if hdf5_links.check_links(root, path, key) and not hdf5.is_empty(root[key])
    ]
    joined, where = None, f"{path}: {next(iter(bits))}"
    for key in keys:
        own = f"{path}: {key}"
        stored = hdf5.array(root, path, key, is_sparse=True)
        if hdf5.is_of_matlab(root[key]) and stored.ndim > 1:
            stored = np.swapaxes(stored, -2, -1)
        valid = (
            detector_mask.from_flags(stored, own)
            if key == VALID_PIXELS
            else detector_mask.from_bits(stored, bits[key], own)
        )
        joined, where = detector_mask.join(joined, where, valid, own)
    return joined, where, tuple(keys)


def _is_plane(node: Any) -> bool:
    return isinstance(node, h5py.Dataset) and node.shape is not None and len(node.shape) > 1
