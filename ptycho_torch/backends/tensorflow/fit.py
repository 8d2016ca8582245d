"""The pipeline of a TensorFlow training: prepared data in, the same bundle and records out.

Data, groups, batches, initial weights, schedule and records are those of the PyTorch
training; network, physics, loss, gradients and optimiser are TensorFlow's.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path

from ptycho_torch import files, run_folder
from ptycho_torch.backends import TENSORFLOW
from ptycho_torch.backends.tensorflow.adapter import TensorFlowPINN
from ptycho_torch.backends.tensorflow.trainer import Trainer
from ptycho_torch.bundle import write
from ptycho_torch.bundle.manifest import Manifest
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scan import ScanData
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.training import (
    describe,
    parity_probe,
    prepare,
    served_frames,
    trained_patches,
)
from ptycho_torch.training.epochs import Progress
from ptycho_torch.training.prepare import Prepared
from ptycho_torch.training.result import TrainingResult

_log = logging.getLogger(__name__)


def run(
    config: RunConfig,
    train_data: ScanData,
    test_data: ScanData | None = None,
    *,
    on_start: Callable[[], None] | None = None,
) -> TrainingResult:
    """Train with TensorFlow, and write the bundle and its records.

    Nothing is written before data and settings are known to fit. The bundle gets the
    weights of the best epoch; there are no checkpoints.

    Args:
        config: Complete settings.
        train_data: Training scan.
        test_data: Validation scan, if any.
        on_start: Clears the output folder and writes ``config.json``; None does just that.

    Raises:
        InputError: Data or settings cannot be used.
        DivergedError: A loss was not finite; patch statistics are written all the same.
        DeadTrainingError: The network can no longer learn; likewise.
        OutputError: A result cannot be written.
    """
    folder = run_folder.folder_of(config)
    prepared = prepare.prepare(config, train_data, test_data)
    trainer = Trainer(config, prepared)
    (on_start or (lambda: run_folder.start_run(config)))()
    stats = _stats(config, folder)
    try:
        with stats or contextlib.nullcontext():
            _fit(config, trainer, stats)
    finally:
        if trainer.progress.rows:
            files.write_text(folder / run_folder.HISTORY, trainer.progress.table())
    result = _finish(config, trainer.progress, prepared, folder)
    if stats is not None:
        trained_patches.record(stats, result.model, prepared, config.training.batch_size)
    return result


def _fit(config: RunConfig, trainer: Trainer, stats: PatchStatsLogger | None) -> None:
    """Go through the epochs until the last one or until patience ends."""
    patience, epochs = config.training.early_stop_patience, config.training.epochs
    for epoch in range(epochs):
        row = trainer.epoch(epoch, stats)
        if config.execution.enable_progress_bar:
            numbers = {name: row[name] for name in ("train_loss", "val_loss")}
            text = " ".join(f"{name}={value}" for name, value in numbers.items())
            sys.stderr.write(f"epoch {epoch + 1}/{epochs} {text}\n")
        best = trainer.progress.best_epoch
        since = math.inf if best is None else epoch - best
        if trainer.has_validation and since >= patience:
            break


def _finish(
    config: RunConfig, progress: Progress, prepared: Prepared, folder: Path
) -> TrainingResult:
    """Put the best weights back and write the bundle and the parity probe."""
    weights = {name: value.float() for name, value in progress.best_weights.items()}
    prepared.model.network.load_state_dict(weights)
    model = TensorFlowPINN(prepared.model).eval()
    path = folder / run_folder.BUNDLE
    about = _manifest(config, prepared, progress)
    sha256 = write.write(path, about, model, progress.table())
    if config.inference.log_patch_stats:
        target = folder / run_folder.PARITY_PROBE
        parity_probe.write(target, model, prepared)
        served_frames.write(folder / run_folder.FRAMES, prepared)
    return TrainingResult(
        model=model,
        progress=progress,
        prepared=prepared,
        run_dir=folder,
        bundle_path=path,
        bundle_sha256=sha256,
    )


def _manifest(config: RunConfig, prepared: Prepared, progress: Progress) -> Manifest:
    """Say in the bundle what trained it."""
    about = describe.manifest(config, prepared, progress)
    libraries = {**about.provenance["libraries"], TENSORFLOW: version()}
    provenance = {**about.provenance, "backend": TENSORFLOW, "libraries": libraries}
    return dataclasses.replace(about, provenance=provenance)


def version() -> str:
    """Return the version of TensorFlow."""
    names = importlib.metadata.packages_distributions()[TENSORFLOW]
    return importlib.metadata.version(names[0])


def _stats(config: RunConfig, folder: Path) -> PatchStatsLogger | None:
    wanted = config.inference
    if not wanted.log_patch_stats:
        return None
    return PatchStatsLogger(
        folder, enabled=True, limit=wanted.patch_stats_limit, backend=TENSORFLOW
    )
