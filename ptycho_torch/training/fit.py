"""The road of a training run: prepared data in, bundle and records out."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from ptycho_torch import files, run_folder
from ptycho_torch.bundle import write
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.errors import ConfigError, InputError
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.training import callbacks, describe, parity_probe, prepare, resume
from ptycho_torch.training.module import PtychoPINN_Lightning
from ptycho_torch.training.prepare import Prepared

_log = logging.getLogger(__name__)

# What Lightning says about choices that are made on purpose here.
_EXPECTED = (
    r".*does not have many workers.*",
    r".*is smaller than the logging interval.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r".*The dirpath has changed from.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*GPU available but not used.*",
    r".*You defined a `validation_step` but have no `val_dataloader`.*",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What a training run leaves.

    Attributes:
        module: Training module; its model holds the weights of the best epoch.
        prepared: Data, groups and scales it was trained on.
        bundle_path: The bundle.
        bundle_sha256: Its digest.
    """

    module: PtychoPINN_Lightning
    prepared: Prepared
    bundle_path: Path
    bundle_sha256: str


def run(
    config: RunConfig,
    train_data: ScanData,
    test_data: ScanData | None = None,
    *,
    begin: Callable[[], None] | None = None,
) -> Trained:
    """Train, and write the bundle and its records.

    Nothing is written before data, settings and checkpoint are known to fit. The bundle
    gets the weights of the best epoch.

    Args:
        config: Complete settings.
        train_data: Training scan.
        test_data: Validation scan, if any.
        begin: Clears the output folder and writes ``config.json``; None does just that.

    Raises:
        InputError: Data, settings or checkpoint cannot be used.
        DivergedError: A loss was not finite; patch statistics are written all the same.
        OutputError: A result cannot be written.
    """
    _check_devices(config)
    prepared = prepare.prepare(config, train_data, test_data)
    digest = resume.digest(config, train_data, test_data)
    checkpoint = resume.locate(config)
    if checkpoint is not None:
        resume.check(checkpoint, digest)
    folder = run_folder.folder_of(config)
    monitor = _monitor(config, has_validation=prepared.validation is not None)
    has_validation = prepared.validation is not None
    with _global_settings_kept():
        trainer = _trainer(config, folder, monitor, has_validation=has_validation)
        (begin or (lambda: run_folder.begin(config)))()
        stats = _stats(config, folder)
        module = PtychoPINN_Lightning(
            prepared.model,
            config,
            prepared.contract,
            masks=_masks(prepared),
            stats=stats,
            monitor=monitor,
        )
        module.resume_digest = digest
        try:
            with stats or contextlib.nullcontext():
                _fit(trainer, module, prepared, checkpoint)
        finally:
            if module.progress.rows:
                files.write_text(folder / run_folder.HISTORY, module.progress.table())
        return _finish(config, module, prepared, folder)


def _finish(
    config: RunConfig, module: PtychoPINN_Lightning, prepared: Prepared, folder: Path
) -> Trained:
    """Put the best weights back and write the bundle and the parity probe."""
    module.model.network.load_state_dict(module.progress.best_weights)
    module.to("cpu").eval()
    path = folder / run_folder.BUNDLE
    about = describe.manifest(config, prepared, module.progress)
    sha256 = write.write(path, about, module.model, module.progress.table())
    if config.inference.log_patch_stats:
        target = folder / run_folder.PARITY_PROBE
        parity_probe.write(target, module.model, prepared.train, prepared.train_loader)
    return Trained(module=module, prepared=prepared, bundle_path=path, bundle_sha256=sha256)


def _stats(config: RunConfig, folder: Path) -> PatchStatsLogger | None:
    if not config.inference.log_patch_stats:
        return None
    return PatchStatsLogger(folder, enabled=True, limit=config.inference.patch_stats_limit)


def _masks(prepared: Prepared) -> Any:
    own = prepared.train.scan.valid_mask
    held_out = prepared.validation
    return own, own if held_out is None else held_out.scan.valid_mask


def _monitor(config: RunConfig, *, has_validation: bool) -> str:
    """Choose the column that decides the best epoch."""
    monitor = config.execution.checkpoint_monitor_metric
    if monitor.startswith("val_") and not has_validation:
        instead = monitor.replace("val_", "train_", 1)
        _log.info("no validation data; monitoring %s instead of %s", instead, monitor)
        return instead
    return monitor


def _check_devices(config: RunConfig) -> None:
    execution = config.execution
    if execution.accelerator == "cpu":
        if execution.devices > 1:
            raise ConfigError(
                "--devices", expected="1 on the CPU", found=str(execution.devices)
            )
        return
    available = torch.cuda.device_count()
    if execution.devices > available:
        raise ConfigError(
            "--devices",
            expected=f"at most {available} for --accelerator {execution.accelerator}",
            found=str(execution.devices),
        )


def _trainer(
    config: RunConfig, folder: Path, monitor: str, *, has_validation: bool
) -> pl.Trainer:
    training, execution = config.training, config.execution
    checkpoints = folder / run_folder.CHECKPOINTS
    with _quiet_lightning():
        return pl.Trainer(
            accelerator=execution.accelerator,
            devices=execution.devices,
            strategy=execution.strategy,
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


def _fit(
    trainer: pl.Trainer,
    module: PtychoPINN_Lightning,
    prepared: Prepared,
    checkpoint: Path | None,
) -> None:
    with _quiet_lightning():
        if module.config.execution.deterministic:
            # Lightning switches the algorithms; filling fresh memory would only cost time.
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            trainer.fit(
                module,
                prepared.train_loader,
                prepared.validation_loader,
                ckpt_path=checkpoint,
                weights_only=True,
            )
        except SystemExit as stop:
            # Lightning leaves the process after an interrupt; the caller still has records.
            raise KeyboardInterrupt from stop


@contextlib.contextmanager
def _quiet_lightning() -> Iterator[None]:
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
def _global_settings_kept() -> Iterator[None]:
    """Put torch's process-wide switches back, which making a trainer already changes."""
    is_deterministic = torch.are_deterministic_algorithms_enabled()
    fills = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(is_deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = fills  # type: ignore[attr-defined]
