"""CXI files and ptychodus products: closed forms, conversions there and back, bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import frame_views, scan_file, scan_write
from ptycho_torch.data.frame_file import FrameFile
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from tests.builders import scans

GEOMETRY = scan_write.Geometry(pixel_size_m=4.6e-8, energy_ev=8800.0, distance_m=1.9)
CONFIG = DataConfig()
SCAN = scans.simulated_scan(scans.tiny_recipe(modes=3))
DETECTOR = "entry_1/instrument_1/detector_1"
SOURCE = "entry_1/instrument_1/source_1"


def _cxi(tmp_path: Path) -> Path:
    path = tmp_path / "scan.cxi"
    scan_write.write_cxi(path, SCAN, GEOMETRY)
    return path


def _product(tmp_path: Path) -> Path:
    path = tmp_path / "product.h5"
    scan_write.write_ptychodus(path, SCAN, GEOMETRY)
    return path


def _reread(path: Path, **changes: object) -> ScanData:
    return scan_file.read(path, DataConfig(**changes))  # type: ignore[arg-type]


def test_cxi_returns_what_was_written(tmp_path: Path) -> None:
    """Nothing is lost: frames, probe, places, object and photons come back."""
    scan = _reread(_cxi(tmp_path))

    np.testing.assert_allclose(scan.amplitude, SCAN.amplitude, rtol=1e-7)
    np.testing.assert_array_equal(scan.probe, SCAN.probe)
    np.testing.assert_allclose(scan.positions, SCAN.positions, atol=1e-9)
    np.testing.assert_array_equal(scan.object_canvas, SCAN.object_canvas)
    assert scan.nphotons == SCAN.nphotons
    assert scan.pixel_size_m == pytest.approx(4.6e-8)


@pytest.mark.parametrize(
    ("basis", "step"),
    [
        (None, [2.0, -6.0]),
        ([[0, -1], [-1, 0], [0, 0]], [-2.0, 6.0]),
        ([[0, 1], [-1, 0], [0, 0]], [2.0, 6.0]),
        ([[-1, 0], [0, 1], [0, 0]], [-6.0, -2.0]),
        ([[0, -1, 0], [-1, 0, 0]], [-2.0, 6.0]),
    ],
)
def test_cxi_geometry_is_the_closed_form(
    tmp_path: Path, basis: list[list[float]] | None, step: list[float]
) -> None:
    """At 12398.42 eV λ is 0.1 nm; 1 m, 32 px of 50 µm give 62.5 nm, along the stated axes."""
    path = _cxi(tmp_path)
    with h5py.File(path, "r+") as root:
        root[f"{SOURCE}/energy"][()] = 12398.42 * 1.602176634e-19
        root[f"{DETECTOR}/distance"][()] = 1.0
        root[f"{DETECTOR}/x_pixel_size"][()] = 50e-6
        del root[f"{DETECTOR}/y_pixel_size"], root["entry_1/ptychodus"]
        del root[f"{DETECTOR}/basis_vectors"]
        if basis is not None:
            root[f"{DETECTOR}/basis_vectors"] = 50e-6 * np.array(basis)
        translation = root["entry_1/sample_1/geometry_1/translation"]
        translation[:2] = [[-62.5e-9, 125e-9, 0.0], [62.5e-9, -250e-9, 0.0]]
        translation[2:] = 0.0

    scan = _reread(path)

    assert scan.pixel_size_m == pytest.approx(62.5e-9, rel=1e-6)
    np.testing.assert_allclose(scan.positions[0] - scan.positions[1], step, rtol=1e-6)
    np.testing.assert_allclose(scan.positions.min(axis=0), 17)


def test_stated_orientation_is_that_of_basis_vectors(tmp_path: Path) -> None:
    """Six direction cosines, columns first, mean what basis vectors mean."""
    path = _cxi(tmp_path)
    stated = _reread(path).positions
    with h5py.File(path, "r+") as root:
        del root[f"{DETECTOR}/basis_vectors"]
        root[f"{DETECTOR}/geometry_1/orientation"] = np.array([-1.0, 0, 0, 0, -1, 0])

    np.testing.assert_array_equal(_reread(path).positions, stated)


def test_probe_motion_has_the_other_sign(tmp_path: Path) -> None:
    """Read as motion of the probe, the same file gives the scan turned by half a turn."""
    path = _cxi(tmp_path)

    sample, probe = _reread(path), _reread(path, translation_kind="probe")

    steps = np.diff(sample.positions, axis=0)
    np.testing.assert_allclose(np.diff(probe.positions, axis=0), -steps, atol=1e-9)


def test_energy_in_ev_is_understood(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An energy too large for joules is taken as electron volts, with a warning."""
    path = _cxi(tmp_path)
    with h5py.File(path, "r+") as root:
        root[f"{SOURCE}/energy"][()] = 8800.0

    assert _reread(path).pixel_size_m == pytest.approx(4.6e-8)
    assert "taken as eV" in caplog.text


@pytest.mark.parametrize("probe_home", ["file", "companion"])
def test_large_frames_are_cropped(tmp_path: Path, probe_home: str) -> None:
    """Frames larger than the probe lose their rim; the centre pixel stays the centre."""
    path = _cxi(tmp_path)
    companion = scans.write_arrays(tmp_path / "probe.npz", diff3d=None, probeGuess=SCAN.probe)
    with h5py.File(path, "r+") as root:
        padded = np.full((24, 40, 44), 7.0)
        padded[:, 4:36, 6:38] = root[f"{DETECTOR}/data"][()]
        mask = np.ones((40, 44), np.uint32)
        mask[4:36, 6:38] = 0
        for key, value in ((f"{DETECTOR}/data", padded), (f"{DETECTOR}/mask", mask)):
            del root[key]
            root[key] = value
        if probe_home == "companion":
            del root[f"{SOURCE}/illumination"]

    chosen = str(companion) if probe_home == "companion" else None
    scan = _reread(path, companion_file=chosen)

    np.testing.assert_allclose(scan.amplitude, SCAN.amplitude, rtol=1e-7)
    assert scan.valid_mask.all()
    config = DataConfig(companion_file=chosen)
    assert scan_file.peek(path, config).N == 32
    assert scan_file.peek(path, config).probe_modes == 3


@pytest.mark.parametrize(("rows", "columns"), [(40, 44), (41, 45), (33, 32)])
def test_crop_keeps_the_zero_frequency(rows: int, columns: int) -> None:
    """Pixel size // 2 of frames of even or odd size comes to pixel N / 2."""
    plane = np.zeros((2, rows, columns))
    plane[:, rows // 2, columns // 2] = 1

    corner = frame_views.middle(plane.shape, 32)
    assert np.argwhere(frame_views.cut(plane, 32, corner)[1]).tolist() == [[16, 16]]


def test_product_returns_what_was_written(tmp_path: Path) -> None:
    """A product keeps frames, probe, object, dose and the positions in object pixels."""
    scan = _reread(_product(tmp_path))

    np.testing.assert_allclose(scan.amplitude, SCAN.amplitude, rtol=1e-7)
    np.testing.assert_allclose(scan.positions, SCAN.positions, atol=1e-9)
    np.testing.assert_array_equal(scan.probe, SCAN.probe)
    np.testing.assert_array_equal(scan.object_canvas, SCAN.object_canvas)
    assert scan.nphotons == 1e5


def test_product_takes_frames_by_index(tmp_path: Path) -> None:
    """Frames in a second file are matched to the positions by their numbers."""
    path = _product(tmp_path)
    order = np.random.default_rng(0).permutation(24)
    with h5py.File(path, "r+") as root, h5py.File(tmp_path / "dp.hdf5", "w") as other:
        stored = root["dp"][()]
        shuffled = np.empty_like(stored)
        shuffled[order] = stored
        other["dp"] = np.concatenate([shuffled, stored[:2]])
        del root["dp"]
        root["probe_position_indexes"][...] = order

    scan = _reread(path, companion_file=str(tmp_path / "dp.hdf5"))

    np.testing.assert_allclose(scan.amplitude, SCAN.amplitude, rtol=1e-7)
    config = DataConfig(companion_file=str(tmp_path / "dp.hdf5"))
    assert scan_file.peek(path, config).point_count == 24


def test_product_centre_is_the_object_centre(tmp_path: Path) -> None:
    """A point at the object's centre in metres lies at W / 2, H / 2 in pixels."""
    path = _product(tmp_path)
    with h5py.File(path, "r+") as root:
        root["object"].attrs["center_x_m"] = root["probe_position_x_m"][3]
        root["object"].attrs["center_y_m"] = root["probe_position_y_m"][3]
        rows, columns = root["object"].shape[1:]

    np.testing.assert_allclose(_reread(path).positions[3], [columns / 2, rows / 2])


def test_further_probe_variants_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of several probe variants the first is used, and that is said."""
    path = _product(tmp_path)
    with h5py.File(path, "r+") as root:
        variants = np.stack([SCAN.probe, 2 * SCAN.probe])
        attributes = dict(root["probe"].attrs)
        del root["probe"]
        root["probe"] = variants
        root["probe"].attrs.update(attributes)

    np.testing.assert_array_equal(_reread(path).probe, SCAN.probe)
    assert "only the first" in caplog.text


def _without(key: str) -> Callable[[h5py.File], None]:
    return lambda root: root.__delitem__(key)


def _with(key: str, value: object) -> Callable[[h5py.File], None]:
    def change(root: h5py.File) -> None:
        if key in root:
            del root[key]
        root[key] = value

    return change


BAD_CXI: dict[str, Callable[[h5py.File], None]] = {
    "no distance": _without(f"{DETECTOR}/distance"),
    "no energy": _without(f"{SOURCE}/energy"),
    "negative energy": _with(f"{SOURCE}/energy", -1.0),
    "no translation": _without("entry_1/sample_1/geometry_1/translation"),
    "one coordinate": _with("entry_1/sample_1/geometry_1/translation", np.zeros((24, 1))),
    "NaN translation": _with(
        "entry_1/sample_1/geometry_1/translation", np.full((24, 3), np.nan)
    ),
    "oblong pixels": _with(f"{DETECTOR}/y_pixel_size", 1e-3),
    "no probe": lambda root: (
        [root.pop(key) for key in (f"{SOURCE}/illumination", "entry_1/image_1")] and None
    ),
    "flat basis": _with(f"{DETECTOR}/basis_vectors", np.array([[1.0, 1], [1, 1], [0, 0]])),
    "text frames": _with(f"{DETECTOR}/data", "nothing"),
    "negative counts": _with(f"{DETECTOR}/data", np.full((24, 32, 32), -1)),
    "mask shape": _with(f"{DETECTOR}/mask", np.zeros((20, 20), np.uint8)),
    "few frames": _with(f"{DETECTOR}/data", np.ones((23, 32, 32))),
}
BAD_PRODUCT: dict[str, Callable[[h5py.File], None]] = {
    "no frames": _without("dp"),
    "no probe": _without("probe"),
    "no y": _without("probe_position_y_m"),
    "two layers": _with("object", np.ones((2, 50, 50), np.complex64)),
    "no pixel size": _with("object", np.ones((1, 90, 90), np.complex64)),
    "repeated numbers": _with("probe_position_indexes", np.zeros(24, int)),
    "numbers beyond": _with("probe_position_indexes", np.arange(24) + 1),
    "no positions": lambda root: (
        [root.pop(f"probe_position_{axis}_m") for axis in "xy"] and None
    ),
}


@pytest.mark.parametrize("change", BAD_CXI.values(), ids=BAD_CXI)
def test_bad_cxi_is_refused(tmp_path: Path, change: Callable[[h5py.File], None]) -> None:
    """A CXI file that misses or contradicts something is refused by name."""
    path = _cxi(tmp_path)
    with h5py.File(path, "r+") as root:
        change(root)

    with pytest.raises(InputError) as caught:
        scan_file.read(path, CONFIG)

    assert str(path) in caught.value.where


@pytest.mark.parametrize("change", BAD_PRODUCT.values(), ids=BAD_PRODUCT)
def test_bad_product_is_refused(tmp_path: Path, change: Callable[[h5py.File], None]) -> None:
    """A product that misses or contradicts something is refused by name."""
    path = _product(tmp_path)
    with h5py.File(path, "r+") as root:
        change(root)

    with pytest.raises(InputError) as caught:
        scan_file.read(path, CONFIG)

    assert str(path) in caught.value.where


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_truncated_hdf5_is_refused(tmp_path: Path, share: float) -> None:
    """An HDF5 file that lost its end is refused in one line."""
    path = _cxi(tmp_path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    with pytest.raises(InputError) as caught:
        scan_file.read(path, CONFIG)

    assert "\n" not in str(caught.value)


def test_useless_companion_is_refused(tmp_path: Path) -> None:
    """A second file that offers nothing is a mistake, not a wish."""
    companion = tmp_path / "other.h5"
    with h5py.File(companion, "w") as root:
        root["temperature"] = 3.0

    with pytest.raises(InputError):
        scan_file.read(_cxi(tmp_path), DataConfig(companion_file=str(companion)))


def test_large_hdf5_goes_through_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames over the threshold are mapped from a cache that is checked before use."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = _cxi(tmp_path)

    first = _reread(path, mmap_threshold_mb=1e-3)
    (cached,) = (tmp_path / "cache" / "ptycho_torch").glob("*.npy")
    content = bytearray(cached.read_bytes())
    content[-3] ^= 0x40
    cached.write_bytes(bytes(content))
    second = _reread(path, mmap_threshold_mb=1e-3)

    assert isinstance(second.amplitude, FrameFile)
    np.testing.assert_allclose(second.amplitude, SCAN.amplitude, rtol=1e-7)
    assert first.sha256 == second.sha256


def test_npz_frames_can_come_from_a_companion(tmp_path: Path) -> None:
    """An NPZ file without frames takes them from a second one."""
    bare = scans.write_arrays(tmp_path / "bare.npz", diff3d=None)
    full = scans.write_arrays(tmp_path / "full.npz")

    scan = _reread(bare, companion_file=str(full), nphotons=1000.0)

    np.testing.assert_array_equal(scan.amplitude, scans.arrays()["diff3d"])
