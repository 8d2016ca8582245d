"""Further ways in which other programs write one known scan: read right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import known_scan
from tests.builders.deformations import (
    AMPLITUDE,
    EV,
    IDENTITIES,
    LARGEST_RESIDUAL,
    METRES,
    ROUGH,
    TRUTH,
    Make,
    make_cxi,
    make_npz,
    make_product,
    make_units,
    mark_pixels,
    read_scan,
    split_complex,
    write_pair,
)
from tests.builders.foreign_scans import (
    DEAD,
    DEAD_ROOTS,
    PROBE,
    SHARES,
    VARIANTS,
    X,
    Y,
    change,
    make_frames,
    make_matlab,
    make_named,
    make_parts,
    put,
    turn_motor,
    write_matlab_frames,
    write_without_distance,
)
from tests.builders.known_scan import (
    DETECTOR,
    ENERGY_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    SOURCE,
)
from tests.ptycho_torch.data.test_beamlines import i13

RIGHT: dict[str, Make] = {
    # masks: where they are not looked for, and of every shape
    "hdf5 with a valid mask": make_frames(patterns=DEAD, valid_mask=~ROUGH),
    "mask of cheetah": make_cxi(data=DEAD, **{f"{DETECTOR}/mask_shared": ROUGH.astype("u4")}),
    "mask of nexus in cxi": make_cxi(data=DEAD, **{f"{DETECTOR}/pixel_mask": ROUGH * 2}),
    "mask beside the frames of cxi": make_cxi(data=DEAD, **{"entry_1/data_1/mask": ROUGH * 4}),
    "two masks of hdf5": make_named(
        diff3d=DEAD_ROOTS, valid_mask=~ROUGH, bad_pixels=np.zeros((SIDE, SIDE), bool)
    ),
    "mask with an axis of one": make_cxi(data=DEAD, mask=ROUGH[None].astype("u4")),
    "mask of floats": make_npz(diff3d=DEAD_ROOTS, valid_mask=(~ROUGH).astype(float)),
    "masks of a raster": make_npz(
        diff3d=DEAD_ROOTS.reshape(7, 7, SIDE, SIDE),
        valid_mask=np.broadcast_to(~ROUGH, (7, 7, SIDE, SIDE)),
    ),
    "masks of matlab, one a frame": make_matlab(
        diff3d=np.moveaxis(DEAD_ROOTS, 0, -1),
        bad_pixels=np.broadcast_to(ROUGH[..., None], (SIDE, SIDE, POINTS)) * 1,
    ),
    "mask of a matlab file of frames": lambda tmp: write_pair(
        tmp, IDENTITIES, write_matlab_frames(tmp / "f.mat")
    ),
    # marks and fill values
    "gaps of −9999": make_cxi(data=mark_pixels(-9999, dtype=np.int32)),
    "gaps of a fill value": change(
        make_cxi(data=mark_pixels(9999999)),
        lambda root: root[f"{DETECTOR}/data"].attrs.update(_FillValue=9999999.0),
    ),
    "roots of gaps of 2³²−1": make_npz(diff3d=np.sqrt(mark_pixels(2**32 - 1)).astype("f4")),
    "roots of gaps of −1": make_npz(
        diff3d=np.where(ROUGH, np.nan, AMPLITUDE).astype(np.float32)
    ),
    # numbers of parts and frames
    "parts without leading zeros": make_parts(*(f"data_{number}" for number in range(1, 13))),
    # axes
    "positions of one column": make_npz(xcoords=X[:, None], ycoords=Y[None]),
    "five axes": make_cxi(data=TRUTH.counts[None, :, None]),
    "object with a layer": make_npz(objectGuess=TRUTH.canvas[None]),
    "translations in columns": make_cxi(translation=METRES.T),
    "matlab with points first": make_matlab(diff3d=AMPLITUDE),
    "empty arrays of matlab": make_matlab(empty=("objectGuess", "bad_pixels")),
    # probes
    "real and imaginary datasets": make_cxi(
        illumination=None,
        **{
            f"{SOURCE}/illumination/{n}": v
            for n, v in (("real", PROBE.real), ("imag", PROBE.imag))
        },
    ),
    "fields in capitals": make_cxi(illumination=split_complex(PROBE, ("Re", "Im"))),
    "variants in named hdf5": make_named(probeGuess=VARIANTS, opr_weights=SHARES),
    "weights of variants, turned": make_product(probe=VARIANTS, opr_weights=SHARES.T),
    "variants of ptychodus without weights": make_product(probe=VARIANTS[::-1]),
    # units, geometry
    "unit in an array": change(
        make_units(distance=(1e-3, "mm")),
        lambda root: root[f"{DETECTOR}/distance"].attrs.update(units=np.array([b"mm"])),
    ),
    "unit in the singular": change(
        make_units(distance=(1e-3, "")),
        lambda root: root[f"{DETECTOR}/distance"].attrs.update(unit="mm"),
    ),
    "positions with a unit": change(
        make_named(xcoords=X * 46, ycoords=Y * 46, pixel_size_m=PIXEL_M),
        lambda root: [root[key].attrs.update(units="nm") for key in ("xcoords", "ycoords")],
    ),
    "energy of each point": make_cxi(energy=np.full(POINTS, ENERGY_EV * EV)),
    "incident energy of nexus": change(
        make_cxi(energy=3e9 * EV),
        put("entry_1/instrument_1/beam_1/incident_energy", ENERGY_EV, units="eV"),
    ),
    "cxi beside the entry of nexus": change(
        make_cxi(),
        lambda root: [
            put("entry/instrument/eiger/data", TRUTH.counts)(root),
            put("entry/instrument/stage/sx", METRES[:, 0])(root),
            put("entry/instrument/stage/sy", METRES[:, 1])(root),
        ],
    ),
    "pixel of the probe, no distance": write_without_distance,
    "vector of a motor": change(i13, turn_motor),
}


@pytest.mark.parametrize("name", RIGHT)
def test_foreign_copy_is_read_right(tmp_path: Path, name: str) -> None:
    """What a file says of itself is taken; its frames are those of the known object."""
    scan = read_scan(RIGHT[name](tmp_path))

    assert scan.point_count == POINTS
    assert known_scan.residual(scan) <= LARGEST_RESIDUAL


def test_second_entry_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One scan is read of a file of several entries, and the other is named."""
    made = change(i13, lambda root: root.copy("entry1", "entry2"))(tmp_path)

    assert known_scan.residual(read_scan(made)) <= LARGEST_RESIDUAL
    assert "entry2 not read" in caplog.text
