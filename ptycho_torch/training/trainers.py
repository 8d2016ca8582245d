"""The Lightning trainer of a run: devices, precision, checkpoints, callbacks, logger."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy

from ptycho_torch import files, ranks, run_folder
from ptycho_torch.config_params import PyTorchExecutionConfig, RunConfig
from ptycho_torch.errors import InputError
from ptycho_torch.training import callbacks

# What Lightning says about choices that are made on purpose here.
_EXPECTED = (
    r".*does not have many workers.*",
    r".*is smaller than the logging interval.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*The dirpath has changed from.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*GPU available but not used.*",
    r".*You defined a `validation_step` but have no `val_dataloader`.*",
    r".*It is recommended to use `self.log.*sync_dist=True.*",
    r".*checkpoint that ended before the epoch ended and your dataloader is not resumable.*",
    r".*`torch.jit.script.*` is deprecated.*",
    r".*Torchinductor does not support code generation for complex operators.*",
)


def make(config: RunConfig, folder: Path, monitor: str, *, has_validation: bool) -> pl.Trainer:
    """Make the trainer that the settings ask for.

    Args:
        config: Complete settings.
        folder: Output folder of the run.
        monitor: Metric that decides the best epoch.
        has_validation: Early stopping needs held-out data.
    """
    training, execution = config.training, config.execution
    checkpoints = folder / run_folder.CHECKPOINTS
    with hide_notes():
        return pl.Trainer(
            accelerator=execution.accelerator,
            devices=execution.devices,
            num_nodes=execution.num_nodes,
            strategy=_strategy(execution),
            plugins=_plugins(execution),
            use_distributed_sampler=False,
            precision=execution.precision,  # type: ignore[arg-type]
            deterministic=execution.deterministic,
            benchmark=False,
            max_epochs=training.epochs,
            accumulate_grad_batches=training.accumulate_grad_batches,
            gradient_clip_val=training.gradient_clip_val,
            gradient_clip_algorithm="norm",
            num_sanity_val_steps=0,
            log_every_n_steps=1 << 30,
            logger=_logger(config, folder),
            callbacks=callbacks.make(
                config, checkpoints, monitor, has_validation=has_validation
            ),
            enable_checkpointing=execution.enable_checkpointing,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
        )


class AtomicCheckpoints(TorchCheckpointIO):
    """Writes each checkpoint beside its place and renames it there.

    A run that is killed leaves the checkpoint before or the whole new one.
    """

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: str | Path,
        storage_options: Any = None,  # noqa: ARG002 - part of the interface
    ) -> None:
        """Write a checkpoint.

        Raises:
            OutputError: It cannot be written.
        """
        with files.open_replacement(Path(path)) as stream:
            torch.save(checkpoint, stream)


def _strategy(execution: PyTorchExecutionConfig) -> DDPStrategy | str:
    if execution.world_size == 1:
        return execution.strategy
    # There is no batch statistic, hence no buffer that changes.
    return DDPStrategy(forward_sync_buffers=False)


def _plugins(execution: PyTorchExecutionConfig) -> list[Any]:
    own = [LightningEnvironment()] if ranks.has_parent() and execution.world_size > 1 else []
    return [AtomicCheckpoints(), *own]


def _logger(config: RunConfig, folder: Path) -> Logger | bool:
    if config.execution.logger_backend is None:
        return False
    if config.execution.logger_backend == "csv":
        return CSVLogger(folder, name="lightning_logs")
    try:
        return TensorBoardLogger(folder, name="lightning_logs")
    except ModuleNotFoundError as error:
        raise InputError(
            "--logger tensorboard",
            expected="the package tensorboard",
            found="none",
            remedy="pip install tensorboard",
        ) from error


@contextlib.contextmanager
def hide_notes() -> Iterator[None]:
    """Hide Lightning's notes and its advice on choices made on purpose."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for text in _EXPECTED:
                warnings.filterwarnings("ignore", message=text)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextlib.contextmanager
def keep_global_settings() -> Iterator[None]:
    """Put torch's process-wide switches back, which making a trainer already changes."""
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(is_deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
