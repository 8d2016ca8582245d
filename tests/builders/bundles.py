"""Small honest bundles and training runs: real scans, real settings, a narrow network."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch import run_folder
from ptycho_torch.bundle import write
from ptycho_torch.config_factory import create_training_payload
from ptycho_torch.data import scan_file
from ptycho_torch.payload import TrainingPayload
from ptycho_torch.reconstruct import pictures
from ptycho_torch.train import main
from ptycho_torch.training import describe, prepare
from ptycho_torch.training.epochs import Progress
from tests.builders import scans

NARROW = {"model": {"n_filters_scale": 1}}


def write_scan(folder: Path, name: str = "scan.npz", **recipe: Any) -> Path:
    """Simulate 24 points at N = 32 into a file."""
    return scans.write_simulated(folder / name, scans.tiny_recipe(**recipe))


def write_config(folder: Path, **sections: dict[str, Any]) -> Path:
    """Write a partial configuration with the narrow network."""
    path = folder / "partial.json"
    path.write_text(json.dumps({**NARROW, **sections}))
    return path


def train(scan: Path, folder: Path, *flags: str, **sections: dict[str, Any]) -> int:
    """Train for one short epoch through the program; later flags win."""
    config = write_config(scan.parent, **sections)
    usual = ("--max_epochs", "1", "--n_images", "8", "--batch_size", "4", "--quiet")
    names = {name for name in flags if name.startswith("--")}
    defaults = [
        word
        for index, word in enumerate(usual)
        if word not in names and usual[index - 1] not in names
    ]
    places = ("--train_data_file", str(scan), "--output_dir", str(folder))
    fixed = ("--config", str(config), "--accelerator", "cpu")
    return main([*places, *fixed, *defaults, *flags])


def start(
    scan: Path, folder: Path, *flags: str, **sections: dict[str, Any]
) -> subprocess.Popen[bytes]:
    """Start a training as a program in a group of its own, without shape checks."""
    config = write_config(scan.parent, **sections)
    words = [
        "--train_data_file",
        str(scan),
        "--output_dir",
        str(folder),
        "--config",
        str(config),
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "ptycho_torch.train", *words, "--accelerator", "cpu", *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def leave_undrawn(patch: pytest.MonkeyPatch) -> None:
    """Reconstruct without pictures, which take most of a short run and have own tests."""
    for name in ("amplitude", "phase"):
        patch.setattr(pictures, name, lambda _: b"")


def fresh(scan: Path, folder: Path, **overrides: Any) -> Path:
    """Write the bundle of an untrained model, without a fit."""
    payload = settle(scan, folder, **overrides)
    config = payload.run_config
    prepared = prepare.prepare(config, scan_file.read(scan, config.data))
    progress = Progress("train_loss", "min")
    path = folder / run_folder.BUNDLE
    about = describe.manifest(config, prepared, progress)
    write.write(path, about, prepared.model, progress.table())
    return path


def settle(scan: Path, folder: Path, **overrides: Any) -> TrainingPayload:
    """Complete the settings of a short run with the narrow network, on the CPU."""
    usual = {
        "n_filters_scale": 1,
        "n_groups": 8,
        "training.batch_size": 4,
        "epochs": 1,
        "accelerator": "cpu",
    }
    return create_training_payload(scan, folder, {**usual, **overrides})


def history(folder: Path) -> list[dict[str, str]]:
    """Read the epoch table of a run."""
    with (folder / run_folder.HISTORY).open(newline="") as stream:
        return list(csv.DictReader(stream))


def manifest(folder: Path) -> dict[str, Any]:
    """Read ``bundle.json`` of a run without the package under test."""
    with zipfile.ZipFile(folder / run_folder.BUNDLE) as archive:
        content: dict[str, Any] = json.loads(archive.read("bundle.json"))
    return content


def record(folder: Path) -> dict[str, Any]:
    """Read ``run.json`` of a run."""
    content: dict[str, Any] = json.loads((folder / run_folder.RUN).read_text())
    return content


def stats(folder: Path) -> list[dict[str, Any]]:
    """Read the patch statistics of a run."""
    content: list[dict[str, Any]] = json.loads((folder / run_folder.STATS).read_text())
    return content


def weights(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Read the weights of a run's bundle."""
    from safetensors.numpy import load

    with zipfile.ZipFile(folder / run_folder.BUNDLE) as archive:
        tensors: dict[str, NDArray[np.float32]] = load(archive.read("model.safetensors"))
    return tensors


def members_of(path: Path) -> dict[str, bytes]:
    """Read all members of a bundle."""
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
