"""Deformed copies of one known scan: read right, or refused with their cure, never wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.errors import InputError
from tests.builders import known_scan
from tests.builders.known_scan import (
    DETECTOR,
    DETECTOR_PIXEL_M,
    ENERGY_EV,
    JOULE_PER_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    SOURCE,
    WAVELENGTH_M,
    known,
    set_units,
    write_cxi,
    write_frames,
    write_npz,
    write_product,
)

LARGEST_RESIDUAL = 0.004
PATH = "entry_1/sample_1/geometry_1/translation"
TRUTH = known()
AMPLITUDE = np.sqrt(TRUTH.counts).astype(np.float32)
ORDER = np.random.default_rng(5).permutation(POINTS)
METRES = np.column_stack([TRUTH.metres, np.zeros(POINTS)])
ROUGH = np.zeros((SIDE, SIDE), bool)
ROUGH[3, 5] = ROUGH[20, 11] = True

Make = Callable[[Path], "Path | tuple[Path, Path]"]


def _hot(value: float, frames: Any = slice(None), dtype: Any = np.float64) -> np.ndarray:
    counts = TRUTH.counts.astype(dtype)
    counts[frames, 3, 5] = counts[frames, 20, 11] = value
    return counts


def _with_frame(number: int, frame: Any) -> np.ndarray:
    frames = AMPLITUDE.copy()
    frames[number] = frame
    return frames


def _with_gap(axis: str, number: int) -> dict[str, np.ndarray]:
    places = {"xcoords": TRUTH.positions[:, 0].copy(), "ycoords": TRUTH.positions[:, 1].copy()}
    places[axis][number] = np.nan
    return places


def _pair(tmp: Path, ids: Any, frames: Path, **more: Any) -> tuple[Path, Path]:
    product = write_product(tmp / "p.h5", dp=None, probe_position_indexes=ids, **more)
    return product, frames


def _virtual(path: Path, *, is_whole: bool) -> Path:
    write_frames(path.with_name("part.h5"), data=TRUTH.counts)
    layout = h5py.VirtualLayout((POINTS, SIDE, SIDE), np.float64)
    source = h5py.VirtualSource("part.h5", "data", (POINTS, SIDE, SIDE))
    count = POINTS if is_whole else POINTS - 3
    layout[:count] = source[:count]
    write_cxi(path, data=None)
    with h5py.File(path, "r+") as root:
        root.create_virtual_dataset(f"{DETECTOR}/data", layout, fillvalue=0)
    return path


def _without_source(path: Path) -> Path:
    _virtual(path, is_whole=True)
    path.with_name("part.h5").unlink()
    return path


def _short_source(path: Path) -> Path:
    _virtual(path, is_whole=True)
    write_frames(path.with_name("part.h5"), data=TRUTH.counts[:-2])
    return path


def _linked(path: Path, *, is_there: bool) -> Path:
    if is_there:
        write_frames(path.with_name("part.h5"), data=TRUTH.counts)
    link = h5py.ExternalLink("part.h5", "data")
    return write_cxi(path, data=None, **{"entry_1/data_1/data": link})


def _in_fields(values: np.ndarray, names: tuple[str, str]) -> np.ndarray:
    fields = np.empty(values.shape, [(name, np.float64) for name in names])
    fields[names[0]], fields[names[1]] = values.real, values.imag
    return fields


def _numbered(path: Path) -> Path:
    """A master file with its mask, and two files of frames that it links to."""
    gap = np.where(ROUGH, 1, 0).astype(np.uint32)
    with h5py.File(path, "w") as root:
        for number, part in enumerate((TRUTH.counts[:20], TRUTH.counts[20:]), start=1):
            counts = part.astype(np.uint32)
            counts[:, ROUGH] = 2**32 - 1
            write_frames(path.with_name(f"data_{number:06}.h5"), data=counts)
            link = h5py.ExternalLink(f"data_{number:06}.h5", "data")
            root[f"entry/data/data_{number:06}"] = link
        root["entry/instrument/detector/detectorSpecific/pixel_mask"] = gap
    return path


def _matlab(path: Path) -> Path:
    """What MATLAB writes for frames (rows, columns, M): axes reversed after 512 bytes."""
    arrays = {
        "diff3d": np.moveaxis(AMPLITUDE, 0, -1),
        "xcoords": TRUTH.positions[:, :1],
        "ycoords": TRUTH.positions[:, 1:],
        "probeGuess": _in_fields(TRUTH.probe[0], ("real", "imag")),
    }
    with h5py.File(path, "w", userblock_size=512) as root:
        for key, value in arrays.items():
            root[key] = np.ascontiguousarray(value.T)
            root[key].attrs["MATLAB_class"] = np.bytes_("single")
    content = bytearray(path.read_bytes())
    content[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(bytes(content))
    return path


def _ptyd(tmp: Path) -> tuple[Path, Path]:
    path = tmp / "s.ptyd"
    with h5py.File(path, "w") as root:
        root["meta/energy"], root["meta/distance"] = ENERGY_EV / 1e3, 1.9
        root["meta/psize"] = np.full(2, DETECTOR_PIXEL_M)
        for number, rows in enumerate((slice(0, 30), slice(30, None))):
            root[f"chunks/{number}/data"] = _hot(7e8)[rows]
            root[f"chunks/{number}/positions"] = TRUTH.metres[rows, ::-1]
            weights = np.broadcast_to(~ROUGH, TRUTH.counts[rows].shape)
            root[f"chunks/{number}/weights"] = weights.astype(np.float32)
    return path, _save(tmp / "probe.npz", probeGuess=TRUTH.probe)


def _padded(rows: int, columns: int, top: int, left: int) -> np.ndarray:
    frames = np.zeros((POINTS, rows, columns))
    frames[:, top : top + SIDE, left : left + SIDE] = TRUTH.counts
    return frames


def _npz(**changes: Any) -> Make:
    return lambda tmp: write_npz(tmp / "s.npz", **changes)


def _cxi(**changes: Any) -> Make:
    return lambda tmp: write_cxi(tmp / "s.cxi", **changes)


def _product(**changes: Any) -> Make:
    return lambda tmp: write_product(tmp / "s.h5", **changes)


def _units(**units: tuple[float, str]) -> Make:
    keys = {
        "energy": f"{SOURCE}/energy",
        "distance": f"{DETECTOR}/distance",
        "x": f"{DETECTOR}/x_pixel_size",
        "y": f"{DETECTOR}/y_pixel_size",
        "translation": PATH,
    }
    chosen = {keys[name]: unit for name, unit in units.items()}
    return lambda tmp: set_units(write_cxi(tmp / "s.cxi"), chosen)


def _basis(rows: list[float], columns: list[float]) -> np.ndarray:
    return DETECTOR_PIXEL_M * np.array([rows, columns]).T


MIRROR_X = METRES * [-1, 1, 1]
IDENTITIES = np.arange(POINTS)
EV = JOULE_PER_EV

# Read right as they are.
RIGHT: dict[str, Make] = {
    "npz": _npz(),
    "cxi of cdtools": _cxi(),
    "product": _product(),
    "cxi without a basis": _cxi(basis_vectors=None, translation=-METRES),
    "basis along x": _cxi(basis_vectors=_basis([0, 1, 0], [1, 0, 0]), translation=-METRES),
    "basis mirrored in x": _cxi(
        basis_vectors=_basis([0, -1, 0], [1, 0, 0]), translation=MIRROR_X
    ),
    "basis of a turned detector": _cxi(
        basis_vectors=_basis([-1, 0, 0], [0, 1, 0]),
        translation=np.column_stack([METRES[:, 1], -METRES[:, 0], METRES[:, 2]]),
    ),
    "basis transposed": _cxi(basis_vectors=_basis([0, -1, 0], [-1, 0, 0]).T),
    "basis without pixel sizes": _cxi(x_pixel_size=None, y_pixel_size=None),
    "orientation": _cxi(basis_vectors=None, orientation=np.array([-1.0, 0, 0, 0, -1, 0])),
    "orientation along x": _cxi(
        basis_vectors=None,
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        translation=-METRES,
    ),
    "cxi of ptychodus": _cxi(
        basis_vectors=None, **{"entry_1/ptychodus/probe_photon_count": 1e9}
    ),
    "wavelength": _cxi(energy=None, wavelength=WAVELENGTH_M),
    "energy of the beam, not the ring": _cxi(energy=3e9 * EV, beam_energy=ENERGY_EV * EV),
    "energy in eV": _cxi(energy=ENERGY_EV),
    "energy in keV, named": _units(energy=(1e3 * EV, "keV")),
    "distance in mm, named": _units(distance=(1e-3, "mm")),
    "pixels in µm, named": _units(x=(1e-6, "um"), y=(1e-6, "um")),
    "translations in nm, named": _units(translation=(1e-9, "nm")),
    "has signal is no defect": _cxi(mask=np.full((SIDE, SIDE), 0x1000, np.uint32)),
    "bad pixels of cxi": _cxi(data=_hot(7e8), mask=ROUGH.astype(np.uint32)),
    "bad and with signal": _cxi(data=_hot(7e8), mask=np.where(ROUGH, 0x1002, 0x1000)),
    "a mask for each frame": _cxi(
        data=_hot(7e8, slice(0, 9)),
        mask=(ROUGH & (np.arange(POINTS) < 9)[:, None, None]).astype(np.uint32),
    ),
    "bad pixels of a product": _product(dp=_hot(7e8), bad_pixels=ROUGH),
    "bad pixels of npz": _npz(diff3d=np.sqrt(_hot(7e8)).astype(np.float32), bad_pixels=ROUGH),
    "valid mask": _npz(diff3d=np.sqrt(_hot(7e8)).astype(np.float32), valid_mask=~ROUGH),
    "gaps of 2³²−1": _cxi(data=_hot(2**32 - 1, dtype=np.uint32)),
    "gaps of 2³²−1 in floats": _cxi(data=_hot(2**32 - 1)),
    "saturated in one frame": _cxi(data=_hot(2**32 - 1, 4, np.uint32)),
    "gaps of −1": _cxi(data=_hot(-1, dtype=np.int64)),
    "frames in another order": lambda tmp: _pair(
        tmp, ORDER, write_frames(tmp / "f.h5", dp=TRUTH.counts[np.argsort(ORDER)])
    ),
    "numbers with gaps": lambda tmp: _pair(
        tmp,
        IDENTITIES * 3 + 7,
        write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES * 3 + 7),
    ),
    "numbers from one": lambda tmp: _pair(
        tmp,
        IDENTITIES + 1,
        write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES + 1),
    ),
    "numbers of frames in another order": lambda tmp: _pair(
        tmp,
        IDENTITIES,
        write_frames(tmp / "f.h5", patterns=TRUTH.counts[ORDER], indexes=IDENTITIES[ORDER]),
    ),
    "frames of filtered positions": lambda tmp: (
        write_product(
            tmp / "p.h5",
            dp=None,
            probe_position_indexes=IDENTITIES[5:],
            probe_position_x_m=TRUTH.metres[5:, 0],
            probe_position_y_m=TRUTH.metres[5:, 1],
        ),
        write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES),
    ),
    "frames of ptychodus in npz": lambda tmp: _pair(
        tmp,
        IDENTITIES,
        _save(tmp / "f.npz", patterns=TRUTH.counts[ORDER], indexes=ORDER, bad_pixels=ROUGH),
    ),
    "cxi with numbers": _cxi(
        basis_vectors=None,
        data=TRUTH.counts[np.argsort(ORDER)],
        **{"entry_1/ptychodus/probe_position_indexes": ORDER},
    ),
    "a virtual dataset": lambda tmp: _virtual(tmp / "s.cxi", is_whole=True),
    "an external link": lambda tmp: _linked(tmp / "s.cxi", is_there=True),
    "a larger detector": _cxi(data=_padded(48, 56, 8, 12)),
    "eiger files in parts": lambda tmp: _pair(tmp, IDENTITIES, _numbered(tmp / "master.h5")),
    "matlab": lambda tmp: _matlab(tmp / "s.mat"),
    "named arrays in hdf5": lambda tmp: write_frames(
        tmp / "s.h5",
        diff3d=AMPLITUDE,
        xcoords=TRUTH.positions[:, 0],
        ycoords=TRUTH.positions[:, 1],
        probeGuess=TRUTH.probe[0],
    ),
    "complex numbers of two fields": _cxi(illumination=_in_fields(TRUTH.probe, ("re", "im"))),
    "prepared data of ptypy": _ptyd,
    "rasters of cxi": _cxi(
        data=TRUTH.counts.reshape(7, 7, SIDE, SIDE), translation=METRES.reshape(7, 7, 3)
    ),
    "rasters of rows": _npz(
        diff3d=AMPLITUDE.reshape(7, 7, SIDE, SIDE),
        xcoords=TRUTH.positions[:, 0].reshape(7, 7),
        ycoords=TRUTH.positions[:, 1].reshape(7, 7),
    ),
    "scan axis last": _npz(diff3d=np.moveaxis(AMPLITUDE, 0, -1)),
    "probe with axes of one": _npz(probeGuess=TRUTH.probe[None, None, None]),
    "probe modes last": _npz(probeGuess=np.moveaxis(_modes := TRUTH.probe, 0, -1)),
    "probe variants with weights": _product(
        probe=np.stack([TRUTH.probe, TRUTH.probe * 1j]),
        opr_weights=np.array([[1.0, 0.0]] * POINTS),
    ),
    "one number for one scan": _npz(scan_index=np.full(POINTS, 7)),
}


def _save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _read(made: Path | tuple[Path, Path], **changes: Any) -> Any:
    path, companion = made if isinstance(made, tuple) else (made, None)
    chosen = None if companion is None else str(companion)
    return scan_file.read(
        path, DataConfig(gridsize=1, companion_file=chosen, nphotons=1e9, **changes)
    )


@pytest.mark.parametrize("name", RIGHT)
def test_deformed_copy_is_read_right(tmp_path: Path, name: str) -> None:
    """What a file says of itself is taken; its frames are those of the known object."""
    scan = _read(RIGHT[name](tmp_path))

    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


# Refused, what the message names, and the settings that read it right; None when none can.
CURED: dict[str, tuple[Make, str, dict[str, Any] | None]] = {
    "whole numbers": (
        _npz(diff3d=TRUTH.counts.astype(np.uint32)),
        "--input-kind",
        {"input_kind": "intensity"},
    ),
    "whole numbers in floats": (
        _npz(diff3d=TRUTH.counts),
        "--input-kind",
        {"input_kind": "intensity"},
    ),
    "zero frequency in the corner": (
        _npz(diff3d=np.fft.ifftshift(AMPLITUDE, axes=(1, 2))),
        "--center auto",
        {"center": "auto"},
    ),
    "zero frequency off by four": (
        _npz(diff3d=np.roll(AMPLITUDE, (4, -4), axis=(1, 2))),
        "--center auto",
        {"center": "12,20"},
    ),
    "zero frequency off in a larger detector": (
        _cxi(data=_padded(48, 56, 2, 20)),
        "--center auto",
        {"center": "36,18"},
    ),
    "a scan of two": (
        _npz(scan_index=np.arange(POINTS) // 30),
        "--scan",
        {"scan": 0},
    ),
    "one frame far too bright": (
        _npz(diff3d=_with_frame(9, AMPLITUDE[9] * 300)),
        "--drop",
        {"drop": True},
    ),
    "one frame of NaN": (
        _npz(diff3d=_with_frame(9, np.nan)),
        "--drop",
        {"drop": True},
    ),
    "a position of NaN": (_npz(**_with_gap("xcoords", 11)), "--drop", {"drop": True}),
    "two positions of NaN": (
        _npz(
            xcoords=_with_gap("xcoords", 11)["xcoords"],
            ycoords=_with_gap("ycoords", 30)["ycoords"],
        ),
        "--drop",
        {"drop": True},
    ),
    "numbers beyond the frames": (
        _product(probe_position_indexes=IDENTITIES + 1),
        "indexes",
        None,
    ),
    "numbers of no frame": (
        lambda tmp: _pair(
            tmp,
            IDENTITIES,
            write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES + 3),
        ),
        "indexes",
        None,
    ),
    "inverted mask": (_cxi(mask=(~ROUGH).astype(np.uint32)), "inverted", None),
    "inverted valid mask": (_npz(valid_mask=ROUGH), "inverted", None),
    "a mask that does not say": (_npz(mask=ROUGH), "bad_pixels", None),
    "bits as a valid mask": (_npz(valid_mask=np.full((SIDE, SIDE), 2)), "bit field", None),
    "positions in metres": (
        _npz(xcoords=TRUTH.metres[:, 0], ycoords=TRUTH.metres[:, 1]),
        "object pixel",
        None,
    ),
    "positions in µm": (
        _npz(xcoords=TRUTH.metres[:, 0] * 1e6, ycoords=TRUTH.metres[:, 1] * 1e6),
        "object pixel",
        None,
    ),
    "positions in nm": (
        _npz(xcoords=TRUTH.metres[:, 0] * 1e9, ycoords=TRUTH.metres[:, 1] * 1e9),
        "check units",
        None,
    ),
    "energy in keV, unnamed": (_cxi(energy=ENERGY_EV / 1e3), "units", None),
    "distance in mm, unnamed": (_units(distance=(1e-3, "")), "units", None),
    "pixels in µm, unnamed": (_units(x=(1e-6, ""), y=(1e-6, "")), "units", None),
    "pixels in mm, unnamed": (_units(x=(1e-3, ""), y=(1e-3, "")), "units", None),
    "translations in µm, unnamed": (_units(translation=(1e-6, "")), "units", None),
    "translations in mm, unnamed": (_units(translation=(1e-3, "")), "units", None),
    "an unknown unit": (_units(distance=(0.3048, "feet")), "length", None),
    "product in µm": (
        _product(
            probe_position_x_m=TRUTH.metres[:, 0] * 1e6,
            probe_position_y_m=TRUTH.metres[:, 1] * 1e6,
        ),
        "check units",
        None,
    ),
    "a basis along one line": (
        _cxi(basis_vectors=_basis([1, 0, 0], [1, 0, 0])),
        "directions",
        None,
    ),
    "a virtual dataset with a gap": (
        lambda tmp: _virtual(tmp / "s.cxi", is_whole=False),
        "without gaps",
        None,
    ),
    "a virtual dataset without its source": (
        lambda tmp: _without_source(tmp / "s.cxi"),
        "part.h5",
        None,
    ),
    "a source that has become shorter": (
        lambda tmp: _short_source(tmp / "s.cxi"),
        "part.h5",
        None,
    ),
    "a link without its file": (
        lambda tmp: _linked(tmp / "s.cxi", is_there=False),
        "part.h5",
        None,
    ),
}


@pytest.mark.parametrize("name", CURED)
def test_deformed_copy_is_refused_with_its_cure(tmp_path: Path, name: str) -> None:
    """What a file leaves open is an error of one line, and its cure reads the file right."""
    make, words, cure = CURED[name]
    made = make(tmp_path)

    with pytest.raises(InputError) as caught:
        _read(made)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    if cure is not None:
        assert known_scan.residual(_read(made, **cure)) <= LARGEST_RESIDUAL


def test_the_table_is_long() -> None:
    """Sixty copies and more are judged."""
    assert len(RIGHT) + len(CURED) >= 60


def test_residual_sees_every_mirror() -> None:
    """Positions mirrored or exchanged have another residual: the table can fail."""
    scan = _scan_of(TRUTH.positions)
    assert known_scan.residual(scan) < 1e-4
    for wrong in (TRUTH.positions[:, ::-1], TRUTH.positions * [-1, 1], TRUTH.positions * -1):
        assert known_scan.residual(_scan_of(wrong)) > 10 * LARGEST_RESIDUAL


def _scan_of(positions: np.ndarray) -> Any:
    from tests.builders import scans

    made = scans.simulated_scan()
    return type(made)(
        **{
            **{name: getattr(made, name) for name in made.__slots__},
            "amplitude": AMPLITUDE,
            "positions": positions,
            "probe": TRUTH.probe,
            "valid_mask": np.ones((SIDE, SIDE), bool),
        }
    )


def test_dark_frames_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A dark frame is said, with its number, and dropped on request."""
    path = write_npz(tmp_path / "s.npz", diff3d=_with_frame(9, 0))

    assert _read(path).point_count == POINTS
    assert "point 9" in caplog.text
    dropped = _read(path, drop=True)
    assert dropped.point_count == POINTS - 1
    assert known_scan.residual(dropped) <= LARGEST_RESIDUAL


def test_chosen_scan_is_that_scan(tmp_path: Path) -> None:
    """Of several scans the chosen one is read, with the positions of its own points."""
    path = write_npz(tmp_path / "s.npz", scan_index=ORDER % 3)

    scan = _read(path, scan=2)

    np.testing.assert_array_equal(scan.positions, TRUTH.positions[ORDER % 3 == 2])
    np.testing.assert_array_equal(scan.amplitude, AMPLITUDE[ORDER % 3 == 2])
    with pytest.raises(InputError, match="--scan"):
        _read(path, scan=5)


def test_positions_follow_the_pixel(tmp_path: Path) -> None:
    """The object pixel of the known geometry is found in every unit."""
    path = set_units(write_cxi(tmp_path / "s.cxi"), {f"{DETECTOR}/distance": (1e-3, "mm")})

    assert _read(path).pixel_size_m == pytest.approx(PIXEL_M, rel=1e-9)
