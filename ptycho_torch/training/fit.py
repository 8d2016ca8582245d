"""The pipeline of a training run: prepared data in, bundle and records out."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from ptycho_torch import files, ranks, run_folder
from ptycho_torch.bundle import write
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.dataset import EpochSampler
from ptycho_torch.data.scan import ScanData
from ptycho_torch.data.shards import shard
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.ranks import Rank
from ptycho_torch.training import (
    compiling,
    describe,
    devices,
    epochs,
    layer_norms,
    parity_probe,
    prepare,
    resume,
    served_frames,
    trained_patches,
    trainers,
)
from ptycho_torch.training.joint_module import JointModule
from ptycho_torch.training.module import PtychoPINN_Lightning
from ptycho_torch.training.prepare import Prepared
from ptycho_torch.training.result import TrainingResult
from ptycho_torch.training.resume import Place

_log = logging.getLogger(__name__)


def run(
    config: RunConfig,
    train_data: ScanData,
    test_data: ScanData | None = None,
    *,
    on_start: Callable[[], None] | None = None,
) -> TrainingResult:
    """Train, and write the bundle and its records.

    Nothing is written before data, settings and checkpoint are known to fit. The bundle
    gets the weights of the best epoch.

    Args:
        config: Complete settings.
        train_data: Training scan.
        test_data: Validation scan, if any.
        on_start: Clears the output folder and writes ``config.json``; None does just that.

    Raises:
        InputError: Data, settings or checkpoint cannot be used.
        DivergedError: A loss was not finite; patch statistics are written all the same.
        DeadTrainingError: The network can no longer learn; likewise.
        OutputError: A result cannot be written.
    """
    folder = run_folder.folder_of(config)
    rank = ranks.find_rank(config.execution.world_size)
    devices.check(config)
    prepared = prepare.prepare(config, train_data, test_data)
    digest = resume.digest(config, train_data, test_data)
    checkpoint = resume.locate(config)
    place = None if checkpoint is None else resume.check(checkpoint, digest)
    has_validation = prepared.validation is not None
    monitor = epochs.monitor(config.execution, has_validation=has_validation)
    with trainers.keep_global_settings():
        trainer = trainers.make(config, folder, monitor, has_validation=has_validation)
        if rank.is_first:
            (on_start or (lambda: run_folder.start_run(config)))()
        stats = _stats(config, folder if rank.is_first else None)
        module = (PtychoPINN_Lightning if rank.is_alone else JointModule)(
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
                _fit(trainer, module, prepared, rank, place)
        finally:
            if module.progress.rows and rank.is_first:
                files.write_text(folder / run_folder.HISTORY, module.progress.table())
        result = _finish(config, module, prepared, folder, writes=rank.is_first)
        if stats is not None and rank.is_first:
            joint = config.training.batch_size * config.execution.world_size
            trained_patches.record(stats, module.model, prepared, joint)
        return result


def _finish(
    config: RunConfig,
    module: PtychoPINN_Lightning,
    prepared: Prepared,
    folder: Path,
    *,
    writes: bool,
) -> TrainingResult:
    """Put the best weights back and write the bundle and the parity probe."""
    module.model.network.load_state_dict(module.progress.best_weights)
    module.to("cpu").eval()
    result = TrainingResult(
        model=module.model, progress=module.progress, prepared=prepared, run_dir=folder
    )
    if not writes:
        return result
    path = folder / run_folder.BUNDLE
    about = describe.manifest(config, prepared, module.progress)
    sha256 = write.write(path, about, module.model, module.progress.table())
    if config.inference.log_patch_stats:
        target = folder / run_folder.PARITY_PROBE
        parity_probe.write(target, module.model, prepared)
        layer_norms.record(folder / run_folder.LAYER_NORMS, module, prepared)
        served_frames.write(folder / run_folder.FRAMES, prepared)
    return dataclasses.replace(result, bundle_path=path, bundle_sha256=sha256)


def _stats(config: RunConfig, folder: Path | None) -> PatchStatsLogger | None:
    if not config.inference.log_patch_stats:
        return None
    return PatchStatsLogger(folder, enabled=True, limit=config.inference.patch_stats_limit)


def _masks(prepared: Prepared) -> Any:
    own = prepared.train.scan.valid_mask
    held_out = prepared.validation
    return own, own if held_out is None else held_out.scan.valid_mask


def _fit(
    trainer: pl.Trainer,
    module: PtychoPINN_Lightning,
    prepared: Prepared,
    rank: Rank,
    place: Place | None,
) -> None:
    execution, size = module.config.execution, module.config.training.batch_size
    held_out, held_out_loader = prepared.validation, prepared.validation_loader
    served = shard(prepared.train_loader, size, len(prepared.train.groups), rank)
    if held_out is not None and held_out_loader is not None:
        held_out_loader = shard(held_out_loader, size, len(held_out.groups), rank)
    if place is not None and isinstance(prepared.train_loader.sampler, EpochSampler):
        # Loader processes gather ahead, before Lightning tells the epoch.
        done = place.batches * size * rank.count
        prepared.train_loader.sampler.resume_at(place.epoch, done)
    with (
        trainers.hide_notes(),
        compiling.compile_network(module.model.network, execution.compile),
    ):
        if execution.deterministic:
            # Lightning switches the algorithms; filling fresh memory would only cost time.
            torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            trainer.fit(
                module,
                served,
                held_out_loader,
                ckpt_path=None if place is None else place.path,
                weights_only=True,
            )
        except SystemExit as stop:
            # Lightning leaves the process after an interrupt; the caller still has records.
            raise KeyboardInterrupt from stop
