"""Data cubes of py4DSTEM: a raster over a known object is read where it was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import InputError
from ptycho_torch.simulation import expose
from tests.builders import known_scan, scans

ROWS, COLUMNS, STEP = 4, 6, 3
PIXEL_A = 0.25
CALIBRATION: dict[str, Any] = {
    "Q_pixel_size": 1 / (known_scan.SIDE * PIXEL_A),
    "Q_pixel_units": "A^-1",
    "R_pixel_size": STEP * PIXEL_A,
    "R_pixel_units": "A",
}


def write_cube(path: Path, *, place: str = "cube", **changes: Any) -> Path:
    """Write a cube as emdfile lays one out, over the object of the known scan."""
    truth = known_scan.known()
    rows, columns = np.indices((ROWS, COLUMNS)).reshape(2, -1) * STEP
    middles = np.stack([columns, rows], axis=1) + known_scan.SIDE // 2 + 1.0
    probe = truth.probe.astype(np.complex128)
    canvas = np.pad(truth.canvas, expose.MARGIN + 1, mode="edge")
    blocks = expose.blocks(canvas, probe, middles + expose.MARGIN + 1)
    counts = np.rint(np.concatenate(list(blocks)))
    with h5py.File(path, "w") as root:
        top = root.create_group("experiment")
        cube = top.create_group("datacube")
        cube.attrs["python_class"] = "DataCube"
        cube["data"] = counts.reshape(ROWS, COLUMNS, known_scan.SIDE, known_scan.SIDE)
        home = (cube if place == "cube" else top).create_group("metadatabundle/calibration")
        for name, value in {**CALIBRATION, **changes}.items():
            home[name] = "_None" if value is None else value
            home[name].attrs["type"] = b"None" if value is None else b"number"
    return path


def read(path: Path) -> ScanData:
    """Read with the probe of the known scan beside it."""
    probe = known_scan.known().probe
    companion = scans.write_arrays(
        path.with_name("probe.npz"), diff3d=None, probeGuess=probe[0]
    )
    return scan_file.read(path, DataConfig(companion_file=str(companion)))


@pytest.mark.parametrize("place", ["cube", "root"])
def test_raster_is_read_where_it_was_measured(tmp_path: Path, place: str) -> None:
    """The frames are those of the object at the places that the calibration gives."""
    scan = read(write_cube(tmp_path / "cube.h5", place=place))

    assert len(scan.amplitude) == ROWS * COLUMNS
    assert scan.pixel_size_m == pytest.approx(PIXEL_A * 1e-10)
    assert known_scan.residual(scan) <= 0.004


def test_exchanged_scan_axes_would_show(tmp_path: Path) -> None:
    """The measure of this test sees rows taken for columns."""
    scan = read(write_cube(tmp_path / "cube.h5"))

    assert known_scan.residual(replace(scan, positions=scan.positions[:, ::-1])) > 0.1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("QR_rotation", 0.2, "QR_rotation 0.2 rad"),
        ("QR_flip", True, "QR_flip True"),
        ("Q_pixel_units", "pixels", "got pixels"),
        ("R_pixel_units", "mrad", "got mrad"),
        ("Q_pixel_size", None, "got none"),
        ("R_pixel_size", -1.0, "R_pixel_size"),
        ("Q_pixel_size", 1e9, "object pixel"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(
    tmp_path: Path, name: str, value: Any, said: str
) -> None:
    """A turned scan, an uncalibrated cube, an impossible step: one line, with a cure."""
    path = write_cube(tmp_path / "cube.h5", **{name: value})

    with pytest.raises(InputError) as caught:
        read(path)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nanometres_are_understood(tmp_path: Path) -> None:
    """The same steps in other units are the same scan."""
    units = {
        "Q_pixel_size": CALIBRATION["Q_pixel_size"] * 10,
        "Q_pixel_units": "nm^-1",
        "R_pixel_size": CALIBRATION["R_pixel_size"] / 10,
        "R_pixel_units": "nm",
    }

    assert known_scan.residual(read(write_cube(tmp_path / "cube.h5", **units))) <= 0.004
