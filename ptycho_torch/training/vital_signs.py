"""Steps of a training → an error as soon as the network can no longer learn.

A network whose heads are saturated, or whose hidden units are all off, has a gradient of
exactly zero or says the same to every input: no further step will change that, and every loss
to come is finite and every exit code was 0.

Source: design of the model, section 20.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from ptycho_torch.axes import Amplitude, ObjectPatches
from ptycho_torch.config_params import ModelConfig, RunConfig, TrainingConfig
from ptycho_torch.errors import DeadTrainingError

# A network may stand still for some steps and go on; only many in a row are its end.
LEAST_STEPS = 50
_WARMUPS = 3
_EPOCHS = 3
_SAME_LOSS = 1e-12  # relative
_SAME_OUTPUT = 1e-7  # largest difference between samples, relative to the largest value
_OTHER_INPUT = 1e-3
_NEAR_BOUND = 0.01  # of the bound
_TOLD_SHARE = 0.01


class VitalSigns:
    """Watches gradients, outputs and losses of one training.

    Args:
        config: Complete settings of the run.
        steps_per_epoch: Optimiser steps of an epoch.
    """

    def __init__(self, config: RunConfig, steps_per_epoch: int) -> None:
        """Start with nothing seen."""
        self._model, self._training = config.model, config.training
        self.patience = patience(config.training, steps_per_epoch)
        self._steps_per_epoch = max(1, steps_per_epoch)
        self._still = self._alike = 0
        self._losses: list[float] = []

    def note_step(
        self,
        where: str,
        gradient_norm: float,
        patches: ObjectPatches | None = None,
        amplitude: Amplitude | None = None,
    ) -> None:
        """Take in one optimiser step.

        Args:
            where: Epoch and batch, for the message.
            gradient_norm: Before clipping.
            patches: O of the last batch; None when it cannot be looked at.
            amplitude: What they were predicted from.

        Raises:
            DeadTrainingError: For ``patience`` steps the gradient was exactly zero, or all
                inputs of a batch had the same output.
        """
        # Exactly 0 and not small: a slow training is no dead one.
        self._still = self._still + 1 if gradient_norm == 0 else 0
        if self._still >= self.patience:
            actual = f"a gradient of exactly 0 for {self._still} steps"
            raise self._dead(where, actual, patches)
        if patches is None or amplitude is None:
            return
        self._alike = self._alike + 1 if ignores_input(patches, amplitude) else 0
        if self._alike >= self.patience:
            actual = f"the same output for every input for {self._alike} steps"
            raise self._dead(where, actual, patches)

    def note_epoch(self, where: str, loss: float, patches: ObjectPatches | None = None) -> None:
        """Take in the mean training loss of an epoch.

        Raises:
            DeadTrainingError: It has not changed over ``patience`` steps and three epochs.
        """
        # One other loss is a sign of life and starts the count anew.
        if self._losses and not math.isclose(loss, self._losses[-1], rel_tol=_SAME_LOSS):
            self._losses.clear()
        self._losses.append(loss)
        unchanged = len(self._losses) - 1
        steps = unchanged * self._steps_per_epoch
        if unchanged >= _EPOCHS and steps >= self.patience:
            raise self._dead(
                where, f"a loss of {loss:.6g} that stayed for {steps} steps", patches
            )

    def _dead(self, where: str, found: str, patches: ObjectPatches | None) -> DeadTrainingError:
        state = "" if patches is None else describe_heads(patches, self._model)
        return DeadTrainingError(
            where,
            expected="a network that learns",
            found=f"{found}{f': {state}' if state else ''}",
            remedy=remedy(self._training),
        )


def patience(training: TrainingConfig, steps_per_epoch: int) -> int:
    """Return how many steps without life end a training: three warm-ups, 50 at least."""
    epochs = training.warmup_epochs if training.scheduler == "WarmupCosine" else 0
    warmup = max(training.warmup_steps, epochs * steps_per_epoch)
    return max(LEAST_STEPS, _WARMUPS * warmup)


def remedy(training: TrainingConfig) -> str:
    """Name the settings that help, with values that differ from those of the run."""
    clip = training.gradient_clip_val
    tighter = 1.0 if clip is None else clip / 10
    return (
        f"try --learning_rate {training.learning_rate / 10:g}, "
        f"--gradient_clip_val {tighter:g} or --scheduler WarmupCosine, "
        "and check --nphotons and --input_kind, which set the scale of the loss"
    )


def ignores_input(patches: ObjectPatches, amplitude: Amplitude) -> bool:
    """Tell whether different inputs (B, C, N, N) of a batch all have the same output.

    A batch of one group, or of equal inputs, tells nothing.
    """
    if len(patches) < 2 or _spread(amplitude) <= _OTHER_INPUT:  # noqa: PLR2004
        return False
    return _spread(torch.view_as_real(patches)) <= _SAME_OUTPUT


def describe_heads(patches: ObjectPatches, model: ModelConfig) -> str:
    """Say which heads are saturated in patches (B, C, N, N); empty when none is."""
    size, phase = patches.abs(), patches.angle().abs()
    heads: Sequence[tuple[str, torch.Tensor]] = [
        ("amplitude at 0", size < _NEAR_BOUND),
        (f"amplitude at amp_max = {model.amp_max:g}", size > (1 - _NEAR_BOUND) * model.amp_max),
        ("phase at ±π", (size >= _NEAR_BOUND) & (phase > (1 - _NEAR_BOUND) * math.pi)),
    ]
    if model.amp_activation != "bounded":
        # Other activations have no upper bound to be near.
        heads = [heads[0], heads[2]]
    shares = [(name, float(near.float().mean())) for name, near in heads]
    saturated = [
        f"{name} in {share:.0%} of the pixels" for name, share in shares if share >= _TOLD_SHARE
    ]
    return ", ".join(saturated)


def _spread(values: torch.Tensor) -> float:
    """Largest difference of any sample from the first, relative to the largest value."""
    largest = float(values.abs().max())
    return float((values - values[:1]).abs().max()) / largest if largest > 0 else 0.0
