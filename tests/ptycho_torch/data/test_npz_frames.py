"""Frames streamed out of an archive are those of the array, and damage never passes."""

from __future__ import annotations

import zipfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import npz_archive, scan_file
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.npz_frames import StreamedFrames
from ptycho_torch.errors import InputError
from tests.builders import scans

COUNT = 12
FRAMES = scans.arrays()["diff3d"]
LEFT = DataConfig(nphotons=1000.0, mmap_threshold_mb=1e-3)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module", params=[False, True], ids=["stored", "compressed"])
def archive_path(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A scan as NumPy writes it, stored or compressed."""
    path = tmp_path_factory.mktemp("npz") / "scan.npz"
    return scans.write_arrays(path, compressed=request.param)


@pytest.mark.parametrize("seed", [0, 1])
def test_ranges_in_any_order_are_right(archive_path: Path, seed: int) -> None:
    """Forwards, backwards or over again: each range is that of the array."""
    chance = np.random.default_rng(seed)
    with ExitStack() as stack:
        archive = stack.enter_context(npz_archive.open_archive(archive_path))
        streamed = StreamedFrames(archive, "diff3d", stack)

        for start, stop in chance.integers(0, COUNT + 3, (40, 2)).tolist():
            np.testing.assert_array_equal(streamed[start:stop], FRAMES[start:stop])
        np.testing.assert_array_equal(streamed[:], FRAMES)


def test_only_what_can_be_used_in_place_is(tmp_path: Path) -> None:
    """Stored float32 frames stay in the scan's own file, all others go to the cache."""
    plain = scans.write_arrays(tmp_path / "plain.npz")
    packed = scans.write_arrays(tmp_path / "packed.npz", compressed=True)
    double = scans.write_arrays(tmp_path / "double.npz", diff3d=FRAMES.astype(np.float64))
    cache = tmp_path / "cache" / "ptycho_torch"

    in_place = scan_file.read(plain, LEFT).amplitude
    assert isinstance(in_place, FrameFile)
    assert not cache.exists()
    for path in (packed, double):
        amplitude = scan_file.read(path, LEFT).amplitude
        assert isinstance(amplitude, FrameFile)
        np.testing.assert_array_equal(np.asarray(amplitude), np.asarray(in_place))

    assert len(list(cache.glob("*.npy"))) == 2


def _flip(path: Path, key: str) -> None:
    """Change one byte in the middle of a member."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(f"{key}.npy")
    content = bytearray(path.read_bytes())
    content[info.header_offset + 30 + info.compress_size // 2] ^= 0xFF
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("threshold", [512.0, 1e-3])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("layout", ["rows", "scan axis last", "Fortran order"])
def test_flipped_byte_is_noticed_on_every_road(
    tmp_path: Path,
    threshold: float,
    compressed: bool,  # noqa: FBT001 - a parameter of the test
    layout: str,
) -> None:
    """A changed byte fails the checksum, in memory, in place and on the way to the cache."""
    last = np.moveaxis(FRAMES, 0, -1)
    frames = {"rows": FRAMES, "scan axis last": last.copy()}.get(
        layout, np.asfortranarray(last)
    )
    path = scans.write_arrays(tmp_path / "scan.npz", compressed=compressed, diff3d=frames)
    _flip(path, "diff3d")

    with pytest.raises(InputError) as caught:
        scan_file.read(path, DataConfig(nphotons=1000.0, mmap_threshold_mb=threshold))

    assert caught.value.where == f"{path}: diff3d"
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").rglob("*.npy"))
