"""Lightning callbacks of a run: checkpoints, early stopping, a progress line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint

from ptycho_torch import run_folder
from ptycho_torch.config_params import RunConfig
from ptycho_torch.training.module import PtychoPINN_Lightning


class ProgressLine(Callback):
    """Shows each finished epoch on stderr."""

    def __init__(self) -> None:
        """Start with nothing shown."""
        self._row_count = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the epoch before; only now is its row complete."""
        self._show(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Show the last epoch."""
        self._show(trainer, pl_module)

    def _show(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if not isinstance(pl_module, PtychoPINN_Lightning):
            return
        rows = pl_module.progress.rows
        if len(rows) > self._row_count:
            self._row_count = len(rows)
            numbers = {name: rows[-1][name] for name in ("train_loss", "val_loss")}
            text = " ".join(f"{name}={value}" for name, value in numbers.items())
            sys.stderr.write(f"epoch {len(rows)}/{trainer.max_epochs} {text}\n")


class StepCheckpoint(Callback):
    """Writes the last checkpoint within an epoch too.

    The last batch of an epoch is left out, since a checkpoint follows at its end.

    Args:
        path: The checkpoint.
        every: Optimiser steps between two.
    """

    def __init__(self, path: Path, every: int) -> None:
        self._path = path
        self._every = every
        self._step_before = 0

    def on_train_batch_start(self, trainer: pl.Trainer, *_batch: Any) -> None:
        """Remember the step, to see whether the batch ends in one."""
        self._step_before = trainer.global_step

    def on_train_batch_end(self, trainer: pl.Trainer, *_batch: Any) -> None:
        """Write after a step whose number asks for it."""
        step = trainer.global_step
        if step != self._step_before and step % self._every == 0 and not trainer.is_last_batch:
            trainer.save_checkpoint(self._path)


def make(
    config: RunConfig, folder: Path, monitor: str, *, has_validation: bool
) -> list[Callback]:
    """Make the callbacks that the settings ask for.

    Args:
        config: Complete settings.
        folder: Where checkpoints go.
        monitor: Metric that decides.
        has_validation: Early stopping needs held-out data.
    """
    execution = config.execution
    chosen: list[Callback] = [ProgressLine()] if execution.enable_progress_bar else []
    if execution.enable_checkpointing:
        chosen.append(
            ModelCheckpoint(
                dirpath=folder,
                filename="best-{epoch}",
                monitor=monitor,
                mode=execution.checkpoint_mode,
                save_top_k=execution.checkpoint_save_top_k,
                save_last=True,
                save_on_train_epoch_end=True,
                enable_version_counter=False,
            )
        )
        every = execution.checkpoint_every_n_steps
        if every is not None:
            chosen.append(StepCheckpoint(folder / run_folder.LAST, every))
    if has_validation:
        chosen.append(
            EarlyStopping(
                monitor=monitor,
                mode=execution.checkpoint_mode,
                patience=config.training.early_stop_patience,
                check_on_train_epoch_end=True,
                min_delta=0.0,
            )
        )
    return chosen
