"""The steps of the page on own data, judged by what comes out and not by their exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.cli import convert, evaluate, inference, train
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file
from ptycho_torch.data.scan import ScanData
from tests.builders import scans

OPTICS = ["--pixel-size-m", "4.6e-8", "--energy-ev", "8800", "--distance-m", "1.9"]
BRIEF = ["--gridsize", "1", "--max_epochs", "2", "--accelerator", "cpu", "--quiet"]
NAMES = ("scan.npz", "scan.cxi", "scan.h5")


def _full(path: Path) -> dict[str, Any]:
    """Write a scan that has everything a file can hold."""
    scans.write_simulated(path, scans.tiny_recipe(n_points=60))
    with np.load(path) as content:
        arrays = dict(content)
    valid = np.ones((32, 32), bool)
    valid[3, 5] = False
    known = np.ones(arrays["objectGuess"].shape, bool)
    known[:9] = False
    arrays |= {"valid_mask": valid, "objectMask": known, "scan_index": np.full(60, 4)}
    np.savez(path, **arrays)
    return arrays


def _read(path: Path) -> ScanData:
    return scan_file.read(path, DataConfig(gridsize=1))


@pytest.mark.parametrize("form", NAMES[1:])
def test_conversion_loses_nothing(tmp_path: Path, form: str) -> None:
    """There and back, every array and number is what it was: places with their origin too."""
    _full(tmp_path / "scan.npz")
    there = ["--input", str(tmp_path / "scan.npz"), "--output", str(tmp_path / form)]
    back = ["--input", str(tmp_path / form), "--output", str(tmp_path / "back.npz")]

    assert convert.main([*there, *OPTICS]) == 0
    assert convert.main(back) == 0

    before, after = _read(tmp_path / "scan.npz"), _read(tmp_path / "back.npz")
    np.testing.assert_allclose(after.amplitude, before.amplitude, rtol=1e-7)
    np.testing.assert_allclose(after.positions, before.positions, atol=1e-9)
    for name in ("probe", "object_canvas", "object_mask", "valid_mask", "scan_index"):
        np.testing.assert_array_equal(vars_of(after)[name], vars_of(before)[name])
    assert after.nphotons == before.nphotons
    assert after.pixel_size_m == pytest.approx(4.6e-8, rel=1e-9)


def vars_of(scan: ScanData) -> dict[str, Any]:
    """Return the fields of a scan, which has no dictionary."""
    return {name: getattr(scan, name) for name in ScanData.__slots__}


@pytest.mark.parametrize("form", NAMES[1:])
def test_scan_without_an_object_keeps_its_origin(tmp_path: Path, form: str) -> None:
    """Places come back without an object, and none is made up."""
    path = scans.write_arrays(tmp_path / "scan.npz")
    there = ["--input", str(path), "--output", str(tmp_path / form), "--nphotons", "1000"]

    assert convert.main([*there, *OPTICS]) == 0

    scan = scan_file.read(tmp_path / form, DataConfig(nphotons=1000.0))
    assert scan.object_canvas is None
    np.testing.assert_allclose(scan.positions[:, 0], scans.arrays()["xcoords"], atol=1e-9)
    np.testing.assert_allclose(scan.positions[:, 1], scans.arrays()["ycoords"], atol=1e-9)


@pytest.mark.parametrize("flags", [["--flip-x"], ["--flip-y"], ["--swap-xy", "--flip-x"]])
def test_turned_scan_keeps_its_points_on_the_object(tmp_path: Path, flags: list[str]) -> None:
    """A turn moves positions, reference and its mask together, and twice is none."""
    _full(tmp_path / "scan.npz")
    start, once = _read(tmp_path / "scan.npz"), tmp_path / "once.npz"
    words = ["--input", str(tmp_path / "scan.npz"), "--output", str(once), *flags]

    assert convert.main(words) == 0

    turned = _read(once)
    assert start.object_canvas is not None
    assert turned.object_canvas is not None
    whole = np.rint(start.positions).astype(int), np.rint(turned.positions).astype(int)
    values = [
        canvas[places[:, 1], places[:, 0]]
        for canvas, places in zip(
            (start.object_canvas, turned.object_canvas), whole, strict=True
        )
    ]
    agree = np.abs(values[0] - values[1]) < 1e-6
    assert agree.mean() > 0.9  # a half rounds to the other side in a mirror
    assert not np.array_equal(turned.positions, start.positions)


def test_steps_of_the_page_reach_the_same_object(tmp_path: Path) -> None:
    """Converted, trained on and reconstructed, a scan is judged as without the detour."""
    _full(tmp_path / "scan.npz")
    cxi, out = str(tmp_path / "scan.cxi"), str(tmp_path / "out")
    words = ["--input", str(tmp_path / "scan.npz"), "--output", cxi]
    assert convert.main([*words, *OPTICS, "--quiet"]) == 0
    assert train.main(["--train_data_file", cxi, "--output_dir", out, *BRIEF]) == 0
    reports = []
    for name in NAMES[:2]:
        folder = tmp_path / f"of-{name}"
        data = ["--test_data", str(tmp_path / name), "--output_dir", str(folder)]
        brief = ["--accelerator", "cpu", "--quiet"]
        assert inference.main(["--model_path", out, *data, *brief]) == 0
        judged = ["--reconstruction", str(folder / "reconstruction.npz")]
        judged += ["--truth", str(tmp_path / "scan.npz"), "--output", str(folder / "m.json")]
        assert evaluate.main(judged) == 0
        reports.append(json.loads((folder / "m.json").read_text()))

    assert reports[1]["complex_error"] == pytest.approx(reports[0]["complex_error"], rel=1e-3)
    assert reports[1]["phase"]["pearson"] == pytest.approx(
        reports[0]["phase"]["pearson"], abs=1e-3
    )
