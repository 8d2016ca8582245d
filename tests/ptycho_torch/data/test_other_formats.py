"""Files of formats that are not read: each is named, with what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import InputError
from tests.builders import scans

CONFIG = DataConfig()


def _write_matlab(path: Path) -> None:
    scipy.io.savemat(path, {"diffraction": np.ones((4, 8, 8))}, appendmat=False)


def _write_picture(path: Path) -> None:
    Image.fromarray(np.ones((8, 8), np.uint8)).save(path, format="TIFF")


def _write_array(path: Path) -> None:
    with path.open("wb") as stream:
        np.save(stream, np.ones((4, 8, 8)))


def _write_packed(path: Path) -> None:
    path.write_bytes(gzip.compress(scans.write_arrays(path).read_bytes()))


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (_write_matlab, "MATLAB file of before v7.3.*-v7.3"),
        (_write_picture, "a TIFF image.*one NPZ or HDF5"),
        (_write_array, "a single NumPy array.*one NPZ or HDF5"),
        (_write_packed, "a gzip archive.*unpack"),
    ],
)
def test_known_format_is_named_with_its_cure(
    tmp_path: Path, write: Callable[[Path], None], words: str
) -> None:
    """What people have instead, as its own program writes it, is told by its first bytes."""
    path = tmp_path / "scan.npz"
    write(path)

    with pytest.raises(InputError, match=words):
        scan_file.read(path, CONFIG)
