"""Further ways in which other programs write one known scan: refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.builders.deformations import (
    AMPLITUDE,
    EV,
    IDENTITIES,
    ORDER,
    ROUGH,
    TRUTH,
    Make,
    make_cxi,
    make_npz,
    make_product,
    read_by_cure,
)
from tests.builders.foreign_scans import (
    DEAD,
    DEAD_ROOTS,
    MERLIN,
    PROBE,
    SAMPLE,
    VARIANTS,
    X,
    Y,
    change,
    lose_place,
    make_frames,
    make_named,
    make_parts,
    make_sparse,
    make_virtual,
    put,
    write_npz_product,
    write_ptyd_of_two_sides,
    write_two_orders,
)
from tests.builders.known_scan import (
    DETECTOR_PIXEL_M,
    ENERGY_EV,
    POINTS,
    SIDE,
)
from tests.ptycho_torch.data.test_beamlines import i13

DROP = {"drop": True}
# Refused, what the message names, and the settings that read it right; None when none can.
REFUSED: dict[str, tuple[Make, str, dict[str, Any] | None]] = {
    "a mask of hdf5 that does not say": (
        make_frames(patterns=DEAD, mask=ROUGH),
        "bad_pixels",
        None,
    ),
    "a mask of named hdf5 that does not say": (
        make_named(diff3d=DEAD_ROOTS, pixel_mask=ROUGH),
        "bad_pixels",
        None,
    ),
    "a mask of nexus that does not say": (
        change(i13, put(f"{MERLIN}/mask", ROUGH)),
        "bad_pixels",
        None,
    ),
    "frames never written": (make_sparse((1, SIDE, SIDE), 7.0), "--drop", DROP),
    "parts of frames never written": (make_sparse((1, 16, SIDE), 0.0), "--drop", DROP),
    "frames of the largest number": (
        make_sparse((1, SIDE, SIDE), 2**32 - 1, "u4"),
        "--drop",
        DROP,
    ),
    "a virtual dataset mapped twice": (make_virtual(is_overlapping=True), "without gaps", None),
    "a source never written whole": (make_virtual(is_overlapping=False), "part.h5", None),
    "counts beside a lost frame": (
        make_npz(diff3d=np.where(IDENTITIES[:, None, None] == 9, np.nan, TRUTH.counts)),
        "--input-kind",
        {"input_kind": "intensity", "drop": True},
    ),
    "a part that is missing": (
        make_parts("data_000001", "data_000003", count=POINTS - 5),
        "number 2",
        None,
    ),
    "frames of two sizes": (write_ptyd_of_two_sides, "one size", None),
    "an empty dataset of frames": (
        change(make_named(diff3d=None), put("diff3d", h5py.Empty("f4"))),
        "without any",
        None,
    ),
    "numbers that do not rise in named hdf5": (
        make_named(diff3d=AMPLITUDE[ORDER], indexes=ORDER),
        "indexes",
        None,
    ),
    "two arrays of frames": (
        make_named(diff3d=AMPLITUDE**1.5, diffraction=AMPLITUDE),
        "diffraction",
        None,
    ),
    "a pixel of named hdf5 in nm": (make_named(pixel_size_m=46.0), "object pixel", None),
    "positions in µm without a pixel": (
        change(make_named(), lambda root: root["xcoords"].attrs.update(units="um")),
        "pixel_size_m",
        None,
    ),
    "a position of a fill value": (make_npz(xcoords=lose_place(X, 9.969e36)), "--drop", DROP),
    "a position that ran away": (make_npz(ycoords=lose_place(Y, -5000)), "--drop", DROP),
    "places of a raster, turned": (
        make_npz(
            diff3d=AMPLITUDE[:48].reshape(6, 8, SIDE, SIDE),
            xcoords=X[:48].reshape(8, 6),
            ycoords=Y[:48].reshape(8, 6),
        ),
        "transpose",
        None,
    ),
    "parts of a probe": (
        make_npz(probeGuess=np.stack([PROBE[0].real, PROBE[0].imag])),
        "complex",
        None,
    ),
    "a probe for each point": (
        make_cxi(illumination=np.broadcast_to(PROBE, (POINTS, SIDE, SIDE))),
        "points",
        None,
    ),
    "a probe of another pixel in npz": (write_npz_product, "pixel", None),
    "weights of another number": (
        make_product(probe=VARIANTS, opr_weights=np.ones((POINTS, 3))),
        "opr_weights",
        None,
    ),
    "a tilted sample": (
        make_cxi(**{f"{SAMPLE}/surface_normal": np.array([0, 0.6, 0.8])}),
        "normal",
        None,
    ),
    "a sample turned about x": (
        make_cxi(**{f"{SAMPLE}/orientation": np.array([1.0, 0, 0, 0, 0.8, -0.6])}),
        "normal",
        None,
    ),
    "detector pixels that are not square": (
        change(i13, put(f"{MERLIN}/y_pixel_size", 2 * DETECTOR_PIXEL_M)),
        "square",
        None,
    ),
    "an energy that is scanned": (
        make_cxi(energy=np.linspace(1, 1.1, POINTS) * ENERGY_EV * EV),
        "same for every",
        None,
    ),
    "no distance": (make_cxi(distance=None), "whose probe states", None),
    "places of the frames that differ": (write_two_orders, "--companion_file", None),
    "counts below zero": (
        make_npz(diff3d=TRUTH.counts - 3.25 * (IDENTITIES % 2)[:, None, None]),
        "to 0",
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_foreign_copy_is_refused_with_its_cure(tmp_path: Path, name: str) -> None:
    """What a file leaves open is an error of one line, and its cure reads the file right."""
    make, words, cure = REFUSED[name]

    scan = read_by_cure(make(tmp_path), words, cure)

    if cure is not None:
        assert POINTS - 9 < scan.point_count < POINTS
