"""The training program's flags, errors and exit codes."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ptycho_torch import run_folder, train
from ptycho_torch.cli import flags
from ptycho_torch.cli.train import make_parser
from ptycho_torch.errors import PtychoError
from ptycho_torch.workflows import components
from tests.builders import bundles

REQUIRED = {"train_data_file", "output_dir"}
# backend: its other value needs another environment; its effect is shown in ../backends.
EXEMPT = {"backend", "config", "debug", "help"}

# One value per flag that is not its default.
VALUES: dict[str, list[str]] = {
    "seed": ["7"],
    "perturb": ["1"],
    "gridsize": ["1"],
    "neighbor_count": ["8"],
    "n_images": ["9"],
    "oversample": [],
    "regroup": [],
    "val_split": ["0.2"],
    "nphotons": ["2e4"],
    "input_kind": ["amplitude"],
    "translation_kind": ["probe"],
    "swap_xy": [],
    "flip_x": [],
    "flip_y": [],
    "scan": ["0"],
    "center": ["keep"],
    "drop": [],
    "companion_file": ["{scan}"],
    "object_big": [],
    "no_object_big": [],
    "probe_big": [],
    "no_probe_big": [],
    "architecture": ["cnn-lite"],
    "amp_activation": ["softplus"],
    "test_data_file": ["{scan}"],
    "max_epochs": ["3"],
    "batch_size": ["5"],
    "torch_loss_mode": ["mae"],
    "learning_rate": ["0.01"],
    "warmup_steps": ["3"],
    "scheduler": ["Exponential"],
    "accumulate_grad_batches": ["2"],
    "gradient_clip_val": ["1.5"],
    "early_stop_patience": ["4"],
    "resume": ["auto"],
    "log_patch_stats": [],
    "patch_stats_limit": ["4"],
    "accelerator": ["gpu"],
    "devices": ["2"],
    "num_nodes": ["2"],
    "strategy": ["ddp"],
    "precision": ["64-true"],
    "compile": [],
    "deterministic": [],
    "no_deterministic": [],
    "num_workers": ["1"],
    "logger": ["none"],
    "quiet": [],
    "enable_checkpointing": [],
    "disable_checkpointing": [],
    "checkpoint_save_top_k": ["-1"],
    "checkpoint_every_n_steps": ["5"],
    "checkpoint_monitor": ["train_loss"],
    "checkpoint_mode": ["max"],
    "device": ["cuda"],
    "disable_mlflow": [],
    "n_groups": ["9"],
}


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated scan of 24 points."""
    return bundles.write_scan(tmp_path_factory.mktemp("scan"))


@pytest.fixture
def _untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs end before the fit; everything above it is real."""

    def stop(*_scans: Any, **named: Any) -> Any:
        named["on_start"]()
        return (
            None,
            None,
            {"bundle_sha256": None, **dict.fromkeys(("epochs_run", "best_epoch"))},
        )

    def run(*scans: Any, **named: Any) -> Any:
        _, _, results = stop(*scans, **named)
        return None, None, {**results, "bundle_path": None}

    monkeypatch.setattr(components, "run_cdi_example_torch", run)
    # As if somebody had started the two processes of --devices 2 and --num_nodes 2.
    for name, value in {"LOCAL_RANK": "0", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


def config_of(scan: Path, folder: Path, *words: str) -> dict[str, Any]:
    words_ = ["--train_data_file", str(scan), "--output_dir", str(folder)]
    device = [] if {"--accelerator", "--device"} & set(words) else ["--accelerator", "cpu"]
    assert train.main([*words_, *device, *words]) == 0
    content: dict[str, Any] = json.loads((folder / run_folder.CONFIG).read_text())
    return content


def names_of(parser: argparse.ArgumentParser) -> set[str]:
    options = parser._option_string_actions
    return {name[2:].replace("-", "_") for name in options if name.startswith("--")}


def test_the_table_names_every_flag() -> None:
    """No flag of the program is left out of the walk below."""
    assert names_of(make_parser()) == REQUIRED | EXEMPT | set(VALUES)


@pytest.mark.usefixtures("_untrained")
@pytest.mark.parametrize("name", VALUES)
def test_every_flag_changes_the_record(scan: Path, tmp_path: Path, name: str) -> None:
    """Given in either spelling, a flag changes config.json, and both spellings agree."""
    argument = [word.format(scan=scan) for word in VALUES[name]]
    device = ["--device", "cpu"] if name == "accelerator" else []
    plain = config_of(scan, tmp_path, *device)

    snake = config_of(scan, tmp_path, f"--{name}", *argument)
    kebab = config_of(scan, tmp_path, "--" + name.replace("_", "-"), *argument)

    assert snake["sha256"] != plain["sha256"]
    assert snake == kebab


@pytest.mark.usefixtures("_untrained")
def test_spellings_may_be_mixed(scan: Path, tmp_path: Path) -> None:
    """The words of one flag may be joined differently, and = may join its value."""
    mixed = config_of(scan, tmp_path, "--no-object_big", "--torch_loss-mode=mae")

    assert mixed["values"]["model"]["object_big"] is False
    assert mixed["values"]["training"]["torch_loss_mode"] == "mae"


@pytest.mark.usefixtures("_untrained")
def test_flags_come_in_any_order(scan: Path, tmp_path: Path) -> None:
    """The same flags in another order are the same run."""
    one = config_of(scan, tmp_path, "--seed", "3", "--max_epochs", "2", "--gridsize", "1")
    two = config_of(scan, tmp_path, "--gridsize", "1", "--max_epochs", "2", "--seed", "3")

    assert one == two


@pytest.mark.usefixtures("_untrained")
def test_flags_beat_the_file(scan: Path, tmp_path: Path) -> None:
    """A flag equal to the default still beats the configuration file."""
    partial = bundles.write_config(tmp_path, training={"epochs": 5, "gamma": 0.5})
    both = ("--config", str(partial), "--max_epochs", "100")
    config = config_of(scan, tmp_path / "out", *both)

    assert config["values"]["training"]["epochs"] == 100
    assert config["values"]["training"]["gamma"] == 0.5
    assert config["provenance"]["training.epochs"] == "flag"
    assert config["provenance"]["training.gamma"] == "file"
    assert config["provenance"]["training.batch_size"] == "default"


BAD_WORDS: dict[str, tuple[list[str], str]] = {
    "unknown flag": (["--max_epoch", "1"], "did you mean --max_epochs"),
    "ptycho_dir": (["--ptycho_dir", "x"], "--ptycho_dir"),
    "abbreviation": (["--max", "1"], "unknown key --max"),
    "stray word": (["extra"], "extra"),
    "no value": (["--max_epochs"], "--max_epochs"),
    "text for a number": (["--max_epochs", "many"], "--max_epochs"),
    "zero epochs": (["--max_epochs", "0"], "--max_epochs"),
    "fraction": (["--batch_size", "1.5"], "--batch_size"),
    "zero batch": (["--batch_size", "0"], "--batch_size"),
    "zero groups": (["--n_images", "0"], "--n_images"),
    "zero gridsize": (["--gridsize", "0"], "--gridsize"),
    "few neighbours": (["--neighbor_count", "2"], "neighbor_count"),
    "no photons": (["--nphotons", "0"], "--nphotons"),
    "infinite photons": (["--nphotons", "inf"], "--nphotons"),
    "negative seed": (["--seed", "-1"], "--seed"),
    "wide split": (["--val_split", "0.51"], "--val_split"),
    "kind": (["--input_kind", "phase"], "--input_kind"),
    "head": (["--amp_activation", "relu"], "--amp_activation"),
    "loss": (["--torch-loss-mode", "l2"], "--torch_loss_mode"),
    "zero rate": (["--learning-rate", "0"], "--learning_rate"),
    "zero clip": (["--gradient-clip-val", "0"], "--gradient_clip_val"),
    "multi stage": (["--scheduler", "MultiStage"], "multi-stage"),
    "adaptive": (["--scheduler", "Adaptive"], "ReduceLROnPlateau"),
    "accumulate": (["--accumulate-grad-batches", "0"], "--accumulate_grad_batches"),
    "patience": (["--early-stop-patience", "0"], "--early_stop_patience"),
    "zero steps": (["--checkpoint-every-n-steps", "0"], "--checkpoint_every_n_steps"),
    "top k": (["--checkpoint-save-top-k", "-2"], "--checkpoint_save_top_k"),
    "monitor": (["--checkpoint-monitor", "ssim"], "--checkpoint_monitor"),
    "mode": (["--checkpoint-mode", "best"], "--checkpoint_mode"),
    "tpu": (["--accelerator", "tpu"], "complex"),
    "mps": (["--accelerator", "mps"], "complex"),
    "devices": (["--devices", "0"], "--devices"),
    "machines": (["--num-nodes", "0"], "--num_nodes"),
    "several cpus": (["--devices", "2"], "--strategy ddp"),
    "several machines": (["--num-nodes", "2"], "--num_nodes"),
    "nowhere to meet": (["--num-nodes", "2", "--strategy", "ddp"], "MASTER_ADDR"),
    "strategy": (["--strategy", "fsdp"], "--strategy"),
    "precision": (["--precision", "8"], "--precision"),
    "half precision on the cpu": (["--precision", "16-mixed"], "bf16-mixed"),
    "workers": (["--num-workers", "-1"], "--num_workers"),
    "mlflow": (["--logger", "mlflow"], "csv"),
    "negative limit": (["--patch-stats-limit", "-1"], "--patch_stats_limit"),
    "old device": (["--device", "tpu"], "--device"),
    "switch with value": (["--quiet=1"], "--quiet"),
    "no config": (["--config", "nowhere.json"], "nowhere.json"),
    "no test file": (["--test_data_file", "nowhere.npz"], "nowhere.npz"),
    "no companion": (["--companion_file", "nowhere.npz"], "nowhere.npz"),
    "deviance of mae": (
        ["--torch-loss-mode", "mae", "--checkpoint-monitor", "train_deviance"],
        "--checkpoint_monitor",
    ),
}


@pytest.mark.parametrize("name", BAD_WORDS)
def test_bad_flags_end_with_two(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """One line that names the flag, code 2, and nothing written."""
    words, hint = BAD_WORDS[name]
    out = tmp_path / "out"
    device = [] if "--accelerator" in words else ["--accelerator", "cpu"]

    code = train.main(
        ["--train_data_file", str(scan), "--output_dir", str(out), *device, *words]
    )

    captured = capsys.readouterr()
    errors = [line for line in captured.err.splitlines() if not line.startswith("INFO")]
    assert code == 2
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert hint in errors[0]
    assert captured.out == ""
    assert not out.exists()


def test_missing_flags_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Without the required flags the first of them is asked for."""
    assert train.main([]) == 2
    assert capsys.readouterr().err.startswith("error: --output_dir")


def test_bad_output_folders(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file, or a place below a file, cannot become the output folder."""
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for folder in (taken, taken / "below"):
        assert bundles.train(scan, folder) == 2
        assert "--output_dir" in capsys.readouterr().err
    assert taken.read_text() == "mine"


def test_a_full_disk_ends_with_one(
    scan: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A write that fails is a failed run, in one line, with no half-written bundle."""
    from ptycho_torch import files

    real = files.write_bytes

    def fill(path: Path, content: bytes) -> None:
        if path.name == run_folder.BUNDLE:
            with files.open_replacement(path):
                raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(files, "write_bytes", fill)

    assert bundles.train(scan, tmp_path / "out") == 1
    assert "No space left" in capsys.readouterr().err.splitlines()[-1]
    assert bundles.record(tmp_path / "out")["status"] == "failed"
    assert not list((tmp_path / "out").glob("*wts*"))


def test_debug_adds_the_traceback(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only on request."""
    bundles.train(scan, tmp_path / "out", "--gridsize", "0")
    assert "Traceback" not in capsys.readouterr().err
    bundles.train(scan, tmp_path / "out", "--gridsize", "0", "--debug")
    assert "Traceback" in capsys.readouterr().err


def test_a_gridsize_the_scan_cannot_hold(scan: Path, tmp_path: Path) -> None:
    """Groups of 25 need 25 points."""
    assert bundles.train(scan, tmp_path / "out", "--gridsize", "5") == 2
    assert not (tmp_path / "out").exists()


def test_empty_paths_are_refused() -> None:
    """An empty text is no path, not the current folder."""
    assert train.main(["--train_data_file", "", "--output_dir", "x"]) == 2
    with pytest.raises(PtychoError):
        flags.refuse_empty(argparse.Namespace(output_dir=""), ["output_dir"])


@pytest.mark.parametrize("module", ["ptycho_torch.train", "ptycho_torch.inference"])
def test_help_is_quick_and_light(module: str) -> None:
    """Help imports none of the heavy libraries."""
    code = (
        f"import sys, {module} as m\n"
        "try:\n    m.main(['--help'])\n"
        "except SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'torch', 'lightning', 'h5py', 'matplotlib', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "--log-patch-stats" in done.stdout
