"""The inference program: every flag has its effect, and nothing heavy is loaded in vain."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho_torch.reconstruct import predict
from tests.builders import bundles
from tests.ptycho_torch.cli.inferring import Inputs, infer, small_inputs

PICTURES = {"reconstructed_amplitude.png", "reconstructed_phase.png", "coverage.png"}
BESIDE_TRUTH = {"comparison_amplitude.png", "comparison_phase.png", "frc.png"}
RECORDS = {"config.json", "run.json"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    """Write a small bundle and its scans once."""
    return small_inputs(tmp_path_factory.mktemp("inference"))


@pytest.fixture(autouse=True)
def _undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw once; the pictures have their own tests."""
    if request.node.name != "test_rerun_is_equal_byte_for_byte":
        bundles.leave_undrawn(monkeypatch)


def stored(output: Path) -> dict[str, Any]:
    """Arrays of the reconstruction."""
    with np.load(output / "reconstruction.npz") as store:
        return {name: store[name] for name in store.files}


def values(output: Path) -> dict[str, Any]:
    """Settings that the run recorded."""
    section: dict[str, Any] = json.loads((output / "config.json").read_text())["values"]
    return section


@pytest.fixture(scope="module")
def usual(inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run without optional flags."""
    output = tmp_path_factory.mktemp("usual")
    assert infer(inputs, output) == 0
    return output


def test_result_files_are_all_there(usual: Path) -> None:
    """A run leaves exactly the documented files."""
    names = {path.name for path in usual.iterdir()}

    assert names == PICTURES | BESIDE_TRUTH | RECORDS | {
        "reconstruction.npz",
        "reconstruction.h5",
        "metrics.json",
    }


def test_run_is_recorded(inputs: Inputs, usual: Path) -> None:
    """The record names the data, the bundle and the data residual."""
    record = json.loads((usual / "run.json").read_text())

    assert (record["status"], record["exit_code"]) == ("ok", 0)
    assert record["datasets"][0]["name"] == inputs.scan.name
    assert len(record["bundle_sha256"]) == 64
    assert 0 < record["data_residual"] < 10
    assert record["groups"] == 24


def test_scale_is_logged_once(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stored intensity scale is announced once, as other software reads it."""
    assert infer(inputs, tmp_path) == 0

    text = capsys.readouterr().err
    assert text.count("Loaded intensity_scale from bundle: 19.764235") == 1


def test_rerun_is_equal_byte_for_byte(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """The same command in another folder gives the same reconstruction bytes."""
    assert infer(inputs, tmp_path) == 0

    for name in ("reconstruction.npz", "reconstruction.h5", "metrics.json", *PICTURES):
        assert (tmp_path / name).read_bytes() == (usual / name).read_bytes(), name


def test_old_results_are_removed(inputs: Inputs, tmp_path: Path) -> None:
    """Metrics of an earlier run do not survive a run without metrics."""
    (tmp_path / "metrics.json").write_text("{}")
    (tmp_path / "note.txt").write_text("mine")

    assert infer(inputs, tmp_path, "--no-metrics") == 0

    assert not (tmp_path / "metrics.json").exists()
    assert (tmp_path / "note.txt").exists()


def test_n_images_limits_the_groups(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """Five groups cover less than one group per point."""
    assert infer(inputs, tmp_path, "--n_images", "5") == 0

    assert json.loads((tmp_path / "run.json").read_text())["groups"] == 5
    assert stored(tmp_path)["weight"].sum() < 0.5 * stored(usual)["weight"].sum()


def test_oversampling_goes_round_again(
    inputs: Inputs, usual: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two groups a point weigh twice as much; without the flag there is one, and it says so."""
    groups = 2 * json.loads((usual / "run.json").read_text())["groups"]
    twice = ("--n_images", str(groups))
    with caplog.at_level(logging.INFO):
        assert infer(inputs, tmp_path / "capped", *twice) == 0
    assert infer(inputs, tmp_path / "twice", *twice, "--oversample") == 0

    assert "--oversample" in caplog.text
    counts = [
        json.loads((tmp_path / name / "run.json").read_text())["groups"]
        for name in ("capped", "twice")
    ]
    assert counts == [groups // 2, groups]
    weights = [
        stored(folder)["weight"].sum(dtype=float) for folder in (usual, tmp_path / "twice")
    ]
    assert weights[1] == pytest.approx(2 * weights[0], rel=1e-5)


def test_gridsize_is_an_assertion(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The grid size of the bundle is accepted, another ends with 2 and writes nothing."""
    assert infer(inputs, tmp_path / "same", "--gridsize", "2") == 0
    assert infer(inputs, tmp_path / "other", "--gridsize", "3") == 2

    assert "gridsize" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    "flag",
    [("--seed", "7"), ("--neighbor_count", "12"), ("--neighbor-count", "12")],
)
def test_grouping_flags_change_the_object(
    inputs: Inputs, usual: Path, tmp_path: Path, flag: tuple[str, str]
) -> None:
    """Another seed or reach draws other groups and so predicts another object."""
    assert infer(inputs, tmp_path, *flag) == 0

    assert not np.array_equal(stored(tmp_path)["object"], stored(usual)["object"])


def test_batch_size_changes_nothing_but_itself(
    inputs: Inputs, usual: Path, tmp_path: Path
) -> None:
    """The batch size is used, recorded, and invisible in the object."""
    limit = ("--log-patch-stats", "--patch-stats-limit", "9")
    assert infer(inputs, tmp_path, "--inference-batch-size", "5", *limit) == 0

    assert values(tmp_path)["inference"]["batch_size"] == 5
    entries = json.loads((tmp_path / "analysis/torch_patch_stats.json").read_text())
    assert [entry["batch_size"] for entry in entries] == [5, 5, 5, 5, 4]
    gap = np.linalg.norm(stored(tmp_path)["object"] - stored(usual)["object"])
    assert gap <= 1e-6 * np.linalg.norm(stored(usual)["object"])


@pytest.mark.parametrize("kind", ["hann", "uniform"])
def test_patch_weighting_changes_the_weight(
    inputs: Inputs, usual: Path, tmp_path: Path, kind: str
) -> None:
    """Another stitching weight gives another weight map."""
    assert infer(inputs, tmp_path, "--patch-weighting", kind) == 0

    assert not np.allclose(stored(tmp_path)["weight"], stored(usual)["weight"])


def test_debug_dump_fills_its_folder(inputs: Inputs, tmp_path: Path) -> None:
    """The dump goes where it was asked to, under the output folder or not."""
    assert infer(inputs, tmp_path / "out", "--debug-dump", str(tmp_path / "debug")) == 0

    names = {path.name for path in (tmp_path / "debug").iterdir()}
    assert names == {
        "canvas.json",
        "offsets.json",
        "stats.json",
        "pred_patches_amp_grid.png",
        "pred_patches_amp_grid_normalized.png",
    }
    canvas = json.loads((tmp_path / "debug/canvas.json").read_text())
    assert canvas["num_patch_slots"] == 24 * 4
    assert canvas["canvas_size"] == list(stored(tmp_path / "out")["object"].shape)


def test_patch_statistics_are_limited(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """Statistics are off unless asked for, and stop at the limit; limit 0 records none."""
    small = ("--inference-batch-size", "5", "--log-patch-stats")
    assert infer(inputs, tmp_path / "two", *small, "--patch-stats-limit", "2") == 0
    assert infer(inputs, tmp_path / "none", *small, "--patch-stats-limit", "0") == 0

    entries = json.loads((tmp_path / "two/analysis/torch_patch_stats.json").read_text())
    assert [(entry["phase"], entry["batch_idx"]) for entry in entries] == [
        ("inference", 0),
        ("inference", 1),
    ]
    assert entries[0]["global_mean"] != entries[1]["global_mean"]
    assert entries[0]["scale"]["intensity"] == pytest.approx(19.764235)
    assert json.loads((tmp_path / "none/analysis/torch_patch_stats.json").read_text()) == []
    assert not (usual / "analysis").exists()


def test_input_kind_changes_what_is_read(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """Frames taken as intensities are square-rooted, so the object differs."""
    assert infer(inputs, tmp_path, "--input_kind", "intensity") == 0

    assert not np.array_equal(stored(tmp_path)["object"], stored(usual)["object"])


def test_companion_file_fills_a_gap(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """A probe that the scan lacks is taken from the companion; the object is the same."""
    with np.load(inputs.scan) as store:
        content = {name: store[name] for name in store.files}
    np.savez(tmp_path / "probe.npz", probeGuess=content.pop("probeGuess"))
    np.savez(tmp_path / "frames.npz", **content)
    companion = ("--companion_file", str(tmp_path / "probe.npz"))

    assert infer(inputs, tmp_path / "a", *companion, scan=tmp_path / "frames.npz") == 0
    assert infer(inputs, tmp_path / "b", scan=tmp_path / "frames.npz") == 2

    np.testing.assert_array_equal(stored(tmp_path / "a")["object"], stored(usual)["object"])


def test_config_file_is_weaker_than_flags(inputs: Inputs, tmp_path: Path) -> None:
    """A configuration file sets what no flag does."""
    path = tmp_path / "part.json"
    path.write_text(json.dumps({"inference": {"batch_size": 7, "patch_weighting": "hann"}}))

    assert (
        infer(inputs, tmp_path / "o", "--config", str(path), "--patch-weighting", "uniform")
        == 0
    )

    section = values(tmp_path / "o")["inference"]
    assert (section["batch_size"], section["patch_weighting"]) == (7, "uniform")


def test_precision_changes_the_numbers(inputs: Inputs, usual: Path, tmp_path: Path) -> None:
    """Double precision differs in the last digits, no more."""
    assert infer(inputs, tmp_path, "--precision", "64-true") == 0

    gap = np.linalg.norm(stored(tmp_path)["object"] - stored(usual)["object"])
    assert 0 < gap < 1e-4 * np.linalg.norm(stored(usual)["object"])


def test_execution_flags_reach_the_engine(
    inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers, precision and determinism arrive where batches are computed."""
    seen = []

    def catch(*arguments: Any) -> Any:
        seen.append(arguments[-1])
        return iter(())

    monkeypatch.setattr(predict, "forward", catch)
    infer(
        inputs,
        tmp_path,
        "--num-workers",
        "3",
        "--no-deterministic",
        "--precision",
        "bf16-mixed",
    )

    assert seen == [
        predict.Engine(
            batch_size=64,
            device="cpu",
            precision="bf16-mixed",
            num_workers=3,
            is_deterministic=False,
        )
    ]


def test_quiet_silences_the_summary(
    inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The summary goes to stdout, and is gone with --quiet; log lines stay."""
    infer(inputs, tmp_path / "loud")
    loud = capsys.readouterr()
    infer(inputs, tmp_path / "quiet", "--quiet")
    quiet = capsys.readouterr()

    assert loud.out.startswith("reconstructed 24 points from 24 groups")
    assert quiet.out == ""
    assert "Loaded intensity_scale" in quiet.err


@pytest.mark.slow
def test_lightning_is_not_loaded(inputs: Inputs, tmp_path: Path) -> None:
    """Inference starts without Lightning and without the compiler."""
    code = (
        "import sys; from ptycho_torch.cli.inference import main; code = main(sys.argv[1:]); "
        "heavy = [m for m in ('lightning', 'torch._inductor', 'torch._dynamo') "
        "if m in sys.modules]; print(code, heavy)"
    )
    flags = ["--model_path", str(inputs.model), "--test_data", str(inputs.scan)]

    completed = subprocess.run(
        [sys.executable, "-c", code, *flags, "--output_dir", str(tmp_path), "--quiet"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert completed.stdout.strip() == "0 []"
