"""The simulation and conversion programs from their flags to their files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ptycho_torch.cli import convert, simulate
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file

TINY = ["--n", "32", "--n_points", "20", "--pitch", "3"]
OPTICS = ["--pixel-size-m", "5e-8", "--energy-ev", "9000", "--distance-m", "2"]

CHANGES = {
    "n": ["--n", "64"],
    "n_points": ["--n-points", "21"],
    "scan": ["--scan", "spiral"],
    "pitch": ["--pitch", "4"],
    "jitter": ["--jitter", "0.5"],
    "integer_positions": ["--integer-positions"],
    "object": ["--object", "siemens"],
    "amp_range": ["--amp_range", "0.2,0.6"],
    "phase_range": ["--phase-range", "1"],
    "probe": ["--probe", "disk"],
    "probe_diameter": ["--probe_diameter", "0.4"],
    "modes": ["--modes", "2"],
    "nphotons": ["--nphotons", "1e4"],
    "noise": ["--no-noise"],
    "seed": ["--seed", "1"],
}


def _simulate(path: Path, *more: str) -> dict[str, np.ndarray]:
    assert simulate.main(["--output", str(path), *TINY, *more]) == 0
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


@pytest.mark.parametrize("name", CHANGES)
def test_every_flag_changes_the_scan(tmp_path: Path, name: str) -> None:
    """Each flag reaches the recipe stored in the file, and the arrays differ with it."""
    plain = _simulate(tmp_path / "a.npz")

    changed = _simulate(tmp_path / "b.npz", *CHANGES[name])

    before, after = (
        json.loads(stored["_metadata"].item())["additional_parameters"]
        for stored in (plain, changed)
    )
    assert {key for key in before if before[key] != after[key]} == {name}
    frames = plain["diff3d"], changed["diff3d"]
    assert frames[0].shape != frames[1].shape or not np.array_equal(*frames)


def test_file_follows_the_data_contract(tmp_path: Path) -> None:
    """Keys, kinds and shapes of a simulated file are those of the contract."""
    stored = _simulate(tmp_path / "a.npz", "--modes", "3")

    assert stored["diff3d"].shape == (20, 32, 32)
    assert stored["diff3d"].dtype == np.float32
    assert stored["probeGuess"].shape == (3, 32, 32)
    assert stored["objectGuess"].dtype == np.complex64
    assert stored["xcoords"].dtype == stored["ycoords"].dtype == np.float64
    assert json.loads(stored["_metadata"].item())["physics_parameters"]["nphotons"] == 1e5


@pytest.mark.parametrize(
    "flags",
    [
        ["--n", "50"],
        ["--n_points", "many"],
        ["--amp_range", "0.5"],
        ["--amp_range", "a,b"],
        ["--probe", "square"],
        ["--nphotons", "0"],
        ["--unknown", "1"],
        ["--n_poin", "3"],
    ],
)
def test_bad_flags_end_with_two(
    tmp_path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A flag that cannot be used costs one line, exit code 2, and leaves no file."""
    assert simulate.main(["--output", str(tmp_path / "a.npz"), *flags]) == 2

    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_missing_output_ends_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file to write there is nothing to do."""
    assert simulate.main([]) == 2
    assert "--output" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["scan.cxi", "scan.h5"])
def test_scan_survives_the_round_trip(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """NPZ to another format and back keeps frames, probe and the path of the scan."""
    start, middle, end = tmp_path / "a.npz", tmp_path / name, tmp_path / "b.npz"
    _simulate(start)

    assert convert.main(["--input", str(start), "--output", str(middle), *OPTICS]) == 0
    assert convert.main(["--input", str(middle), "--output", str(end), "--quiet"]) == 0

    before, after = (scan_file.read(path, DataConfig()) for path in (start, end))
    np.testing.assert_allclose(after.amplitude, before.amplitude, rtol=1e-7)
    np.testing.assert_array_equal(after.probe, before.probe)
    steps = [np.diff(scan.positions, axis=0) for scan in (before, after)]
    np.testing.assert_allclose(steps[1], steps[0], atol=1e-9)
    assert after.pixel_size_m == pytest.approx(5e-8)
    assert "as " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["--output", "{0}/b.xyz"], "--format"),
        (["--output", "{0}/b.cxi"], "--pixel_size_m"),
        (["--output", "{0}/b.cxi", *OPTICS[:4]], "--distance_m"),
        (["--output", "{0}/b.cxi", *OPTICS[2:], "--pixel_size_m", "-1"], "--pixel_size_m"),
        (["--output", "{0}/a.npz"], "--output"),
        (["--output", "{0}/b.npz", "--companion_file", "{0}/none"], "none"),
    ],
)
def test_bad_conversions_end_with_two(
    tmp_path: Path, flags: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A conversion that lacks something names the flag and writes nothing."""
    _simulate(tmp_path / "a.npz")
    filled = [flag.format(tmp_path) for flag in flags]

    assert convert.main(["--input", str(tmp_path / "a.npz"), *filled]) == 2

    assert name in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


@pytest.mark.parametrize("program", ["simulate", "convert", "datasets"])
def test_help_loads_no_heavy_library(program: str) -> None:
    """Help text is shown without arrays, networks or file formats in memory."""
    code = (
        "import sys, contextlib\n"
        f"from ptycho_torch.{program} import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "heavy = {'torch', 'lightning', 'h5py', 'matplotlib', 'numpy', 'scipy'}\n"
        "sys.exit(len(heavy & set(sys.modules)))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert done.returncode == 0
    assert b"--output" in done.stdout
