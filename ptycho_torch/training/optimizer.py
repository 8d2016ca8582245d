"""Optimiser and learning-rate schedule of a training run."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Iterable, Iterator

import torch
from torch.optim import Adam, lr_scheduler

from ptycho_torch.config_params import TrainingConfig

_FIRST_RATE = 0.4  # of the rate, in the first step of a warm-up
Schedule = lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau


def make(
    parameters: Iterable[torch.nn.Parameter], config: TrainingConfig, intensity_scale: float
) -> Adam:
    """Make the Adam optimiser.

    Adam divides each gradient by its own size, so its first step moves every weight by the
    full rate, more than the initial heads weigh, and for some seeds the phase head
    saturates and never comes back. The floor eps keeps weights with small gradients at
    smaller steps. The gradient of the loss grows with the photons: with s² (poisson) or s
    (mae). So does the floor, and the steps do not depend on the dose.

    Args:
        parameters: Weights to train.
        config: Rate, betas and floor.
        intensity_scale: s, from the scaling contract [√photons].
    """
    first, second = config.betas
    unit = intensity_scale if config.torch_loss_mode == "mae" else intensity_scale**2
    return Adam(
        parameters,
        lr=config.learning_rate,
        betas=(first, second),
        eps=config.adam_eps * unit,
        weight_decay=config.weight_decay,
        fused=True,
    )


def first_rate(step: int, config: TrainingConfig) -> float:
    """Return the rate of an optimiser step relative to that of its epoch.

    Adam's first steps move every weight by the full rate in the direction of one batch. At
    that rate three of them took the loss of a weak phase object from 0.64 to 4.7, and what they
    saturated came back late or never. From 0.4 of the rate on it stays below 0.9; to begin
    lower would spend more of a short training.

    Args:
        step: Counted from 0 over the whole training.
        config: Number of steps over which the rate rises linearly.
    """
    if step >= config.warmup_steps:
        return 1.0
    return _FIRST_RATE + (1 - _FIRST_RATE) * step / config.warmup_steps


@contextlib.contextmanager
def scaled_rate(optimiser: torch.optim.Optimizer, factor: float) -> Iterator[None]:
    """Multiply the rates for one step; a schedule never sees the product."""
    rates = [group["lr"] for group in optimiser.param_groups]
    for group, rate in zip(optimiser.param_groups, rates, strict=True):
        group["lr"] = factor * rate
    try:
        yield
    finally:
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate


def schedule(optimiser: Adam, config: TrainingConfig, mode: str) -> Schedule | None:
    """Make the learning-rate schedule, stepped once per epoch.

    Args:
        optimiser: Optimiser whose rate changes.
        config: Schedule and its parameters.
        mode: ``min`` or ``max``, what the plateau schedule waits for.

    Returns:
        None for a constant rate.
    """
    if config.scheduler == "Exponential":
        return lr_scheduler.ExponentialLR(optimiser, config.gamma)
    if config.scheduler == "WarmupCosine":
        return lr_scheduler.LambdaLR(optimiser, functools.partial(warmup_cosine, config=config))
    if config.scheduler == "ReduceLROnPlateau":
        return lr_scheduler.ReduceLROnPlateau(
            optimiser,
            mode="max" if mode == "max" else "min",
            factor=config.plateau_factor,
            patience=config.plateau_patience,
            min_lr=config.plateau_min_lr,
        )
    return None


def warmup_cosine(epoch: int, config: TrainingConfig) -> float:
    """Return the rate of an epoch relative to the full one.

    It rises linearly over the warm-up, reaches 1 in the first epoch after it, and falls
    along half a cosine to ``min_lr_ratio`` in the last epoch.
    """
    warmup = config.warmup_epochs
    if epoch < warmup:
        # Never 0: the first epoch would be computed for nothing.
        return (epoch + 1) / (warmup + 1)
    # A warm-up of all epochs but one leaves no way to fall along.
    span = max(config.epochs - 1 - warmup, 1)
    share = min((epoch - warmup) / span, 1.0)
    floor = config.min_lr_ratio
    return floor + (1 - floor) * (1 + math.cos(math.pi * share)) / 2
