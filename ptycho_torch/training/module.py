"""The training module: one step of the model, its loss, and what an epoch reports."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from numpy.typing import NDArray

from ptycho_torch.axes import Amplitude, ObjectPatches
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.dataset import Batch
from ptycho_torch.data.scaling import ScalingContract
from ptycho_torch.errors import DivergedError
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.physics import losses
from ptycho_torch.physics.losses import LossTerms
from ptycho_torch.pinn import ForwardResult, PtychoPINN
from ptycho_torch.training import optimizer
from ptycho_torch.training.epochs import Means, Progress, Row
from ptycho_torch.training.optimizer import first_rate, scaled_rate
from ptycho_torch.training.vital_signs import VitalSigns

STATE_KEY = "ptycho_torch"
_UNDER_PROBE = 0.3
_NEAR_BOUND = 0.98
_SATURATED_SHARE = 0.01

_log = logging.getLogger(__name__)


class PtychoPINN_Lightning(pl.LightningModule):  # noqa: N801 - the public name
    """Trains a `PtychoPINN` on measured amplitudes.

    Args:
        model: Network and forward model.
        config: Complete settings of the run.
        contract: Scales; the intensity scale is the photon unit of the loss.
        masks: Valid detector pixels (N, N) of the training and of the validation scan.
        stats: Records predicted patches; None records nothing.
        monitor: Column of the epoch table that decides the best epoch.

    Attributes:
        progress: Epoch table and best weights.
    """

    def __init__(
        self,
        model: PtychoPINN,
        config: RunConfig,
        contract: ScalingContract,
        *,
        masks: tuple[NDArray[np.bool_], NDArray[np.bool_]],
        stats: PatchStatsLogger | None = None,
        monitor: str = "train_loss",
    ) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.contract = contract
        self.progress = Progress(monitor, config.execution.checkpoint_mode)
        self.resume_digest = ""
        self._stats = stats
        self._train_means, self._val_means = Means(), Means()
        self._val_row: dict[str, float] = {}
        self._rate = config.training.learning_rate
        self._batches_done = 0
        self._vital_signs = VitalSigns(config, 1)
        self._seen: tuple[ObjectPatches, Amplitude] | None = None
        self._pending_plateau: float | None = None
        self._pending_means: dict[str, dict[str, float]] | None = None
        for name, mask in zip(("train_mask", "val_mask"), masks, strict=True):
            # Moves with the module but is not persistent: masks belong to scans, not to
            # weights.
            self.register_buffer(name, torch.tensor(mask), persistent=False)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Make the optimiser and its schedule."""
        training = self.config.training
        optimiser = optimizer.make(
            self.model.parameters(), training, self.contract.intensity_scale
        )
        plan = optimizer.schedule(optimiser, training, self.progress.mode)
        if plan is None:
            return optimiser
        return {
            "optimizer": optimiser,
            "lr_scheduler": {
                "scheduler": plan,
                "interval": "epoch",
                "monitor": self.progress.monitor,
            },
        }

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss of one batch."""
        result, terms = self._step(batch, batch_idx, "train")
        self._seen = result.patches.detach(), batch.amplitude
        # correction=0, as in the patch statistics: both describe the pixels there are, not a
        # sample.
        amplitude = self._seen[0].abs()
        spread = amplitude.std(dim=(-2, -1), correction=0)
        self._train_means.add(
            {
                "train_loss": terms.loss.detach(),
                "train_deviance": terms.deviance,
                "amp_mean": amplitude.mean(),
                "amp_std": spread.mean(),
                "saturated": self._saturated_share(amplitude),
            },
            weight=len(batch.amplitude),
        )
        return terms.loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add one held-out batch to the means of the epoch."""
        _, terms = self._step(batch, batch_idx, "val")
        self._val_means.add(
            {"val_loss": terms.loss, "val_deviance": terms.deviance},
            weight=len(batch.amplitude),
        )

    def on_train_start(self) -> None:
        """Take up the means of a broken epoch, or the plateau step of the last one."""
        self._rate = float(self.trainer.optimizers[0].param_groups[0]["lr"])
        steps = math.ceil(
            self.trainer.num_training_batches / self.config.training.accumulate_grad_batches
        )
        self._vital_signs = VitalSigns(self.config, steps)
        if self._pending_means is not None:
            self._train_means.restore(self._pending_means)
            self._pending_means = None
        if self._pending_plateau is None:
            return
        for entry in self.trainer.lr_scheduler_configs:
            self.lr_scheduler_step(entry.scheduler, self._pending_plateau)
        self._pending_plateau = None

    def on_train_epoch_start(self) -> None:
        """Remember the rate of the epoch; schedules change it before the epoch ends."""
        self._rate = float(self.trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:  # noqa: ARG002 - a hook
        """Count the batches of the epoch, for a checkpoint within it."""
        self._batches_done = batch_idx + 1

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: torch.optim.Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Make one step, at a lower rate where the training has just begun."""
        factor = first_rate(self.global_step, self.config.training)
        with scaled_rate(self.trainer.optimizers[0], factor):
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient norm before clipping."""
        gradients = [
            parameter.grad
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        # Before clipping, or the record would show the bound and nothing else.
        norm = float(torch.nn.utils.get_total_norm(gradients))
        self._train_means.add({"grad_norm": norm}, 1.0)
        where = f"epoch {self.current_epoch}, batch {self._batches_done - 1}"
        self._vital_signs.note_step(where, norm, *self._outputs())

    def on_validation_epoch_end(self) -> None:
        """Publish the means of the held-out part."""
        self._val_row = self._val_means.take()
        self.log_dict(self._val_row)

    def on_train_epoch_end(self) -> None:
        """Publish the means of the epoch and keep its weights when it is the best."""
        means = self._train_means.take() | self._val_row
        # No batch done says that an epoch is whole; checkpoints written after this rely on it.
        self._val_row, self._batches_done = {}, 0
        self.log_dict({name: value for name, value in means.items() if "loss" in name})
        self.log_dict(
            {name: value for name, value in means.items() if name.startswith("train_dev")}
        )
        if means.pop("saturated", 0.0) > _SATURATED_SHARE:
            _log.warning(
                "more than 1 %% of the pixels under the probe are near amp_max = %g; raise it",
                self.config.model.amp_max,
            )
        row: Row = {
            "epoch": self.current_epoch,
            "step": self.global_step,
            "lr": self._rate,
            **means,
        }
        for name in ("val_loss", "val_deviance", "train_deviance"):
            row.setdefault(name, None)
        self.progress.finish(row, self.model.network.state_dict())
        patches, _ = self._outputs()
        loss = means["train_loss"]
        self._vital_signs.note_epoch(f"epoch {self.current_epoch}", loss, patches)

    def _outputs(self) -> tuple[ObjectPatches | None, Amplitude | None]:
        """Return the last training batch's patches and inputs, where they tell of them all."""
        return (None, None) if self._seen is None else self._seen

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add the epoch table, the best weights and what a resumed run must match."""
        plateau, is_whole = None, self._batches_done == 0
        is_awaited = is_whole and self.config.training.scheduler == "ReduceLROnPlateau"
        if is_awaited and self.progress.rows:
            # The schedule is stepped only after the checkpoint is written; a resumed run does
            # it first.
            plateau = self.progress.rows[-1][self.progress.monitor]
        checkpoint[STATE_KEY] = {
            "progress": self.progress.state(),
            "batches_done": self._batches_done,
            "means": None if is_whole else self._train_means.state(),
            "plateau": plateau,
            "digest": self.resume_digest,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue the epoch table and the best weights."""
        state = checkpoint[STATE_KEY]
        self.progress.restore(state["progress"])
        self._pending_plateau, self._pending_means = state["plateau"], state.get("means")

    def _step(
        self, batch: Batch, batch_idx: int, phase: str
    ) -> tuple[ForwardResult, LossTerms]:
        result = self.model(batch.amplitude, batch.offsets)
        if self._stats is not None:
            self._record(self._stats, result.patches, batch_idx, phase)
        terms = self.loss(result, batch, phase)
        # In each step, though a GPU has to wait for it: one step later all weights are NaN and
        # nothing tells where it began.
        if not torch.isfinite(terms.loss):
            self._diverge(batch, batch_idx, result)
        return result, terms

    def _record(
        self, stats: PatchStatsLogger, patches: ObjectPatches, batch_idx: int, phase: str
    ) -> None:
        """Hand the predicted patches of a batch to the statistics."""
        stats.log_batch(
            patches,
            phase=phase,
            batch_idx=batch_idx,
            epoch=self.current_epoch,
            global_step=self.global_step,
            scale=self.contract.in_force,
        )

    def loss(self, result: ForwardResult, batch: Batch, phase: str = "train") -> LossTerms:
        """Compare the predicted intensity with the measured amplitude of a batch."""
        training = self.config.training
        mask = self.get_buffer("train_mask" if phase == "train" else "val_mask")
        scale = self.contract.intensity_scale
        if training.torch_loss_mode == "mae":
            return losses.mae(result.intensity, batch.amplitude, scale, mask, training.sqrt_eps)
        return losses.poisson(
            result.intensity, batch.amplitude, scale, mask, training.poisson_eps
        )

    def _saturated_share(self, amplitude: torch.Tensor) -> torch.Tensor | None:
        model = self.config.model
        if model.amp_activation != "bounded":
            return None
        # Where no light falls nothing binds the amplitude, and it tells nothing.
        is_lit = self.model.blend_weight > _UNDER_PROBE
        near = (amplitude > _NEAR_BOUND * model.amp_max) & is_lit
        return near.sum() / (is_lit.sum() * amplitude[..., 0, 0].numel())

    def _diverge(self, batch: Batch, batch_idx: int, result: ForwardResult) -> None:
        """Stop and name the first tensor that is not finite."""
        tensors = self._list_tensors(batch, result)
        odd = (name for name, tensor in tensors if not torch.isfinite(tensor).all())
        name = next(odd, "loss")
        raise DivergedError(
            f"epoch {self.current_epoch}, batch {batch_idx}",
            expected="a finite loss",
            found=f"a non-finite {name}",
            remedy="lower the learning rate or clip gradients",
        )

    def _list_tensors(
        self, batch: Batch, result: ForwardResult
    ) -> Iterator[tuple[str, torch.Tensor]]:
        yield "amplitude", batch.amplitude
        yield "offsets", batch.offsets
        yield "probe", self.model.probe
        for name, parameter in self.model.network.named_parameters():
            yield f"weight {name}", parameter
        yield "patches", result.patches
        yield "consistent", result.consistent
        yield "intensity", result.intensity
