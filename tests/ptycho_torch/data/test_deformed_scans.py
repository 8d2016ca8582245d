"""Deformed copies of one known scan that are read right, never silently wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.errors import InputError
from tests.builders import known_scan, scans
from tests.builders.deformations import (
    AMPLITUDE,
    EV,
    IDENTITIES,
    LARGEST_RESIDUAL,
    METRES,
    MIRROR_X,
    ORDER,
    ROUGH,
    TRUTH,
    Make,
    exchange_frame,
    make_basis,
    make_cxi,
    make_npz,
    make_product,
    make_units,
    mark_pixels,
    pad_frames,
    read_scan,
    save_arrays,
    split_complex,
    write_link,
    write_matlab,
    write_numbered,
    write_pair,
    write_ptyd,
    write_virtual,
)
from tests.builders.known_scan import (
    DETECTOR,
    ENERGY_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    WAVELENGTH_M,
    set_units,
    write_cxi,
    write_frames,
    write_npz,
    write_product,
)

# Read right as they are.
RIGHT: dict[str, Make] = {
    "npz": make_npz(),
    "cxi of cdtools": make_cxi(),
    "product": make_product(),
    "cxi without a basis": make_cxi(basis_vectors=None, translation=-METRES),
    "basis along x": make_cxi(
        basis_vectors=make_basis([0, 1, 0], [1, 0, 0]), translation=-METRES
    ),
    "basis mirrored in x": make_cxi(
        basis_vectors=make_basis([0, -1, 0], [1, 0, 0]), translation=MIRROR_X
    ),
    "basis of a turned detector": make_cxi(
        basis_vectors=make_basis([-1, 0, 0], [0, 1, 0]),
        translation=np.column_stack([METRES[:, 1], -METRES[:, 0], METRES[:, 2]]),
    ),
    "basis transposed": make_cxi(basis_vectors=make_basis([0, -1, 0], [-1, 0, 0]).T),
    "basis without pixel sizes": make_cxi(x_pixel_size=None, y_pixel_size=None),
    "orientation": make_cxi(basis_vectors=None, orientation=np.array([-1.0, 0, 0, 0, -1, 0])),
    "orientation along x": make_cxi(
        basis_vectors=None,
        orientation=np.array([1.0, 0, 0, 0, 1, 0]),
        translation=-METRES,
    ),
    "cxi of ptychodus": make_cxi(
        basis_vectors=None, **{"entry_1/ptychodus/probe_photon_count": 1e9}
    ),
    "wavelength": make_cxi(energy=None, wavelength=WAVELENGTH_M),
    "energy of the beam, not the ring": make_cxi(energy=3e9 * EV, beam_energy=ENERGY_EV * EV),
    "energy in eV": make_cxi(energy=ENERGY_EV),
    "energy in keV, named": make_units(energy=(1e3 * EV, "keV")),
    "distance in mm, named": make_units(distance=(1e-3, "mm")),
    "pixels in µm, named": make_units(x=(1e-6, "um"), y=(1e-6, "um")),
    "translations in nm, named": make_units(translation=(1e-9, "nm")),
    "translations in words": make_units(translation=(1e-9, "nanometers")),
    "pixels in words": make_units(x=(1e-6, "Micrometre"), y=(1e-6, "micrometers")),
    "distance in words": make_units(distance=(1e-3, np.bytes_("millimeter"))),
    "has signal is no defect": make_cxi(mask=np.full((SIDE, SIDE), 0x1000, np.uint32)),
    "bad pixels of cxi": make_cxi(data=mark_pixels(7e8), mask=ROUGH.astype(np.uint32)),
    "bad and with signal": make_cxi(
        data=mark_pixels(7e8), mask=np.where(ROUGH, 0x1002, 0x1000)
    ),
    "a mask for each frame": make_cxi(
        data=mark_pixels(7e8, slice(0, 9)),
        mask=(ROUGH & (np.arange(POINTS) < 9)[:, None, None]).astype(np.uint32),
    ),
    "bad pixels of a product": make_product(dp=mark_pixels(7e8), bad_pixels=ROUGH),
    "bad pixels of npz": make_npz(
        diff3d=np.sqrt(mark_pixels(7e8)).astype(np.float32), bad_pixels=ROUGH
    ),
    "two masks of npz": make_npz(
        diff3d=np.sqrt(mark_pixels(7e8)).astype(np.float32),
        valid_mask=~ROUGH,
        bad_pixels=np.zeros((SIDE, SIDE), bool),
    ),
    "valid mask": make_npz(
        diff3d=np.sqrt(mark_pixels(7e8)).astype(np.float32), valid_mask=~ROUGH
    ),
    "gaps of 2³²−1": make_cxi(data=mark_pixels(2**32 - 1, dtype=np.uint32)),
    "gaps of 2³²−1 in floats": make_cxi(data=mark_pixels(2**32 - 1)),
    "saturated in one frame": make_cxi(data=mark_pixels(2**32 - 1, 4, np.uint32)),
    "gaps of −1": make_cxi(data=mark_pixels(-1, dtype=np.int64)),
    "gaps of −1 in floats": make_cxi(data=mark_pixels(-1, dtype=np.float32)),
    "gaps of NaN": make_cxi(data=mark_pixels(np.nan)),
    "gaps of 2³¹−1 in 32 bits": make_cxi(data=mark_pixels(2**31 - 1, dtype=np.int32)),
    "gaps of 2³¹−1 in 64 bits": make_cxi(data=mark_pixels(2**31 - 1, dtype=np.int64)),
    "gaps of 2³¹−1 in floats": make_cxi(data=mark_pixels(2**31 - 1, dtype=np.float32)),
    "below zero, wrapped around": make_cxi(data=mark_pixels(2**32 - 5, 4, np.uint32)),
    "other order of bytes": make_cxi(data=mark_pixels(2**32 - 1).astype(">u4")),
    "frames in another order": lambda tmp: write_pair(
        tmp, ORDER, write_frames(tmp / "f.h5", dp=TRUTH.counts[np.argsort(ORDER)])
    ),
    "numbers with gaps": lambda tmp: write_pair(
        tmp,
        IDENTITIES * 3 + 7,
        write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES * 3 + 7),
    ),
    "numbers from one": lambda tmp: write_pair(
        tmp,
        IDENTITIES + 1,
        write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES + 1),
    ),
    "numbers of frames in another order": lambda tmp: write_pair(
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
    "frames of ptychodus in npz": lambda tmp: write_pair(
        tmp,
        IDENTITIES,
        save_arrays(
            tmp / "f.npz", patterns=TRUTH.counts[ORDER], indexes=ORDER, bad_pixels=ROUGH
        ),
    ),
    "cxi with numbers": make_cxi(
        basis_vectors=None,
        data=TRUTH.counts[np.argsort(ORDER)],
        **{"entry_1/ptychodus/probe_position_indexes": ORDER},
    ),
    "a virtual dataset": lambda tmp: write_virtual(tmp / "s.cxi", is_whole=True),
    "an external link": lambda tmp: write_link(tmp / "s.cxi", is_there=True),
    "a larger detector": make_cxi(data=pad_frames(48, 56, 8, 12)),
    "eiger files in parts": lambda tmp: write_pair(
        tmp, IDENTITIES, write_numbered(tmp / "master.h5")
    ),
    "matlab": lambda tmp: write_matlab(tmp / "s.mat"),
    "named arrays in hdf5": lambda tmp: write_frames(
        tmp / "s.h5",
        diff3d=AMPLITUDE,
        xcoords=TRUTH.positions[:, 0],
        ycoords=TRUTH.positions[:, 1],
        probeGuess=TRUTH.probe[0],
    ),
    "complex numbers of two fields": make_cxi(
        illumination=split_complex(TRUTH.probe, ("re", "im"))
    ),
    "prepared data of ptypy": write_ptyd,
    "rasters of cxi": make_cxi(
        data=TRUTH.counts.reshape(7, 7, SIDE, SIDE), translation=METRES.reshape(7, 7, 3)
    ),
    "rasters of rows": make_npz(
        diff3d=AMPLITUDE.reshape(7, 7, SIDE, SIDE),
        xcoords=TRUTH.positions[:, 0].reshape(7, 7),
        ycoords=TRUTH.positions[:, 1].reshape(7, 7),
    ),
    "scan axis last": make_npz(diff3d=np.moveaxis(AMPLITUDE, 0, -1)),
    "probe with axes of one": make_npz(probeGuess=TRUTH.probe[None, None, None]),
    "probe modes last": make_npz(probeGuess=np.moveaxis(_modes := TRUTH.probe, 0, -1)),
    "probe variants with weights": make_product(
        probe=np.stack([TRUTH.probe, TRUTH.probe * 1j]),
        opr_weights=np.array([[1.0, 0.0]] * POINTS),
    ),
    "one number for one scan": make_npz(scan_index=np.full(POINTS, 7)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_deformed_copy_is_read_right(tmp_path: Path, name: str) -> None:
    """What a file says of itself is taken; its frames are those of the known object."""
    scan = read_scan(RIGHT[name](tmp_path))

    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


def test_residual_sees_every_mirror() -> None:
    """Positions mirrored or exchanged have another residual: the table can fail."""
    scan = _scan_of(TRUTH.positions)
    assert known_scan.residual(scan) < 1e-4
    for wrong in (TRUTH.positions[:, ::-1], TRUTH.positions * [-1, 1], TRUTH.positions * -1):
        assert known_scan.residual(_scan_of(wrong)) > 10 * LARGEST_RESIDUAL


def _scan_of(positions: np.ndarray) -> Any:
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
    path = write_npz(tmp_path / "s.npz", diff3d=exchange_frame(9, 0))

    assert read_scan(path).point_count == POINTS
    assert "point 9" in caplog.text
    dropped = read_scan(path, drop=True)
    assert dropped.point_count == POINTS - 1
    assert known_scan.residual(dropped) <= LARGEST_RESIDUAL


def test_chosen_scan_is_that_scan(tmp_path: Path) -> None:
    """Of several scans the chosen one is read, with the positions of its own points."""
    path = write_npz(tmp_path / "s.npz", scan_index=ORDER % 3)

    scan = read_scan(path, scan=2)

    np.testing.assert_array_equal(scan.positions, TRUTH.positions[ORDER % 3 == 2])
    np.testing.assert_array_equal(scan.amplitude, AMPLITUDE[ORDER % 3 == 2])
    with pytest.raises(InputError, match="--scan"):
        read_scan(path, scan=5)


def test_positions_follow_the_pixel(tmp_path: Path) -> None:
    """The object pixel of the known geometry is found in every unit."""
    path = set_units(write_cxi(tmp_path / "s.cxi"), {f"{DETECTOR}/distance": (1e-3, "mm")})

    assert read_scan(path).pixel_size_m == pytest.approx(PIXEL_M, rel=1e-9)
