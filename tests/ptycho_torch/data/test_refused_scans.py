"""Deformed copies of one known scan that are refused with their cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.builders.deformations import (
    AMPLITUDE,
    IDENTITIES,
    ORDER,
    PATH,
    ROUGH,
    TRUTH,
    Make,
    exchange_frame,
    lose_position,
    make_basis,
    make_cxi,
    make_npz,
    make_product,
    make_units,
    pad_frames,
    read_by_cure,
    remove_source,
    shorten_source,
    write_link,
    write_pair,
    write_virtual,
)
from tests.builders.known_scan import (
    DETECTOR,
    ENERGY_EV,
    PIXEL_M,
    POINTS,
    SIDE,
    write_cxi,
    write_frames,
    write_npz,
    write_product,
)
from tests.ptycho_torch.data.test_deformed_scans import RIGHT


def _with_axes(tmp: Path) -> Path:
    path = write_cxi(tmp / "s.cxi")
    with h5py.File(path, "r+") as root:
        root[f"{DETECTOR}/data"].attrs["axes"] = np.bytes_("translation:x:y")
    return path


def _stretch(tmp: Path) -> Path:
    path = write_product(tmp / "s.h5")
    with h5py.File(path, "r+") as root:
        root["object"].attrs["pixel_height_m"] = 1.5 * PIXEL_M
    return path


def _state(tmp: Path, key: str, **attributes: Any) -> Path:
    path = write_cxi(tmp / "s.cxi")
    with h5py.File(path, "r+") as root:
        root[key].attrs.update(attributes)
    return path


def _near_field(tmp: Path) -> Path:
    path = write_product(tmp / "s.h5")
    with h5py.File(path, "r+") as root:
        root.attrs["far_field"] = False
    return path


# Refused, what the message names, and the settings that read it right; None when none can.
CURED: dict[str, tuple[Make, str, dict[str, Any] | None]] = {
    "whole numbers": (
        make_npz(diff3d=TRUTH.counts.astype(np.uint32)),
        "--input-kind",
        {"input_kind": "intensity"},
    ),
    "whole numbers in floats": (
        make_npz(diff3d=TRUTH.counts),
        "--input-kind",
        {"input_kind": "intensity"},
    ),
    "squares of single-precision roots": (
        make_npz(diff3d=np.square(np.sqrt(TRUTH.counts).astype(np.float32))),
        "--input-kind",
        {"input_kind": "intensity"},
    ),
    "zero frequency in the corner": (
        make_npz(diff3d=np.fft.ifftshift(AMPLITUDE, axes=(1, 2))),
        "--center auto",
        {"center": "auto"},
    ),
    "zero frequency off by four": (
        make_npz(diff3d=np.roll(AMPLITUDE, (4, -4), axis=(1, 2))),
        "--center auto",
        {"center": "12,20"},
    ),
    "zero frequency off in a larger detector": (
        make_cxi(data=pad_frames(48, 56, 2, 20)),
        "--center auto",
        {"center": "36,18"},
    ),
    "a scan of two": (
        make_npz(scan_index=np.arange(POINTS) // 30),
        "--scan",
        {"scan": 0},
    ),
    "one frame far too bright": (
        make_npz(diff3d=exchange_frame(9, AMPLITUDE[9] * 300)),
        "--drop",
        {"drop": True},
    ),
    "one frame of NaN": (
        make_npz(diff3d=exchange_frame(9, np.nan)),
        "--drop",
        {"drop": True},
    ),
    "a position of NaN": (make_npz(**lose_position("xcoords", 11)), "--drop", {"drop": True}),
    "two positions of NaN": (
        make_npz(
            xcoords=lose_position("xcoords", 11)["xcoords"],
            ycoords=lose_position("ycoords", 30)["ycoords"],
        ),
        "--drop",
        {"drop": True},
    ),
    "numbers beyond the frames": (
        make_product(probe_position_indexes=IDENTITIES + 1),
        "indexes",
        None,
    ),
    "numbers of no frame": (
        lambda tmp: write_pair(
            tmp,
            IDENTITIES,
            write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=IDENTITIES + 3),
        ),
        "indexes",
        None,
    ),
    "frames in another order than positions without numbers": (
        lambda tmp: (
            write_npz(tmp / "s.npz", diff3d=None),
            write_frames(tmp / "f.h5", patterns=TRUTH.counts, indexes=ORDER),
        ),
        "indexes",
        None,
    ),
    "numbers of scans that are none": (
        make_npz(scan_index=np.arange(POINTS) / POINTS),
        "whole numbers",
        None,
    ),
    "a pixel in nm": (
        make_npz(_metadata=np.array('{"physics_parameters": {"pixel_size_m": 46.0}}')),
        "object pixel",
        None,
    ),
    "columns before rows": (_with_axes, "y:x", None),
    "columns before rows, listed": (
        lambda tmp: _state(tmp, f"{DETECTOR}/data", axes=[b"translation", b"x", b"y"]),
        "y:x",
        None,
    ),
    "pixels of two sizes": (
        _stretch,
        "square pixels",
        None,
    ),
    "a near field": (_near_field, "far-field", None),
    "a probe in the corners": (
        make_npz(probeGuess=np.fft.ifftshift(TRUTH.probe[0])),
        "fftshift",
        None,
    ),
    "an offset beside the frames": (
        lambda tmp: _state(tmp, f"{DETECTOR}/data", add_offset=-100.0),
        "add_offset",
        None,
    ),
    "a factor beside the translations": (
        lambda tmp: _state(tmp, PATH, scaling_factor=0.8),
        "scaling_factor",
        None,
    ),
    "inverted mask": (make_cxi(mask=(~ROUGH).astype(np.uint32)), "inverted", None),
    "inverted valid mask": (make_npz(valid_mask=ROUGH), "inverted", None),
    "a mask that does not say": (make_npz(mask=ROUGH), "bad_pixels", None),
    "bits as a valid mask": (make_npz(valid_mask=np.full((SIDE, SIDE), 2)), "bit field", None),
    "positions in metres": (
        make_npz(xcoords=TRUTH.metres[:, 0], ycoords=TRUTH.metres[:, 1]),
        "object pixel",
        None,
    ),
    "positions in µm": (
        make_npz(xcoords=TRUTH.metres[:, 0] * 1e6, ycoords=TRUTH.metres[:, 1] * 1e6),
        "object pixel",
        None,
    ),
    "positions in nm": (
        make_npz(xcoords=TRUTH.metres[:, 0] * 1e9, ycoords=TRUTH.metres[:, 1] * 1e9),
        "check units",
        None,
    ),
    "energy in keV, unnamed": (make_cxi(energy=ENERGY_EV / 1e3), "units", None),
    "distance in mm, unnamed": (make_units(distance=(1e-3, "")), "units", None),
    "pixels in µm, unnamed": (make_units(x=(1e-6, ""), y=(1e-6, "")), "units", None),
    "pixels in mm, unnamed": (make_units(x=(1e-3, ""), y=(1e-3, "")), "units", None),
    "translations in µm, unnamed": (make_units(translation=(1e-6, "")), "units", None),
    "translations in mm, unnamed": (make_units(translation=(1e-3, "")), "units", None),
    "an unknown unit": (make_units(distance=(0.3048, "feet")), "length", None),
    "product in µm": (
        make_product(
            probe_position_x_m=TRUTH.metres[:, 0] * 1e6,
            probe_position_y_m=TRUTH.metres[:, 1] * 1e6,
        ),
        "check units",
        None,
    ),
    "a basis along one line": (
        make_cxi(basis_vectors=make_basis([1, 0, 0], [1, 0, 0])),
        "directions",
        None,
    ),
    "a virtual dataset with a gap": (
        lambda tmp: write_virtual(tmp / "s.cxi", is_whole=False),
        "without gaps",
        None,
    ),
    "a virtual dataset without its source": (
        lambda tmp: remove_source(tmp / "s.cxi"),
        "part.h5",
        None,
    ),
    "a source that has become shorter": (
        lambda tmp: shorten_source(tmp / "s.cxi"),
        "part.h5",
        None,
    ),
    "a link without its file": (
        lambda tmp: write_link(tmp / "s.cxi", is_there=False),
        "part.h5",
        None,
    ),
}


@pytest.mark.parametrize("name", CURED)
def test_deformed_copy_is_refused_with_its_cure(tmp_path: Path, name: str) -> None:
    """What a file leaves open is an error of one line, and its cure reads the file right."""
    make, words, cure = CURED[name]

    read_by_cure(make(tmp_path), words, cure)


def test_the_table_is_long() -> None:
    """Sixty copies and more are judged."""
    assert len(RIGHT) + len(CURED) >= 60
