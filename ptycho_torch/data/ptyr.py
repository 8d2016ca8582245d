"""The probe of a reconstruction of PtyPy, `.ptyr`: one storage for each scan.

Source: PtyPy, documentation of its file storage: ``content/probe/<name>/data`` has modes first,
``_psize`` is the pixel of its grid [m].
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ptycho_torch.data import hdf5
from ptycho_torch.errors import InputError

_PROBES = "content/probe"


def find_probe(root: h5py.File, path: Path) -> str | None:
    """Return where the probe lies; None in a file of another format.

    Raises:
        InputError: There are several, those of several scans.
    """
    home = root.get(_PROBES)
    if not isinstance(home, h5py.Group):
        return None
    names = [name for name in home if isinstance(home.get(f"{name}/data"), h5py.Dataset)]
    if len(names) > 1:
        raise InputError(
            f"{path}: {_PROBES}",
            expected="the probe of one scan",
            found=", ".join(names),
            remedy="save the reconstruction of one scan",
        )
    return f"{_PROBES}/{names[0]}/data" if names else None


def read_pixel(root: h5py.File, path: Path, key: str) -> float | None:
    """Return the pixel that is stated beside a probe [m]; None where there is none."""
    place = f"{key.rpartition('/')[0]}/_psize"
    if place in root:
        sizes = np.unique(np.ravel(hdf5.array(root, path, place)))
        return hdf5.positive(sizes.mean(), f"{path}: {place}")
    stated = root[key].attrs.get("pixel_width_m")
    return None if stated is None else hdf5.positive(stated, f"{path}: {key}.pixel_width_m")
