"""Learning rates over the epochs, against their closed forms."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho_torch.config_params import TrainingConfig
from ptycho_torch.training import optimizer
from tests.builders import bundles


def rates(folder: Path) -> list[float]:
    return [float(row["lr"]) for row in bundles.history(folder)]


def test_default_rate_is_constant(scan: Path, tmp_path: Path) -> None:
    """Without a schedule every epoch has the same rate."""
    assert bundles.train(scan, tmp_path, "--max_epochs", "3") == 0

    assert rates(tmp_path) == [1e-3] * 3


def test_exponential_multiplies(scan: Path, tmp_path: Path) -> None:
    """Each epoch has γ times the rate of the one before."""
    plan = {"training": {"gamma": 0.5}}
    flags = ("--max_epochs", "3", "--scheduler", "Exponential")
    assert bundles.train(scan, tmp_path, *flags, **plan) == 0

    assert rates(tmp_path) == pytest.approx([1e-3, 5e-4, 2.5e-4], rel=1e-12)


def test_warmup_then_cosine(scan: Path, tmp_path: Path) -> None:
    """Two rising epochs, the full rate, half-way down, and the floor at the end."""
    plan = {"training": {"warmup_epochs": 2, "min_lr_ratio": 0.2}}
    flags = ("--max_epochs", "5", "--scheduler", "WarmupCosine")
    assert bundles.train(scan, tmp_path, *flags, **plan) == 0

    assert rates(tmp_path) == pytest.approx([1e-3 / 3, 2e-3 / 3, 1e-3, 6e-4, 2e-4], rel=1e-12)


def test_plateau_waits_and_halves(scan: Path, tmp_path: Path) -> None:
    """A monitored loss that must rise and does not halves the rate down to the floor."""
    plan = {"training": {"plateau_patience": 0, "plateau_min_lr": 4e-4}}
    flags = ("--max_epochs", "4", "--scheduler", "ReduceLROnPlateau")
    monitor = ("--checkpoint-mode", "max", "--checkpoint-monitor", "train_loss")
    assert bundles.train(scan, tmp_path, *flags, *monitor, **plan) == 0

    losses = [float(row["train_loss"]) for row in bundles.history(tmp_path)]
    assert losses == sorted(losses, reverse=True)
    assert rates(tmp_path) == pytest.approx([1e-3, 1e-3, 5e-4, 4e-4], rel=1e-12)


@pytest.mark.parametrize("epochs", [1, 2, 7])
def test_cosine_ends_at_the_floor(epochs: int) -> None:
    """Without a warm-up the first epoch has the full rate and the last the floor."""
    config = TrainingConfig(epochs=epochs, min_lr_ratio=0.25)

    assert optimizer.warmup_cosine(0, config) == 1.0
    last = optimizer.warmup_cosine(max(epochs - 1, 1), config)
    assert last == pytest.approx(0.25)
    middle = optimizer.warmup_cosine(3, TrainingConfig(epochs=7))
    assert middle == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 2)) / 2)


@pytest.mark.parametrize("mode", ["mae", pytest.param("poisson", marks=pytest.mark.long)])
def test_steps_do_not_depend_on_dose(scan: Path, tmp_path: Path, mode: str) -> None:
    """The photon unit of the loss scales gradients and floor alike, so the pipeline is one."""
    # Full steps at once: after short ones a bias is small, and rounding a large part of it.
    plan = {"training": {"poisson_eps": 1e-12, "warmup_steps": 0}}
    folders = [tmp_path / "dim", tmp_path / "bright"]
    # A factor 4⁵ makes s grow by 2⁵: the same digits, so that rounding plays no part.
    for folder, photons in zip(folders, ("1e4", "1.024e7"), strict=True):
        flags = ("--nphotons", photons, "--torch-loss-mode", mode)
        assert bundles.train(scan, folder, *flags, **plan) == 0

    dim, bright = (bundles.weights(folder) for folder in folders)
    for name, weight in dim.items():
        moved = float(((weight - bright[name]) ** 2).sum() ** 0.5)
        assert moved < 1e-4 * float((weight**2).sum() ** 0.5), name


def test_the_first_steps_are_short(scan: Path, tmp_path: Path) -> None:
    """The first step of a warm-up moves every weight by 0.4 of what it would without.

    The rate of the epoch, as recorded, stays what the schedule says.
    """
    places = {name: tmp_path / name for name in ("start", "full", "short")}
    places["start"].mkdir()
    bundles.fresh(scan, places["start"])
    for name, warmup in (("full", "0"), ("short", "9")):
        flags = ("--batch_size", "8", "--warmup_steps", warmup)
        assert bundles.train(scan, places[name], *flags) == 0
    start, full, short = (bundles.weights(places[name]) for name in places)

    assert rates(places["short"]) == rates(places["full"]) == [1e-3]
    assert max(np.abs(full[name] - start[name]).max() for name in start) > 5e-4
    for name, weight in start.items():
        np.testing.assert_allclose(
            short[name] - weight, 0.4 * (full[name] - weight), rtol=0, atol=1e-7
        )


def test_the_rate_rises_to_the_full_one() -> None:
    """Equal parts more with every step, then the full rate; that at once without a warm-up."""
    config = TrainingConfig(warmup_steps=4)
    rising = [optimizer.first_rate(step, config) for step in range(6)]

    assert rising == pytest.approx([0.4, 0.55, 0.7, 0.85, 1.0, 1.0], rel=1e-12)
    assert optimizer.first_rate(0, TrainingConfig(warmup_steps=0)) == 1.0


def test_a_failed_step_leaves_the_rate() -> None:
    """An error within a step does not leave the lower rate behind."""
    adam = torch.optim.Adam([torch.nn.Parameter(torch.ones(1))], lr=0.5)
    seen = []

    def step() -> None:
        with optimizer.scaled_rate(adam, 0.1):
            seen.append(adam.param_groups[0]["lr"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        step()

    assert seen == [pytest.approx(0.05)]
    assert adam.param_groups[0]["lr"] == 0.5
