"""One digest over every file that a scan was read from, and no stale cache."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from ptycho_torch import files
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import hdf5, scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from tests.builders.known_scan import (
    DETECTOR,
    known,
    write_cxi,
    write_frames,
    write_npz,
    write_product,
)

COUNTS = known().counts


def _read(path: Path, companion: Path | None = None) -> ScanData:
    other = None if companion is None else str(companion)
    config = DataConfig(gridsize=1, companion_file=other, nphotons=1e9, mmap_threshold_mb=1e-3)
    return scan_file.read(path, config)


def test_one_file_is_its_own_digest(tmp_path: Path) -> None:
    """A scan of one file is known by that file."""
    path = write_npz(tmp_path / "s.npz")

    assert _read(path).sha256 == files.sha256(path)


@pytest.mark.parametrize("kind", ["companion", "link", "virtual source"])
def test_exchanged_file_is_another_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Frames behind a companion, a link or a source that change are read anew."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    part = write_frames(tmp_path / "part.h5", dp=COUNTS)
    path = tmp_path / "s.cxi"
    if kind == "companion":
        path = write_product(tmp_path / "s.h5", dp=None)
    elif kind == "link":
        link = h5py.ExternalLink("part.h5", "dp")
        write_cxi(path, data=None, **{"entry_1/data_1/data": link})
    else:
        layout = h5py.VirtualLayout(COUNTS.shape, np.float64)
        layout[:] = h5py.VirtualSource("part.h5", "dp", COUNTS.shape)
        write_cxi(path, data=None)
        with h5py.File(path, "r+") as root:
            root.create_virtual_dataset(f"{DETECTOR}/data", layout)
    companion = part if kind == "companion" else None

    before = _read(path, companion)
    first = np.asarray(before.amplitude)
    write_frames(part, dp=COUNTS[::-1])
    after = _read(path, companion)

    assert before.sha256 != after.sha256
    np.testing.assert_array_equal(after.amplitude, first[::-1])


def test_missing_filter_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frames that only a plug-in can unpack are refused with the package that brings it."""
    path = tmp_path / "s.h5"
    with h5py.File(path, "w") as root:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((1, 8, 8))
        plan.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((2, 8, 8))
        h5py.h5d.create(root.id, b"dp", h5py.h5t.NATIVE_INT32, space, plan)
    # Another test of this process may have loaded the plug-in, which stays.
    monkeypatch.setattr(hdf5.h5py.h5z, "filter_avail", lambda _: False)
    monkeypatch.setattr(hdf5.importlib.util, "find_spec", lambda _: None)

    with h5py.File(path) as root, pytest.raises(InputError) as caught:
        hdf5.check_filters(root["dp"], str(path))

    assert "bitshuffle" in caught.value.found
    assert "hdf5plugin" in caught.value.remedy
