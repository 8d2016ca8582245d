"""The numbers of short runs: scales, the first twenty losses, patch statistics.

Adam divides gradients by their own size, so that training multiplies rounding errors: at the
usual rate of 10⁻³ they reach per cents within twenty steps. At 10⁻⁴ and in double precision,
weights that are off by half a unit of single precision, as another instruction set may draw
them, move no column by more than 3·10⁻⁶ of its largest number. The tolerance is three times
that, and less than a tenth of what a thousandth of the rate changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ptycho_torch import inference
from ptycho_torch.data import scaling
from ptycho_torch.training import optimizer
from tests.builders import bundles, scans

STEPS = 20
EXACT = 1e-9  # sums in double precision; what is drawn is rounded to single before them
LEARNED = 1e-5
GENTLE = ("--precision", "64-true", "--learning-rate", "1e-4")
COLUMNS = ("lr", "train_loss", "train_deviance", "grad_norm", "amp_mean", "amp_std")
RECORDED = ("--log-patch-stats", "--patch-stats-limit", "2")
STATISTICS = ("global_mean", "global_std", "var_zero_mean", "n_nonfinite")
SCALES = ("mean_energy", "input_scale", "intensity_scale", "probe_energy", "probe_scale")


def test_scales_keep_their_numbers(numbers: Callable[..., None]) -> None:
    """The scaling contract of three scans, one of them of two modes and with a mask."""
    plain = scans.simulated_scan()
    masked = dataclasses.replace(
        plain,
        probe=np.concatenate([plain.probe, 0.5 * np.roll(plain.probe, 3, -1)]),
        valid_mask=np.add.outer(np.arange(32), 2 * np.arange(32)) % 7 > 0,
    )
    other = scans.simulated_scan(scans.tiny_recipe(seed=8, nphotons=3e3))

    results = [
        scaling.fit(scan, photons)
        for scan, photons in ((plain, 1e5), (masked, 1e5), (other, 3e3))
    ]

    table = {name: np.array([getattr(one, name) for one in results]) for name in SCALES}
    numbers("scales", table, ["plain", "masked", "dim"], EXACT)


def trained(folder: Path, architecture: str) -> Path:
    """Train for twenty steps, each of them an epoch, and record the first patches."""
    scan = bundles.write_scan(folder)
    code = bundles.train(
        scan,
        folder / "train",
        *(
            "--max_epochs",
            str(STEPS),
            "--n_images",
            "8",
            "--batch_size",
            "8",
            "--val_split",
            "0",
        ),
        *("--architecture", architecture, "--disable-checkpointing", *RECORDED),
        *GENTLE,
    )
    assert code == 0
    return folder / "train"


def losses(folder: Path) -> dict[str, NDArray[np.float64]]:
    """Read the columns of the epoch table."""
    rows = bundles.history(folder)
    return {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}


def recorded(folder: Path) -> tuple[dict[str, NDArray[np.float64]], list[str]]:
    """Read the patch statistics as columns, with a name for every record."""
    rows = bundles.stats(folder)
    names = [f"{row['phase']} {row['epoch']} {row['batch_idx']}" for row in rows]
    return {name: np.array([float(row[name]) for row in rows]) for name in STATISTICS}, names


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ["cnn", "cnn-lite"])
def test_first_losses_keep_their_numbers(
    architecture: str, tmp_path: Path, numbers: Callable[..., None]
) -> None:
    """The table of twenty steps, and the patch statistics of both phases."""
    folder = trained(tmp_path, architecture)
    done = inference.main(
        [
            *("--model_path", str(folder), "--test_data", str(tmp_path / "scan.npz")),
            *("--output_dir", str(tmp_path / "inference"), "--n_images", "8"),
            *("--accelerator", "cpu", "--quiet", *RECORDED),
        ]
    )
    assert done == 0

    numbers(f"training-{architecture}", losses(folder), list(map(str, range(STEPS))), LEARNED)
    for phase, place in (("training", folder), ("inference", tmp_path / "inference")):
        table, names = recorded(place)
        numbers(f"patches-{phase}-{architecture}", table, names, LEARNED)


@pytest.mark.slow
def test_a_thousandth_of_the_rate_is_seen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    red_columns: Callable[..., list[str]],
) -> None:
    """A learning rate that is off by 10⁻³ shows in the losses."""
    real = optimizer.make

    def faster(*arguments: Any, **named: Any) -> Any:
        made = real(*arguments, **named)
        for group in made.param_groups:
            group["lr"] *= 1.001
        return made

    monkeypatch.setattr(optimizer, "make", faster)
    curves = losses(trained(tmp_path, "cnn-lite"))

    red = red_columns("training-cnn-lite", curves, list(map(str, range(STEPS))), LEARNED)
    assert {"lr", "train_loss"} <= set(red)
