"""What files say, counted alone: judged by sums over the file and by the package itself."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch import recount
from ptycho_torch.data import scaling
from ptycho_torch.physics import canvas
from ptycho_torch.reconstruct import metrics
from tests.builders import scans

SIDE = 8


def write_scan(path: Path, **changes: Any) -> dict[str, Any]:
    """Write a small scan whose frames, rows and columns are all different."""
    rng = np.random.default_rng(5)
    arrays: dict[str, Any] = {
        "diff3d": rng.uniform(0.1, 3, size=(6, SIDE, SIDE)).astype(np.float32),
        "xcoords": rng.uniform(10, 30, 6),
        "ycoords": rng.uniform(40, 90, 6),
        "probeGuess": (rng.normal(size=(SIDE, SIDE, 2)) @ [1, 1j]).astype(np.complex64),
    }
    arrays |= changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return arrays


def test_nothing_of_the_package_is_imported() -> None:
    """A reader that is wrong must not decide what the file says."""
    tree = ast.parse(Path(recount.__file__).read_text("utf-8"))
    names = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert not [name for name in names if name.startswith(("ptycho_torch", "harness"))]


def test_inputs_have_the_scale_of_the_training(tmp_path: Path) -> None:
    """A scan of twice the amplitude enters with four times the energy, by the same scale."""
    arrays = write_scan(tmp_path / "a.npz")
    write_scan(tmp_path / "b.npz", diff3d=2 * arrays["diff3d"])
    train, other = (recount.count_scan(tmp_path / f"{name}.npz", 4) for name in "ab")

    for scan in (train, other, unknown := {"energies": [1.0]}):
        recount.add_inputs(train, scan)
    recount.add_inputs({}, without := {"energies": [1.0]})

    assert np.mean(train["inputs"]) == pytest.approx((SIDE / 2) ** 2)  # mean X² is a quarter
    np.testing.assert_allclose(other["inputs"], 4 * np.array(train["inputs"]))
    assert unknown["inputs"] == pytest.approx([train["input_scale"] ** 2])
    assert "inputs" not in without


def test_sums_over_frames(tmp_path: Path) -> None:
    """Energy and centroid are sums over the pixels of each frame, x along columns."""
    arrays = write_scan(tmp_path / "s.npz")

    counts = recount.count_scan(tmp_path / "s.npz", 4)

    frame = arrays["diff3d"][3].astype(float) ** 2
    energy = sum(frame[i, j] for i in range(SIDE) for j in range(SIDE))
    x = sum(frame[i, j] * j for i in range(SIDE) for j in range(SIDE)) / energy
    y = sum(frame[i, j] * i for i in range(SIDE) for j in range(SIDE)) / energy
    assert counts["energies"][3] == pytest.approx(energy)
    assert counts["centroids"][3] == pytest.approx([x, y])
    assert counts["positions"][3] == [arrays["xcoords"][3], arrays["ycoords"][3]]


@pytest.mark.parametrize(("groups", "slots"), [(None, 24), (5, 20), (6, 24), (99, 24)])
def test_groups_are_at_most_as_many_as_frames(
    tmp_path: Path, groups: int | None, slots: int
) -> None:
    """Patterns that are used: groups as asked for, one a frame at most, times their size."""
    write_scan(tmp_path / "s.npz")

    assert recount.count_scan(tmp_path / "s.npz", 4, groups)["slots"] == slots


def test_scales_and_canvas_are_the_packages(tmp_path: Path) -> None:
    """Two implementations agree on the scales and on the canvas of a simulated scan."""
    scan = scans.simulated_scan()
    write_scan(
        tmp_path / "s.npz",
        diff3d=np.asarray(scan.amplitude),
        xcoords=scan.positions[:, 0],
        ycoords=scan.positions[:, 1],
        probeGuess=scan.probe,
        _metadata=json.dumps({"physics_parameters": {"nphotons": 3e4}}),
    )

    counts = recount.count_scan(tmp_path / "s.npz", 4)

    contract = scaling.fit(scan, 3e4)
    where = canvas.canvas_geometry(scan.positions, scan.side)
    assert counts["input_scale"] == pytest.approx(contract.input_scale, rel=1e-9)
    assert counts["intensity_scale"] == pytest.approx(contract.intensity_scale, rel=1e-12)
    assert counts["probe_scale"] == pytest.approx(contract.probe_scale, rel=1e-9)
    assert counts["origin_xy"] == [where.origin_x, where.origin_y]
    assert counts["canvas_size"] == [where.height, where.width]


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"diff3d": np.ones((6, SIDE, SIDE), np.int64)}, "energies"),
        ({"diff3d": np.ones((6, SIDE, SIDE), np.float32)}, "energies"),
        ({"valid_mask": np.ones((SIDE, SIDE), bool)}, "energies"),
        ({"bad_pixels": np.zeros((SIDE, SIDE), bool)}, "input_scale"),
        ({"probeGuess": None}, "probe_scale"),
        ({"xcoords": None}, "positions"),
        ({"diff3d": None}, "positions"),
        ({"diff3d": np.ones((SIDE, SIDE, 6), np.float32)}, "positions"),
    ],
)
def test_what_needs_a_reader_is_left_out(
    tmp_path: Path, changes: dict[str, Any], absent: str
) -> None:
    """Counts, masks and other axes are for a reader: the numbers are not there at all."""
    write_scan(tmp_path / "s.npz", **changes)

    assert absent not in recount.count_scan(tmp_path / "s.npz", 4)


def test_another_format_says_nothing(tmp_path: Path) -> None:
    """A file that is no NPZ is not guessed at, and is no error."""
    (tmp_path / "s.cxi").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(99))

    assert recount.count_scan(tmp_path / "s.cxi", 4) == {}


def stitch(folder: Path, seed: int = 2) -> dict[str, Any]:
    """Write a reconstruction that is moved, tilted, scaled and noisy, its scan and metrics."""
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(np.cumsum(rng.normal(size=(70, 60)), 0), 1)
    truth = (0.6 + 0.3 * np.sin(smooth / 7)) * np.exp(1j * np.cos(smooth / 9))
    y, x = np.mgrid[:48, :40]
    rec = np.roll(truth, (1, -2), (0, 1))[12:60, 9:49]
    rec = (0.7 * np.exp(0.4j)) * rec * np.exp(0.01j * x - 0.02j * y)
    rec = rec + 0.05 * (rng.normal(size=(48, 40, 2)) @ [1, 1j])
    weight = np.ones((48, 40), np.float32)
    weight[:5] = 0.01
    origin = np.array([9.0, 12.0])
    known = np.ones(truth.shape, bool)
    known[:, 30:34] = False
    np.savez(folder / "r.npz", object=rec.astype(np.complex64), weight=weight, origin_xy=origin)
    np.savez(folder / "s.npz", objectGuess=truth.astype(np.complex64), objectMask=known)
    reference = metrics.Truth(object_canvas=truth.astype(np.complex64), known=known)
    report = metrics.evaluate(rec.astype(np.complex64), weight, origin, reference)
    (folder / "m.json").write_text(json.dumps(report))
    return report


def test_two_judges_agree(tmp_path: Path) -> None:
    """An object is judged alike by the package and by the few lines here."""
    report = stitch(tmp_path)

    counted = recount.judge(*(tmp_path / name for name in ("r.npz", "s.npz", "m.json")))

    assert counted == pytest.approx(
        {
            "complex_error": report["complex_error"],
            "constant_error": report["baseline"]["complex_error"],
            "phase_pearson": report["phase"]["pearson"],
            "amplitude_pearson": report["amplitude"]["pearson"],
            "region_pixels": report["region_pixels"],
        },
        rel=1e-6,
    )


def test_without_a_truth_nothing_is_judged(tmp_path: Path) -> None:
    """A scan without a reference, or metrics without one, leave nothing to count."""
    stitch(tmp_path)
    write_scan(tmp_path / "bare.npz")
    (tmp_path / "none.json").write_text("{}")

    paths = tmp_path / "r.npz", tmp_path / "bare.npz", tmp_path / "m.json"
    assert recount.judge(*paths) == {}
    assert recount.judge(paths[0], tmp_path / "s.npz", tmp_path / "none.json") == {}


def test_a_constant_truth_has_no_correlation(tmp_path: Path) -> None:
    """A coefficient of a constant is no number, and is left out."""
    stitch(tmp_path)
    with np.load(tmp_path / "s.npz") as store:
        pure = store["objectGuess"] / np.abs(store["objectGuess"])
    flat = np.ones_like(pure)
    np.savez(tmp_path / "s.npz", objectGuess=flat)

    counted = recount.judge(*(tmp_path / name for name in ("r.npz", "s.npz", "m.json")))

    assert "amplitude_pearson" not in counted
    assert counted["constant_error"] == pytest.approx(0, abs=1e-12)


def test_the_program_writes_its_numbers(tmp_path: Path) -> None:
    """One file with both scans and the judgement, in a process of its own."""
    stitch(tmp_path)
    write_scan(tmp_path / "t.npz")
    words = [sys.executable, "-m", "ptycho_torch.recount", "--output", str(tmp_path / "o.json")]
    for flag, name in (
        ("train_data_file", "t.npz"),
        ("test_data_file", "s.npz"),
        ("reconstruction", "r.npz"),
        ("metrics", "m.json"),
    ):
        words += [f"--{flag}", str(tmp_path / name)]

    done = subprocess.run([*words, "--groups", "3", "--gridsize", "3"], check=False)

    content = json.loads((tmp_path / "o.json").read_text())
    assert done.returncode == 0
    assert content["train"]["slots"] == 27
    assert content["object"]["region_pixels"] > 100
    assert sorted(content) == ["object", "schema", "test", "train"]


def test_bad_files_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A reconstruction that is none ends with 2, one line, and no output."""
    stitch(tmp_path)
    (tmp_path / "r.npz").write_bytes(b"nothing")
    words = ["--output", str(tmp_path / "o.json"), "--metrics", str(tmp_path / "m.json")]
    words += ["--reconstruction", str(tmp_path / "r.npz")]
    for name in ("train_data_file", "test_data_file"):
        words += [f"--{name}", str(tmp_path / "s.npz")]

    code = recount.main(words)

    assert (code, (tmp_path / "o.json").exists()) == (2, False)
    assert capsys.readouterr().err.count("\n") == 1
