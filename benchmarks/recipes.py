"""Recipes of a network, and the programs that train and reconstruct by them.

A short training has the options of the 10-epoch recipe. A long one has others; which of them
helps how much is measured on one scan by trainings that differ in one option each.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import resident
from ptycho_torch.config_params import DataConfig
from ptycho_torch.data import scan_file

GROUPS = 256  # of an epoch
LONG = 50  # epochs from which a training is a long one
LIGHT = "cnn-lite"
AROUND = 4  # groups around each point, where there are several

COSINE = ("--scheduler", "WarmupCosine")
REGROUP = ("--regroup",)
ALONE = ("--no-object-big",)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained and used.

    Attributes:
        epochs: Of ``GROUPS`` groups in batches of four.
        options: Of the training, beside these.
        around: Groups around each point in the reconstruction.
    """

    epochs: int
    options: tuple[str, ...] = ()
    around: int = 1

    @property
    def training(self) -> tuple[str, ...]:
        """Options of the training program."""
        size = ("--max_epochs", str(self.epochs), "--n_images", str(GROUPS))
        return (*size, "--batch_size", "4", "--val_split", "0", *self.options)

    def inference(self, points: int) -> tuple[str, ...]:
        """Options of the inference program for a scan of so many points."""
        if self.around == 1:
            return ()
        return ("--oversample", "--n_images", str(self.around * points))

    def text(self) -> str:
        """Name the options as they are typed."""
        return f"`{' '.join(self.options)}`" if self.options else "the defaults"


def of(architecture: str, epochs: int) -> Recipe:
    """Choose the recipe of a network for a training of so many epochs.

    Patterns that pass alone suit the light network: with it they cost what the default one
    costs with groups.
    """
    if epochs < LONG:
        return Recipe(epochs)
    if architecture == LIGHT:
        return Recipe(epochs, (*ALONE, *REGROUP, *COSINE))
    return Recipe(epochs, (*REGROUP, *COSINE), AROUND)


def steps() -> list[Recipe]:
    """List the recipes from the options of 10 epochs to the light network's of a long one."""
    plain = Recipe(LONG)
    falling = replace(plain, options=COSINE)
    fresh = replace(plain, options=(*REGROUP, *COSINE))
    return [plain, falling, fresh, replace(fresh, around=AROUND), of(LIGHT, LONG)]


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A reconstruction by the programs.

    Attributes:
        cpu_s: What it took.
        metrics: By protocol m1.
        phase: Of the object; NaN where it is not covered.
    """

    cpu_s: float
    metrics: dict[str, Any]
    phase: NDArray[np.float64]


def train(folder: Path, scan: Path, architecture: str, recipe: Recipe) -> float:
    """Train into a folder and return the CPU seconds it took."""
    argv = resident.python(
        *("train", "--train_data_file", scan, "--output_dir", folder, "--quiet"),
        *("--architecture", architecture, "--accelerator", "cpu", *recipe.training),
    )
    return resident.watch(argv, 1).cpu_s


def reconstruct(folder: Path, model: Path, scan: Path, recipe: Recipe) -> Reconstruction:
    """Reconstruct a scan with a trained model into a folder."""
    points = scan_file.read(scan, DataConfig()).point_count
    argv = resident.python(
        *("inference", "--model_path", model, "--test_data", scan, "--quiet"),
        *("--output_dir", folder, "--accelerator", "cpu", *recipe.inference(points)),
    )
    done = resident.watch(argv, 1)
    metrics = json.loads((folder / "metrics.json").read_text())
    with np.load(folder / "reconstruction.npz") as stored:
        phase = np.where(stored["mask"], np.angle(stored["object"]), np.nan)
    return Reconstruction(done.cpu_s, metrics, phase)
