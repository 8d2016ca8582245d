"""The largest number of a detector that is still a count, as its file says.

Source: NXdetector, and the keys of DECTRIS detectors: a pixel that is masked or read out in
vain holds 2ⁿ − 1 for n = bit_depth_image, whatever kind of number the file keeps it in; counts
at the cutoff of the count-rate correction are saturated.
"""

from __future__ import annotations

import math
from pathlib import Path

import h5py

from ptycho_torch.data import hdf5

_DEPTH = "bit_depth_image"
_CUTOFFS = (
    "countrate_correction_count_cutoff",
    "detectorSpecific/countrate_correction_count_cutoff",
)
_SATURATION = "saturation_value"
_MOST_BITS = 64


def read_limit(root: h5py.File, path: Path, detector: str) -> float:
    """Return the smallest number that is no count; infinity where nothing is said.

    Args:
        root: The file.
        path: Its name.
        detector: Group of the detector.

    Raises:
        InputError: A number is stated that is none.
    """
    limits = []
    depth = _read(root, path, f"{detector}/{_DEPTH}")
    if 0 < depth <= _MOST_BITS:
        limits.append(2**depth - 1)
    limits += [_read(root, path, f"{detector}/{key}") for key in _CUTOFFS]
    saturation = _read(root, path, f"{detector}/{_SATURATION}")
    # Numbers above it are no counts; it is one itself.
    limits.append(math.nextafter(saturation, math.inf))
    return min((limit for limit in limits if limit > 0), default=math.inf)


def _read(root: h5py.File, path: Path, key: str) -> float:
    stored = root.get(key)
    if not isinstance(stored, h5py.Dataset) or stored.dtype.kind not in "iuf":
        return math.inf
    return hdf5.number(stored[()], f"{path}: {key}")
