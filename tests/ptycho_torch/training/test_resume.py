"""A run that was broken within an epoch goes on where its last checkpoint was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ptycho_torch import run_folder
from ptycho_torch.data.dataset import EpochSampler
from ptycho_torch.errors import OutputError
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training.trainers import AtomicCheckpoints
from tests.builders import bundles

# Five steps of two groups in each epoch, without validation.
SHORT = ("--n_images", "10", "--batch_size", "2", "--val_split", "0", "--max_epochs", "3")
EVERY = ("--checkpoint-every-n-steps", "1")


def stopping(after: int) -> Callable[..., Any]:
    """Make a forward pass that the user interrupts at some call."""
    calls, real = 0, PtychoPINN.forward

    def forward(self: PtychoPINN, *tensors: torch.Tensor) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return real(self, *tensors)

    return forward


def train_and_break(scan: Path, folder: Path, calls: int, *flags: str, **plan: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PtychoPINN, "forward", stopping(calls))
        assert bundles.train(scan, folder, *flags, **plan) == 130


def same(first: Path, second: Path) -> None:
    assert (first / run_folder.HISTORY).read_text() == (second / run_folder.HISTORY).read_text()
    one, two = bundles.weights(first), bundles.weights(second)
    assert all(np.array_equal(one[name], two[name]) for name in one)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "calls", "flags"),
    [
        ("ReduceLROnPlateau", 12, ("--regroup",)),
        pytest.param("Exponential", 7, ("--num-workers", "1"), marks=pytest.mark.long),
        pytest.param("Default", 3, (), marks=pytest.mark.long),
        pytest.param(
            "Exponential", 9, ("--accumulate-grad-batches", "2"), marks=pytest.mark.long
        ),
    ],
)
def test_a_broken_epoch_goes_on(
    scan: Path, tmp_path: Path, schedule: str, calls: int, flags: tuple[str, ...]
) -> None:
    """Broken at any step and resumed, a run gives bit for bit what it gives unbroken.

    Table, weights, rates and gradient norms; also when loader processes gather ahead, when
    every epoch draws its groups, and when a step takes two batches.
    """
    plan = {"training": {"plateau_patience": 0, "plateau_min_lr": 1e-6, "gamma": 0.5}}
    arguments = (*SHORT, "--scheduler", schedule, *flags)
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert bundles.train(scan, straight, *arguments, **plan) == 0
    train_and_break(scan, broken, calls, *arguments, *EVERY, **plan)

    assert bundles.train(scan, broken, *arguments, *EVERY, "--resume", "auto", **plan) == 0

    same(straight, broken)


def test_only_what_is_left_is_served(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three of five steps, a resumed epoch starts behind the sixth group."""
    train_and_break(scan, tmp_path, 3, *SHORT, *EVERY)
    begun: list[tuple[int, int]] = []
    real = EpochSampler.resume_at

    def spy(self: EpochSampler, epoch: int, served: int) -> None:
        begun.append((epoch, served))
        real(self, epoch, served)

    monkeypatch.setattr(EpochSampler, "resume_at", spy)
    resumed = (*SHORT[:-1], "1", *EVERY, "--resume", "auto")
    assert bundles.train(scan, tmp_path, *resumed) == 0

    assert begun == [(0, 6)]
    assert bundles.history(tmp_path)[0]["step"] == "5"


def test_steps_between_checkpoints(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every second step of five, and the end of the epoch; never twice at one step."""
    import lightning.pytorch as pl

    steps: list[tuple[str, int]] = []
    real = pl.Trainer.save_checkpoint

    def spy(self: pl.Trainer, path: Any, *more: Any) -> None:
        steps.append((Path(path).name, self.global_step))
        real(self, path, *more)

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", spy)
    flags = (*SHORT[:-1], "1", "--checkpoint-every-n-steps", "2")
    assert bundles.train(scan, tmp_path, *flags) == 0

    written = [step for name, step in steps if name == run_folder.LAST]
    assert written == [2, 4, 5]


def test_a_checkpoint_is_whole_or_old(tmp_path: Path) -> None:
    """A write that breaks leaves the checkpoint before it, and nothing beside it."""

    class Unwritable:
        def __reduce__(self) -> Any:
            raise OSError(28, "No space left on device")

    path = tmp_path / "last.ckpt"
    AtomicCheckpoints().save_checkpoint({"epoch": 1}, path)
    before = path.read_bytes()
    with pytest.raises(OutputError):
        AtomicCheckpoints().save_checkpoint({"epoch": Unwritable()}, path)

    assert path.read_bytes() == before
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["last.ckpt"]


def test_the_joint_batch_must_be_the_same(scan: Path, tmp_path: Path) -> None:
    """Devices may change if their batches together stay as large; else it is another run."""
    from ptycho_torch.data import scan_file
    from ptycho_torch.training import resume

    def digest(batch_size: int, devices: int) -> str:
        changes = {"training.batch_size": batch_size, "devices": devices, "strategy": "ddp"}
        config = bundles.settle(scan, tmp_path, **changes).run_config
        return resume.digest(config, data, None)

    data = scan_file.read(scan, bundles.settle(scan, tmp_path).run_config.data)
    assert digest(8, 1) == digest(4, 2) == digest(2, 4)
    assert digest(8, 1) != digest(8, 2)
