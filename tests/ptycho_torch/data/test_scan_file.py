"""The door for measured data: what it accepts, what it returns, what it refuses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import InputError, MissingInputError
from tests.builders import scans

PLAIN = scans.arrays()
FRAMES = PLAIN["diff3d"]
CONFIG = DataConfig(nphotons=1000.0)
STAR = scans.REAL_DATA / "siemens_star.npz"

EQUIVALENT: dict[str, dict[str, Any]] = {
    "frames under diffraction": {"diff3d": None, "diffraction": FRAMES},
    "both keys, equal": {"diffraction": FRAMES},
    "scan axis last": {"diff3d": np.moveaxis(FRAMES, 0, -1)},
    "scan axis last, Fortran order": {"diff3d": np.asfortranarray(np.moveaxis(FRAMES, 0, -1))},
    "trailing axis of one": {"diff3d": FRAMES[..., None]},
    "double precision": {"diff3d": FRAMES.astype(np.float64)},
    "big endian": {"diff3d": FRAMES.astype(">f4")},
    "integer positions": {
        "xcoords": PLAIN["xcoords"].astype(np.int16),
    },
    "probe of trailing one": {"probeGuess": PLAIN["probeGuess"][..., None]},
    "probe with a mode axis": {"probeGuess": PLAIN["probeGuess"][None]},
    "double precision probe": {"probeGuess": PLAIN["probeGuess"].astype(np.complex128)},
    "labels of older files": {"Y": np.zeros(3), "label": np.zeros(2)},
}


@pytest.mark.parametrize("change", EQUIVALENT.values(), ids=EQUIVALENT)
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("threshold", [512.0, 1e-3])
def test_layouts_are_equivalent(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    compressed: bool,  # noqa: FBT001 - a parameter of the test
    threshold: float,
) -> None:
    """Every layout of the same scan gives the same arrays, in memory and mapped."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = scans.write_arrays(tmp_path / "scan.npz", compressed=compressed, **change)

    scan = scan_file.read(path, DataConfig(nphotons=1000.0, mmap_threshold_mb=threshold))

    np.testing.assert_array_equal(scan.amplitude, FRAMES)
    np.testing.assert_array_equal(scan.positions[:, 0], PLAIN["xcoords"])
    np.testing.assert_array_equal(scan.positions[:, 1], PLAIN["ycoords"])
    np.testing.assert_array_equal(scan.probe, PLAIN["probeGuess"][None])
    assert scan.amplitude.dtype == np.float32
    assert scan_file.peek(path, CONFIG).N == 32
    assert scan_file.peek(path, CONFIG).point_count == 12
    assert scan_file.peek(path, CONFIG).probe_modes == 1


def _changed(key: str, index: Any, value: Any) -> dict[str, Any]:
    copy = PLAIN[key].copy()
    copy[index] = value
    return {key: copy}


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no frames": ({"diff3d": None, "images": FRAMES}, "diff3d"),
    "no x": ({"xcoords": None}, "xcoords"),
    "no probe": ({"probeGuess": None}, "probeGuess"),
    "NaN frame": (_changed("diff3d", (3, 4, 5), np.nan), "diff3d"),
    "infinite frame": (_changed("diff3d", (3, 4, 5), np.inf), "diff3d"),
    "negative amplitude": (_changed("diff3d", (3, 4, 5), -1e-3), "diff3d"),
    "complex amplitude": ({"diff3d": FRAMES.astype(np.complex64)}, "diff3d"),
    "text frames": ({"diff3d": np.array(["a"] * 12)}, "diff3d"),
    "dark scan": ({"diff3d": np.zeros_like(FRAMES)}, "diff3d"),
    "fewer positions": (
        {"xcoords": PLAIN["xcoords"][:-1], "ycoords": PLAIN["ycoords"][:-1]},
        "diff3d",
    ),
    "lengths of x and y": ({"ycoords": PLAIN["ycoords"][:-1]}, "ycoords"),
    "NaN position": (_changed("ycoords", 2, np.nan), "ycoords"),
    "pairs of positions": (
        {"xcoords": np.repeat(PLAIN["xcoords"][:, None], 2, axis=1)},
        "diff3d",
    ),
    "not square": ({"diff3d": FRAMES[:, :, :31]}, "diff3d"),
    "unsupported side": (
        {"diff3d": FRAMES[:, :30, :30], "probeGuess": PLAIN["probeGuess"][:30, :30]},
        "diff3d",
    ),
    "two axes": ({"diff3d": FRAMES[0]}, "diff3d"),
    "zero probe": ({"probeGuess": np.zeros((32, 32), np.complex64)}, "probeGuess"),
    "NaN probe": (_changed("probeGuess", (0, 0), np.nan), "probeGuess"),
    "probe side": ({"probeGuess": PLAIN["probeGuess"][:16, :16]}, "probeGuess"),
    "keys disagree": ({"diffraction": FRAMES * np.float32(2)}, "diff3d"),
    "keys of other shape": ({"diffraction": FRAMES[:-1]}, "diff3d"),
    "pickled probe": ({"probeGuess": np.array([[None]], dtype=object)}, "probeGuess"),
    "large integers": ({"diff3d": (FRAMES * 900).astype(np.uint16)}, "diff3d"),
    "small integers": ({"diff3d": np.rint(FRAMES * 9).astype(np.int32)}, "diff3d"),
    "whole numbers in floats": ({"diff3d": np.rint(FRAMES * 9)}, "diff3d"),
    "valid mask shape": ({"valid_mask": np.ones((31, 32), bool)}, "valid_mask"),
    "object of three axes": ({"objectGuess": np.ones((2, 9, 9))}, "objectGuess"),
    "NaN object": ({"objectGuess": np.full((90, 80), np.nan)}, "objectGuess"),
    "positions in metres": (
        {"xcoords": PLAIN["xcoords"] * 1e4, "ycoords": PLAIN["ycoords"] * 1e4},
        "xcoords",
    ),
    "metadata no JSON": ({"_metadata": np.array("{")}, "_metadata"),
    "metadata photons": (
        {"_metadata": np.array('{"physics_parameters": {"nphotons": -1}}')},
        "_metadata.physics_parameters.nphotons",
    ),
}


@pytest.mark.parametrize(("change", "key"), BAD.values(), ids=BAD)
def test_bad_content_is_named(tmp_path: Path, change: dict[str, Any], key: str) -> None:
    """A scan that cannot be used is refused with the file and the key in one line."""
    path = scans.write_arrays(tmp_path / "scan.npz", **change)

    with pytest.raises(InputError) as caught:
        scan_file.read(path, CONFIG)

    assert caught.value.where == f"{path}: {key}"
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_missing_file_is_an_input_error(tmp_path: Path) -> None:
    """A file that is not there is told apart from one that is bad."""
    with pytest.raises(MissingInputError):
        scan_file.read(tmp_path / "none.npz", CONFIG)
    with pytest.raises(FileNotFoundError):
        scan_file.peek(tmp_path, CONFIG)


@pytest.mark.parametrize("content", [b"", b"x,y\n1,2\n", b"PK\x03\x04 and no more"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """A text file under another name, an empty file and a stub of a ZIP are refused."""
    path = tmp_path / "scan.npz"
    path.write_bytes(content)

    with pytest.raises(InputError):
        scan_file.read(path, CONFIG)
    with pytest.raises(InputError):
        scan_file.peek(path, CONFIG)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95, 0.999])
@pytest.mark.parametrize("compressed", [False, True])
def test_truncated_file_is_refused(
    tmp_path: Path,
    share: float,
    compressed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A file that lost its end is refused wherever it was cut."""
    path = scans.write_arrays(tmp_path / "scan.npz", compressed=compressed)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(InputError):
        scan_file.read(path, CONFIG)


def test_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """A changed byte inside the frames fails the checksum of the archive."""
    path = scans.write_arrays(tmp_path / "scan.npz")
    content = bytearray(path.read_bytes())
    content[5000] ^= 0xFF
    path.write_bytes(bytes(content))

    with pytest.raises(InputError) as caught:
        scan_file.read(path, CONFIG)

    assert caught.value.where.endswith("diff3d")


def test_gridsize_beyond_scan_is_refused(tmp_path: Path) -> None:
    """A group cannot hold more patterns than the scan has points."""
    path = scans.write_arrays(tmp_path / "scan.npz")

    with pytest.raises(InputError) as caught:
        scan_file.read(path, DataConfig(gridsize=4, nphotons=1000.0))

    assert "12" in caught.value.found


def test_pickle_is_never_run(tmp_path: Path) -> None:
    """An array that would run code when unpickled leaves no trace."""
    trace = tmp_path / "trace"

    class Bomb:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (trace,)

    path = scans.write_arrays(
        tmp_path / "scan.npz", _metadata=np.array(Bomb(), dtype=object), xcoords=None
    )

    with pytest.raises(InputError):
        scan_file.read(path, CONFIG)

    assert not trace.exists()


def test_pickled_metadata_is_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Metadata that only pickle could read are left out with a warning."""
    path = scans.write_arrays(
        tmp_path / "scan.npz", _metadata=np.array('{"a": 1}', dtype=object)
    )

    scan = scan_file.read(path, CONFIG)

    assert scan.nphotons is None
    assert "skipped" in caplog.text


def test_counts_are_widened_before_the_root(tmp_path: Path) -> None:
    """Intensities in small integers give roots as exact as single precision can hold."""
    counts = np.full((12, 32, 32), 50_000, np.uint16)
    path = scans.write_arrays(tmp_path / "scan.npz", diff3d=counts)
    config = DataConfig(input_kind="intensity", nphotons=5e7)

    scan = scan_file.read(path, config)

    np.testing.assert_array_equal(scan.amplitude, np.float32(np.sqrt(50_000.0)))


@pytest.mark.parametrize("threshold", [512.0, 1e-3])
def test_bad_pixels_become_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threshold: float
) -> None:
    """A bad pixel may hold anything, NaN included, and is read as zero."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    mask = np.ones((32, 32), bool)
    mask[3, 7] = False
    frames = FRAMES.copy()
    frames[:, 3, 7] = np.nan
    path = scans.write_arrays(tmp_path / "scan.npz", diff3d=frames, valid_mask=mask)

    scan = scan_file.read(path, DataConfig(nphotons=1000.0, mmap_threshold_mb=threshold))

    amplitude = np.asarray(scan.amplitude)
    np.testing.assert_array_equal(amplitude[:, 3, 7], 0)
    np.testing.assert_array_equal(amplitude[:, mask], FRAMES[:, mask])


def test_axis_corrections_apply_once(tmp_path: Path) -> None:
    """Swapping exchanges the columns; flipping mirrors an axis inside its own extent."""
    path = scans.write_arrays(tmp_path / "scan.npz")
    x, y = PLAIN["xcoords"], PLAIN["ycoords"]

    swapped = scan_file.read(path, DataConfig(nphotons=1000.0, swap_xy=True, flip_x=True))

    np.testing.assert_array_equal(swapped.positions[:, 0], y.min() + y.max() - y)
    np.testing.assert_array_equal(swapped.positions[:, 1], x)


WARNED: dict[str, tuple[dict[str, Any], str]] = {
    "dark frame": (_changed("diff3d", 4, 0.0), "1 frames are all zero"),
    "repeated point": (
        _changed("xcoords", 1, PLAIN["xcoords"][0]),
        "1 positions repeat",
    ),
    "dose": (
        {"diff3d": np.full((12, 32, 32), np.sqrt(8), np.float32)},
        "8192 photons per frame",
    ),
    "object too small": ({"objectGuess": np.ones((80, 40))}, "leave the object"),
}


@pytest.mark.parametrize(("change", "words"), WARNED.values(), ids=WARNED)
def test_oddities_are_warned_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, Any], words: str
) -> None:
    """What may be right but looks odd is said and does not stop the run."""
    path = scans.write_arrays(tmp_path / "scan.npz", **change)

    with caplog.at_level(logging.WARNING):
        scan_file.read(path, CONFIG)

    assert words in caplog.text


def test_plain_scan_is_silent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A sound scan is read without a word."""
    path = scans.write_simulated(tmp_path / "scan.npz")

    scan = scan_file.read(path, DataConfig())

    assert caplog.text == ""
    assert scan.nphotons == 1e5


@pytest.mark.skipif(not STAR.is_file(), reason=scans.NO_REAL_DATA)
def test_star_agrees_with_its_reference(caplog: pytest.LogCaptureFixture) -> None:
    """Probe times reference, transformed, gives the measured amplitudes to 9 percent."""
    scan = scan_file.read(STAR, DataConfig(nphotons=4.6e5))
    assert scan.object_canvas is not None
    assert caplog.text == ""
    left, top = np.floor(scan.positions).astype(int).T - 32
    part_x, part_y = (scan.positions % 1).T
    error = energy = 0.0
    for index in range(0, scan.point_count, 3):
        x, y, u, v = left[index], top[index], part_x[index], part_y[index]
        crop = scan.object_canvas[y : y + 65, x : x + 65]
        rows = (1 - v) * crop[:-1] + v * crop[1:]
        patch = (1 - u) * rows[:, :-1] + u * rows[:, 1:]
        wave = np.fft.ifftshift(patch * scan.probe[0])
        predicted = np.abs(np.fft.fftshift(np.fft.fft2(wave, norm="ortho")))
        error += float(np.square(predicted - scan.amplitude[index]).sum())
        energy += float(np.square(scan.amplitude[index]).sum())

    assert np.sqrt(error / energy) == pytest.approx(0.09, abs=0.005)
