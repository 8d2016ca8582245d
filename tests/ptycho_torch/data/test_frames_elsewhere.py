"""Frames in a file of their own, and damage inside their chunks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.errors import InputError
from tests.builders import scans

FRAMES = scans.arrays()["diff3d"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _config(companion: Path, threshold: float = 512.0) -> DataConfig:
    return DataConfig(
        nphotons=1000.0, companion_file=str(companion), mmap_threshold_mb=threshold
    )


LAYOUTS: dict[str, Any] = {
    "rows": FRAMES,
    "double precision": FRAMES.astype(np.float64),
    "scan axis last": np.moveaxis(FRAMES, 0, -1).copy(),
    "Fortran order": np.asfortranarray(FRAMES),
    "trailing axis of one": FRAMES[..., None],
}


@pytest.mark.parametrize("threshold", [512.0, 1e-3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_of_an_npy_file_are_taken(tmp_path: Path, layout: str, threshold: float) -> None:
    """Frames saved by themselves complete a scan, in every layout, held or left there."""
    bare = scans.write_arrays(tmp_path / "bare.npz", diff3d=None)
    np.save(tmp_path / "frames.npy", LAYOUTS[layout])

    scan = scan_file.read(bare, _config(tmp_path / "frames.npy", threshold))

    np.testing.assert_array_equal(np.asarray(scan.amplitude), FRAMES)
    assert isinstance(scan.amplitude, FrameFile) == (threshold < 1)
    is_converted = threshold < 1 and layout != "rows"
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == is_converted


def test_damaged_npy_files_are_refused(tmp_path: Path) -> None:
    """Frames cut short, or Python objects in their place, end in one line."""
    bare = scans.write_arrays(tmp_path / "bare.npz", diff3d=None)
    short, pickled = tmp_path / "short.npy", tmp_path / "pickled.npy"
    np.save(short, FRAMES)
    os.truncate(short, short.stat().st_size - 1)
    np.save(pickled, np.array([{}], dtype=object), allow_pickle=True)

    for path in (short, pickled):
        with pytest.raises(InputError) as caught:
            scan_file.read(bare, _config(path))

        assert caught.value.where == str(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("threshold", [512.0, 1e-3])
def test_a_damaged_chunk_is_named(tmp_path: Path, threshold: float) -> None:
    """A changed byte in a compressed chunk of HDF5 frames ends in one line, with no cache."""
    bare = scans.write_arrays(tmp_path / "bare.npz", diff3d=None)
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as root:
        data = root.create_dataset("dp", data=FRAMES, chunks=(5, 32, 32), compression="gzip")
        place = data.id.get_chunk_info(1).byte_offset
    content = bytearray(path.read_bytes())
    content[place + 40] ^= 0xFF
    path.write_bytes(bytes(content))

    with pytest.raises(InputError) as caught:
        scan_file.read(bare, _config(path, threshold))

    assert caught.value.where == f"{path}: dp"
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.npy*"))
