"""Memory does not grow with the frames, and reading in blocks changes no number."""

from __future__ import annotations

import dataclasses
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import dataset, frames, grouping, scaling, scan_file, scan_write
from ptycho_torch.data.scan import ScanData
from ptycho_torch.simulation import simulate
from tests.builders import scans

LEFT = DataConfig(nphotons=1000.0, mmap_threshold_mb=1e-3)
HELD = dataclasses.replace(LEFT, mmap_threshold_mb=512.0)
GEOMETRY = scan_write.Geometry(pixel_size_m=4.6e-8, energy_ev=8800.0, distance_m=1.9)
BLOCK = 1 << 17
FRAME_BYTES = 32 * 32 * 4
FEW, MANY = 200, 1400


@pytest.fixture(autouse=True)
def _small_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks far below the size of the scans here, and a cache of one's own."""
    monkeypatch.setattr(frames, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(simulate, "_KEPT_BYTES", 0)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _peak(action: Callable[[], object]) -> int:
    """Return the most bytes that an action holds at once."""
    action()  # what is imported or cached at first use does not count
    gc.collect()  # so that cycles are searched for at the same places of each action
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _npz(path: Path, count: int, *, compressed: bool = False, counts: bool = False) -> Path:
    content = scans.arrays(count)
    if counts:
        content["diff3d"] = (content["diff3d"] * 100).astype(np.uint16)
    return scans.write_arrays(path, compressed=compressed, **content)


def _cxi(path: Path, count: int) -> Path:
    """A CXI file whose frames are compressed counts, in chunks that no block divides."""
    scan = scan_file.read(_npz(path.with_suffix(".npz"), count), HELD)
    scan_write.write_cxi(path, scan, GEOMETRY)
    key = "entry_1/instrument_1/detector_1/data"
    with h5py.File(path, "r+") as root:
        values = np.rint(root[key][()]).astype(np.uint16)
        del root[key]
        root.create_dataset(key, data=values, chunks=(7, 32, 32), compression="gzip")
    return path


MAKE: dict[str, Callable[[Path, int], Path]] = {
    "stored": _npz,
    "compressed": lambda path, count: _npz(path, count, compressed=True),
    "counts": lambda path, count: _npz(path, count, counts=True, compressed=True),
    "chunks": _cxi,
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_reading_holds_no_more_of_a_longer_scan(
    tmp_path: Path, make: Callable[[Path, int], Path]
) -> None:
    """Seven times the frames take a tenth of their bytes more, for the positions."""
    config = dataclasses.replace(LEFT, input_kind="amplitude")
    peaks = []
    for count in (FEW, MANY):
        path = make(tmp_path / f"{count}.npz", count)
        peaks.append(_peak(lambda path=path: scan_file.read(path, config)))

    assert peaks[1] - peaks[0] < (MANY - FEW) * FRAME_BYTES / 10


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_frames_on_disk_are_those_in_memory(
    tmp_path: Path, make: Callable[[Path, int], Path]
) -> None:
    """Left in a file or held in memory, frames and fitted scales are the same bits."""
    path = make(tmp_path / "scan.npz", 70)
    left, held = (
        scan_file.read(path, dataclasses.replace(config, input_kind="amplitude"))
        for config in (LEFT, HELD)
    )
    rows = np.random.default_rng(1).permutation(70)[:61]

    assert isinstance(held.amplitude, np.ndarray)
    np.testing.assert_array_equal(np.asarray(left.amplitude), held.amplitude)
    assert scaling.fit(left.take(rows), 1e3) == scaling.fit(held.take(rows), 1e3)


def _train_like(scan: ScanData) -> None:
    """Split, scale, group and serve one epoch, as a training does."""
    part = scan.take(np.arange(5, scan.point_count))
    contract = scaling.fit(part, 1e3)
    rng = np.random.default_rng(0)
    groups = grouping.make_groups(part.positions, 4, 6, part.point_count // 4, rng)
    offsets = grouping.locate(part.positions, groups, 32).offsets
    source = dataset.GroupDataset(part.amplitude, groups, offsets, contract.input_scale)
    for _ in dataset.loader(source, 8, shuffle_seed=3):
        pass


def test_an_epoch_holds_a_batch(tmp_path: Path) -> None:
    """Seven times the groups take a tenth of their frames' bytes more, for the indices."""
    peaks = []
    for count in (FEW, MANY):
        scan = scan_file.read(_npz(tmp_path / f"{count}.npz", count), LEFT)
        peaks.append(_peak(lambda scan=scan: _train_like(scan)))

    assert peaks[1] - peaks[0] < (MANY - FEW) * FRAME_BYTES / 10


def test_batches_are_those_of_a_scan_in_memory(tmp_path: Path) -> None:
    """A part of a scan on disk serves the same batches as its copy in memory."""
    path = _npz(tmp_path / "scan.npz", 40)
    rng = np.random.default_rng(2)
    rows, groups = rng.permutation(40)[:30], rng.integers(0, 30, (9, 4))
    offsets = rng.normal(size=(9, 4, 2))
    left, held = (
        dataset.GroupDataset(
            scan_file.read(path, config).take(rows).amplitude, groups, offsets, 3
        )
        for config in (LEFT, HELD)
    )
    whole = scans.arrays(40)["diff3d"][rows][groups] * np.float32(3)

    for first, second in zip(dataset.loader(left, 4), dataset.loader(held, 4), strict=True):
        assert torch.equal(first.amplitude, second.amplitude)
        np.testing.assert_array_equal(first.amplitude, whole[first.group_index.numpy()])


@pytest.mark.parametrize("end", [".npz", ".cxi", ".h5"])
def test_writing_holds_no_more_of_a_longer_scan(tmp_path: Path, end: str) -> None:
    """Each format is written block by block from frames that stay in their file."""
    peaks, target = [], tmp_path / f"out{end}"
    write: dict[str, Callable[[ScanData], None]] = {
        ".npz": lambda scan: scan_write.write_npz(target, scan),
        ".cxi": lambda scan: scan_write.write_cxi(target, scan, GEOMETRY),
        ".h5": lambda scan: scan_write.write_ptychodus(target, scan, GEOMETRY),
    }
    for count in (FEW, MANY):
        scan = scan_file.read(_npz(tmp_path / f"{count}.npz", count), LEFT)
        peaks.append(_peak(lambda scan=scan: write[end](scan)))

    assert peaks[1] - peaks[0] < (MANY - FEW) * FRAME_BYTES / 5


def test_simulating_holds_the_object_only(tmp_path: Path) -> None:
    """Nine times the frames of the same object take a twentieth of their bytes more."""
    peaks = []
    for columns in (8, 24):
        pitch = 56.5 / (columns - 1)
        recipe = scans.tiny_recipe(n_points=columns**2, pitch=pitch, jitter=0.0)
        peaks.append(_peak(lambda recipe=recipe: simulate.write(recipe, tmp_path / "s.npz")))

    assert peaks[1] - peaks[0] < 512 * FRAME_BYTES / 20


@pytest.mark.parametrize("noise", [True, False])
def test_file_is_what_is_simulated_in_memory(
    tmp_path: Path,
    noise: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames counted once, counted anew, or gathered whole are the same photons."""
    recipe = scans.tiny_recipe(n_points=75, noise=noise)
    simulate.write(recipe, tmp_path / "anew.npz")
    monkeypatch.setattr(simulate, "_KEPT_BYTES", 1 << 30)
    simulate.write(recipe, tmp_path / "kept.npz")
    whole = simulate.simulate(recipe)

    assert (tmp_path / "anew.npz").read_bytes() == (tmp_path / "kept.npz").read_bytes()
    with np.load(tmp_path / "anew.npz") as stored:
        np.testing.assert_array_equal(stored["diff3d"], whole.amplitude)


_PROBE = """
import re, sys
from pathlib import Path
import numpy as np
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import frames, scaling, scan_file

def largest():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])

def go(name):
    scan = scan_file.read(Path(name), DataConfig(nphotons=1e3, mmap_threshold_mb=1))
    scaling.fit(scan, 1e3)
    rng = np.random.default_rng(0)
    for _ in range(scan.point_count // 8):
        scan.amplitude[rng.integers(0, scan.point_count, (2, 4))]
    return largest()

frames.BLOCK_BYTES = 1 << 20
print(*(go(name) for name in sys.argv[1:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_resident_memory_counts_no_frames(tmp_path: Path) -> None:
    """Pages of mapped files included, a process that reads 64 MB grows by a tenth of it."""
    small = _npz(tmp_path / "small.npz", 1000)
    large = _npz(tmp_path / "large.npz", 16_000)

    argv = [sys.executable, "-c", _PROBE, str(small), str(small), str(large)]
    completed = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60)

    _, before, after = map(int, completed.stdout.split())
    assert (after - before) * 1024 < large.stat().st_size / 10
