"""A training whose network can no longer learn ends with an error that says why."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import torch

from ptycho_torch import run_folder
from ptycho_torch.config_params import RunConfig, TrainingConfig
from ptycho_torch.errors import DeadTrainingError
from ptycho_torch.training import vital_signs
from ptycho_torch.training.vital_signs import LEAST_STEPS, VitalSigns
from tests.builders import bundles


def watch(steps_per_epoch: int = 10, **training: object) -> VitalSigns:
    """Watch a training with some of its settings changed."""
    config = RunConfig()
    changed = dataclasses.replace(config.training, **{"warmup_steps": 0, **training})
    return VitalSigns(dataclasses.replace(config, training=changed), steps_per_epoch)


def batch(*, same_output: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches and amplitudes of four groups."""
    draw = torch.Generator().manual_seed(3)
    amplitude = torch.rand((4, 4, 8, 8), generator=draw)
    patches = torch.complex(amplitude + 0.5, 0.1 * amplitude)
    return (patches[:1].expand_as(patches) if same_output else patches), amplitude


def test_a_gradient_of_zero_ends_it() -> None:
    """Fifty steps in a row with a gradient of exactly zero, not forty-nine, not a tiny one."""
    seen = watch()
    for step in range(LEAST_STEPS - 1):
        seen.note_step(f"batch {step}", 0.0, *batch())
    seen.note_step("batch", 1e-30, *batch())
    for step in range(LEAST_STEPS - 1):
        seen.note_step(f"batch {step}", 0.0, *batch())

    with pytest.raises(DeadTrainingError) as caught:
        seen.note_step("epoch 2, batch 7", 0.0, *batch())

    assert caught.value.where == "epoch 2, batch 7"
    assert caught.value.found.startswith("a gradient of exactly 0 for 50 steps")
    assert "--learning_rate 0.0001" in caught.value.remedy
    assert "--gradient_clip_val 1 " in caught.value.remedy


def test_a_network_that_ignores_its_input_ends_it() -> None:
    """One output for all inputs is death, whatever the gradient; equal inputs tell nothing."""
    seen = watch()
    patches, amplitude = batch(same_output=True)
    equal = amplitude[:1].expand_as(amplitude)
    for _ in range(2 * LEAST_STEPS):
        seen.note_step("batch", 0.5, patches, equal)
        seen.note_step("batch", 0.5, patches[:1], amplitude[:1])
    for _ in range(LEAST_STEPS - 1):
        seen.note_step("batch", 0.5, patches, amplitude)

    with pytest.raises(DeadTrainingError) as caught:
        seen.note_step("batch", 0.5, patches, amplitude)

    assert "the same output for every input" in caught.value.found


def test_a_loss_that_stays_ends_it() -> None:
    """Three epochs and fifty steps of one loss; a change of 1e-9 is a change."""
    seen = watch(steps_per_epoch=20)
    for loss in (4.0, 4.0, 4.0, 4.0 * (1 + 1e-9), 4.0, 4.0, 4.0):
        seen.note_epoch("epoch", loss)

    with pytest.raises(DeadTrainingError) as caught:
        seen.note_epoch("epoch 7", 4.0)

    assert "a loss of 4 that stayed for 60 steps" in caught.value.found


def test_a_warm_up_is_waited_for() -> None:
    """Three warm-ups may pass without a gradient before a training counts as dead."""
    plain = TrainingConfig(warmup_epochs=10, warmup_steps=0)
    brief = TrainingConfig(warmup_epochs=10, warmup_steps=30)
    warming = TrainingConfig(warmup_epochs=10, scheduler="WarmupCosine")

    assert vital_signs.patience(plain, 40) == LEAST_STEPS
    assert vital_signs.patience(brief, 40) == 3 * 30
    assert vital_signs.patience(warming, 40) == 3 * 10 * 40


def test_saturated_heads_are_named() -> None:
    """Shares of the pixels at either bound of the amplitude, and at the end of the phase."""
    patches = torch.ones((1, 1, 10, 10), dtype=torch.complex64)
    patches[..., :3, :], patches[..., 3:5, :] = 0, 2
    patches[..., 5:6, :] = -1

    text = vital_signs.describe_heads(patches, RunConfig().model)

    assert text == (
        "amplitude at 0 in 30% of the pixels, amplitude at amp_max = 2 in 20% of the pixels, "
        "phase at ±π in 10% of the pixels"
    )


def test_a_killed_network_ends_a_run(
    scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rate that saturates both heads at once: exit 1, one line, records, no bundle."""
    flags = ("--max_epochs", "60", "--learning_rate", "3", "--warmup_steps", "0")

    code = bundles.train(scan, tmp_path, *flags)

    output = capsys.readouterr().err
    assert code == 1
    assert "Traceback" not in output
    assert "expected a network that learns, got a gradient of exactly 0 for 50 steps" in output
    assert "amplitude at " in output
    assert "--learning_rate 0.3" in output
    assert bundles.record(tmp_path)["status"] == "failed"
    assert float(bundles.history(tmp_path)[-1]["grad_norm"]) == 0
    assert not (tmp_path / run_folder.BUNDLE).exists()


def test_a_sound_run_reports_its_misfit(usual: Path) -> None:
    """Training says how well it explains its own frames and held-out ones."""
    report = json.loads((usual / run_folder.METRICS).read_text())

    assert set(report) == {"training", "unseen"}
    for part in report.values():
        for kind in ("network", "object"):
            assert 0 < part[kind]["fit_residual"] < 1
            assert part[kind]["null_residual"]["empty"] == 1
            assert part[kind]["ratio"]["best"] > 0
