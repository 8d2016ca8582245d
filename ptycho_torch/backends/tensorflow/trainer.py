"""Epochs of a TensorFlow training: the same batches in the same order, one row for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from torch.optim import lr_scheduler

from ptycho_torch.backends.tensorflow import adam, adapter
from ptycho_torch.backends.tensorflow.adam import Adam, Slopes
from ptycho_torch.backends.tensorflow.steps import Stepped, Steps
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.dataset import Batch, EpochSampler
from ptycho_torch.errors import DivergedError
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.training import epochs, optimizer
from ptycho_torch.training.epochs import Means, Progress, Row
from ptycho_torch.training.prepare import Prepared
from ptycho_torch.training.vital_signs import VitalSigns

_KINDS = {"32-true": torch.float32, "64-true": torch.float64}


class Trainer:
    """Trains the model of prepared data.

    Args:
        config: Complete settings.
        prepared: Data, groups, scales and initial weights.

    Attributes:
        progress: Epoch table and best weights.
        has_validation: Whether a part is held out.
    """

    def __init__(self, config: RunConfig, prepared: Prepared) -> None:
        self._config, self._prepared = config, prepared
        self.has_validation = prepared.validation is not None
        self.progress = Progress(
            epochs.monitor(config.execution, has_validation=self.has_validation),
            config.execution.checkpoint_mode,
        )
        training, scale = config.training, prepared.contract.intensity_scale
        settings = optimizer.make(prepared.model.parameters(), training, scale)
        self._schedule = optimizer.schedule(settings, training, self.progress.mode)
        settings.step()  # with no gradients: a schedule, once made, wants to see one
        self._model = adapter.build_model(prepared.model, _KINDS[config.execution.precision])
        held_out = prepared.train if prepared.validation is None else prepared.validation
        masks = (prepared.train.scan.valid_mask, held_out.scan.valid_mask)
        self._steps = Steps(self._model, training, scale, masks)
        self._adam = Adam(self._model.variables, settings)
        self._means = Means()
        every = training.accumulate_grad_batches
        steps = math.ceil(len(prepared.train_loader) / every)
        self._vital_signs = VitalSigns(config, steps)

    def epoch(self, number: int, stats: PatchStatsLogger | None) -> Row:
        """Train one epoch, judge it on what is held out, and keep it when it is the best.

        Args:
            number: Counted from 0.
            stats: Records predicted patches; None records nothing.

        Returns:
            The new row of the epoch table.

        Raises:
            DivergedError: A loss was not finite.
            DeadTrainingError: The network can no longer learn.
        """
        rate = self._adam.rate
        self._train(number, stats)
        row: Row = {
            "epoch": number,
            "step": self._adam.count,
            "lr": rate,
            **dict.fromkeys(epochs.OPTIONAL),
            **self._validate(number, stats),
            **self._means.take(),
        }
        weights = {name: torch.from_numpy(value) for name, value in self._model.state().items()}
        self.progress.finish(row, weights)
        self._vital_signs.note_epoch(f"epoch {number}", float(row["train_loss"] or 0.0))
        if isinstance(self._schedule, lr_scheduler.ReduceLROnPlateau):
            self._schedule.step(float(row[self.progress.monitor] or 0.0))
        elif self._schedule is not None:
            self._schedule.step()
        return row

    def _train(self, number: int, stats: PatchStatsLogger | None) -> None:
        """Go through the training batches; step after every few of them and at the end."""
        training, loader = self._config.training, self._prepared.train_loader
        if isinstance(loader.sampler, EpochSampler):
            loader.sampler.set_epoch(number)
        every, gathered = training.accumulate_grad_batches, Gathered()
        batch_count = len(loader)
        for index, batch, done in self._run(loader, self._steps.train, "train", number, stats):
            self._means.add(_name_numbers("train", done), len(batch.amplitude))
            gathered.add(done.slopes, 1 / every)
            if (index + 1) % every == 0 or index + 1 == batch_count:
                slopes, norm = adam.clip_gradients(gathered.take(), training.gradient_clip_val)
                self._means.add({"grad_norm": float(norm)}, 1.0)
                patches = torch.from_numpy(np.array(done.patches.numpy()))
                where = f"epoch {number}, batch {index}"
                self._vital_signs.note_step(where, float(norm), patches, batch.amplitude)
                self._adam.step(slopes, optimizer.first_rate(self._adam.count, training))

    def _validate(self, number: int, stats: PatchStatsLogger | None) -> dict[str, float]:
        """Return the means of the held-out part."""
        means, loader = Means(), self._prepared.validation_loader
        if loader is None:
            return {}
        for _, batch, done in self._run(loader, self._steps.evaluate, "val", number, stats):
            means.add(_name_numbers("val", done), len(batch.amplitude))
        return means.take()

    def _run(
        self,
        loader: Any,
        step: Callable[[Any, Any], Stepped],
        phase: str,
        epoch: int,
        stats: PatchStatsLogger | None,
    ) -> Iterator[tuple[int, Batch, Stepped]]:
        """Take each batch through a step, record its patches, and stop at a bad loss."""
        kind = self._model.merge_weight.dtype
        for index, batch in enumerate(loader):
            X, rel = (
                tf.cast(values.numpy(), kind) for values in (batch.amplitude, batch.offsets)
            )
            done = step(X, rel)
            if stats is not None:
                self._log(stats, done, phase, index, epoch)
            if not np.isfinite(float(done.terms.loss)):
                raise DivergedError(
                    f"epoch {epoch}, batch {index}",
                    expected="a finite loss",
                    found=f"a non-finite {self._steps.first_odd(X, rel)}",
                    remedy="lower the learning rate or clip gradients",
                )
            yield index, batch, done

    def _log(
        self, stats: PatchStatsLogger, done: Stepped, phase: str, index: int, epoch: int
    ) -> None:
        """Record the patches of a batch."""
        if stats.should_log(phase):
            stats.log_batch(
                torch.from_numpy(np.array(done.patches.numpy())),
                phase=phase,
                batch_idx=index,
                epoch=epoch,
                global_step=self._adam.count,
                scale=self._prepared.contract.in_force,
            )


class Gathered:
    """Gradients of the batches since the last step."""

    def __init__(self) -> None:
        """Start from nothing."""
        self._sums: Slopes = {}

    def add(self, slopes: Slopes, share: float) -> None:
        """Take in the gradients of a batch, times its share of a step."""
        if share == 1 and not self._sums:
            self._sums = slopes
            return
        for name, slope in slopes.items():
            part = share * slope
            self._sums[name] = self._sums[name] + part if name in self._sums else part

    def take(self) -> Slopes:
        """Return the sums and forget them."""
        sums, self._sums = self._sums, {}
        return sums


def _name_numbers(phase: str, done: Stepped) -> dict[str, float | None]:
    """Name the numbers of a batch as in the epoch table."""
    loss, deviance = done.terms
    numbers = {
        f"{phase}_loss": float(loss),
        f"{phase}_deviance": None if deviance is None else float(deviance),
    }
    if phase == "val":
        return numbers
    return {**numbers, "amp_mean": float(done.amp_mean), "amp_std": float(done.amp_std)}
