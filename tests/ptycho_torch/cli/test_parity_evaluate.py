"""The parity and evaluation programs, from files to exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from ptycho_torch.cli import evaluate, parity, train
from ptycho_torch.data import scan_file
from ptycho_torch.data.scan import ScanData
from ptycho_torch.reconstruct import predict
from tests.builders import scans
from tests.ptycho_torch.reconstruct import trained


class Trained(NamedTuple):
    """A training folder, its scan, and what training would have stored."""

    folder: Path
    data: Path
    scan: ScanData
    arrays: dict[str, Any]


@pytest.fixture
def folder(tmp_path: Path) -> Trained:
    """Write a bundle and the patches that its model gives in memory."""
    path = scans.write_simulated(tmp_path / "scan.npz")
    config = trained.settings(2)
    scan = scan_file.read(path, config.data)
    plan = predict.plan(scan, config.data, 5, 42)
    model = trained.model_for(scan, config, plan.padded_size + 6)
    (tmp_path / "model").mkdir()
    bundle = trained.write_bundle(tmp_path / "model/wts.h5.zip", scan, config, model)
    alpha = bundle.info.scaling.input_scale
    engine = predict.Engine(batch_size=2)
    results = [result for _, result in predict.forward(model, scan, plan, alpha, engine)]
    arrays = {
        "dataset_sha256": np.array(scan.sha256),
        "groups": plan.groups,
        "positions": scan.positions[plan.groups],
        "patches": np.concatenate([result.patches.numpy() for result in results]),
        "consistent": np.concatenate([result.consistent.numpy() for result in results]),
    }
    made = Trained(tmp_path / "model", path, scan, arrays)
    store(made)
    return made


def store(made: Trained, **changes: Any) -> None:
    """Write the stored patches, parts replaced."""
    (made.folder / "analysis").mkdir(exist_ok=True)
    np.savez(made.folder / "analysis/parity_probe.npz", **(made.arrays | changes))


def judge(made: Trained, output: Path, *more: str) -> int:
    """Run the parity program."""
    words = ["--model_path", str(made.folder), "--data", str(made.data)]
    return parity.main([*words, "--output", str(output), *more])


def test_equal_roads_pass(folder: Trained, tmp_path: Path) -> None:
    """The same model gives the same patches; the record has every promised key."""
    assert judge(folder, tmp_path / "parity.json") == 0

    report = json.loads((tmp_path / "parity.json").read_text())
    assert report["relative_l2"] <= 1e-6
    assert report["first_stage"] is None
    assert report["groups"] == 5
    assert report["dataset_sha256"] == folder.scan.sha256
    assert {
        "schema",
        "tolerance",
        "amplitude_ratio",
        "bundle_sha256",
        "relative_l2_patches",
        "relative_l2_consistent",
    } <= set(report)


def test_differing_stage_fails(
    folder: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A merge that differs by 1e-4 ends with 1, names the stage and leaves the numbers."""
    store(folder, consistent=folder.arrays["consistent"] * np.complex64(1.0001))

    assert judge(folder, tmp_path / "parity.json") == 1
    error = capsys.readouterr().err
    assert judge(folder, tmp_path / "wide.json", "--tolerance", "1e-3") == 0

    assert "error:" in error
    assert "consistent" in error
    report = json.loads((tmp_path / "parity.json").read_text())
    assert report["first_stage"] == "consistent"
    assert report["relative_l2"] == pytest.approx(1e-4, rel=0.01)


def test_other_training_file_is_refused(
    folder: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Patches of another data file are not compared at all."""
    other = scans.write_simulated(tmp_path / "other.npz", scans.tiny_recipe(seed=8))

    assert judge(folder._replace(data=other), tmp_path / "parity.json") == 2

    assert "the training file" in capsys.readouterr().err
    assert not (tmp_path / "parity.json").exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"groups": np.full((5, 4), 99)}, 2),
        ({"groups": np.full((5, 4), -1)}, 2),
        ({"patches": np.zeros((5, 4, 64, 64), np.complex64)}, 2),
    ],
)
def test_unfit_stored_patches_are_refused(
    folder: Trained, tmp_path: Path, changes: dict[str, Any], code: int
) -> None:
    """Scan points that do not exist, or patches of another side, end with 2."""
    store(folder, **changes)

    assert judge(folder, tmp_path / "parity.json") == code


def test_missing_pieces_are_refused(folder: Trained, tmp_path: Path) -> None:
    """No stored patches, no bundle, a tolerance that is none: each ends with 2."""
    assert judge(folder, tmp_path / "p.json", "--tolerance", "-1") == 2
    assert judge(folder, tmp_path / "p.json", "--tolerance", "nan") == 2
    (folder.folder / "analysis/parity_probe.npz").unlink()
    assert judge(folder, tmp_path / "p.json") == 2
    assert judge(folder._replace(folder=tmp_path / "none"), tmp_path / "p.json") == 2


def test_truth_against_itself(tmp_path: Path) -> None:
    """The reference object, stored as a reconstruction, has no error."""
    truth = scans.write_simulated(tmp_path / "scan.npz")
    with np.load(truth) as content:
        reference = content["objectGuess"]
    everywhere = np.ones(reference.shape)
    np.savez(
        tmp_path / "rec.npz",
        object=reference,
        weight=everywhere.astype(np.float32),
        mask=everywhere.astype(bool),
        origin_xy=np.zeros(2),
    )
    words = ["--reconstruction", str(tmp_path / "rec.npz"), "--truth", str(truth)]

    pictures = ["--pictures", str(tmp_path / "pictures")]
    assert evaluate.main([*words, "--output", str(tmp_path / "m.json"), *pictures]) == 0

    assert evaluate.main([*words, "--output", str(tmp_path / "plain.json")]) == 0
    assert (tmp_path / "plain.json").read_bytes() == (tmp_path / "m.json").read_bytes()

    drawn = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert drawn == {"comparison_amplitude.png", "comparison_phase.png", "frc.png"}
    report = json.loads((tmp_path / "m.json").read_text())
    assert report["protocol"] == "m1"
    assert report["complex_error"] < 1e-6
    assert report["phase"]["pearson"] > 1 - 1e-6


def test_scan_without_reference_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A scan that holds no object cannot judge."""
    blind = scans.write_arrays(tmp_path / "scan.npz")
    content = np.ones((4, 5))
    np.savez(
        tmp_path / "rec.npz",
        object=content.astype(np.complex64),
        weight=content.astype(np.float32),
        mask=content.astype(bool),
        origin_xy=np.zeros(2),
    )
    words = ["--reconstruction", str(tmp_path / "rec.npz"), "--truth", str(blind)]

    assert evaluate.main([*words, "--output", str(tmp_path / "m.json")]) == 2

    assert "objectGuess" in capsys.readouterr().err


@pytest.mark.parametrize("is_named", [False, True])
def test_training_with_a_companion_is_compared(
    tmp_path: Path,
    is_named: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A second file is found beside the first by the name in the bundle, or by its flag."""
    whole = scans.write_simulated(tmp_path / "whole.npz")
    with np.load(whole) as content:
        arrays = dict(content)
    home = tmp_path / ("elsewhere" if is_named else ".")
    home.mkdir(exist_ok=True)
    other, bare = home / "probe.npz", tmp_path / "bare.npz"
    np.savez(other, probeGuess=arrays.pop("probeGuess"))
    np.savez(bare, **arrays)
    out = tmp_path / "out"
    flags = ["--n_images", "6", "--max_epochs", "1", "--accelerator", "cpu", "--quiet"]
    flags.append("--log-patch-stats")
    words = ["--train_data_file", str(bare), "--output_dir", str(out), *flags]
    assert train.main([*words, "--companion_file", str(other)]) == 0

    data = ["--model_path", str(out), "--data", str(bare), "--output", str(tmp_path / "p.json")]
    named = ["--companion-file", str(other)] if is_named else []

    assert parity.main([*data, *named]) == 0
    assert json.loads((tmp_path / "p.json").read_text())["relative_l2"] <= 1e-6


@pytest.mark.parametrize("program", ["inference", "parity", "evaluate"])
def test_help_loads_nothing_heavy(program: str) -> None:
    """Help needs neither torch nor its companions."""
    code = (
        f"import sys\nfrom ptycho_torch.cli import {program}\n"
        f"try:\n    {program}.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "names = ('torch', 'lightning', 'h5py', 'matplotlib', 'numpy', 'scipy')\n"
        "print('LOADED', [name for name in names if name in sys.modules])"
    )

    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert completed.stdout.strip().endswith("LOADED []")
