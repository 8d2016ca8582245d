"""The training module of one of several processes that train one model together.

Each step works on a share of a joint batch. The gradient of the joint mean loss is the sum
over the processes of their mean times their count, divided by the joint count; gradients
are averaged by the strategy, so each loss is multiplied by processes · count / joint count.
A process with an empty share takes part with a loss of zero.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ptycho_torch.axes import ObjectPatches
from ptycho_torch.data.dataset import Batch
from ptycho_torch.errors import DivergedError
from ptycho_torch.patch_stats.logger import PatchStatsLogger
from ptycho_torch.ranks import Rank
from ptycho_torch.training.collectives import Collectives
from ptycho_torch.training.epochs import Means
from ptycho_torch.training.module import PtychoPINN_Lightning

_MEANS = (
    "train_loss",
    "val_loss",
    "train_deviance",
    "val_deviance",
    "grad_norm",
    "amp_mean",
    "amp_std",
    "saturated",
)


class JointMeans(Means):
    """Weighted means over what all processes have added.

    Args:
        collectives: The processes.
    """

    def __init__(self, collectives: Collectives) -> None:
        super().__init__()
        self._collectives = collectives

    def state(self) -> dict[str, dict[str, float]]:
        """Return what all processes have added."""
        sums = [self._sums.get(name, 0.0) for name in _MEANS]
        weights = [self._weights.get(name, 0.0) for name in _MEANS]
        totals = self._collectives.total([*sums, *weights])
        joint = zip(_MEANS, totals[: len(_MEANS)], totals[len(_MEANS) :], strict=True)
        known = [(name, value, weight) for name, value, weight in joint if weight]
        return {
            "sums": {name: value for name, value, _ in known},
            "weights": {name: weight for name, _, weight in known},
        }

    def restore(self, state: Mapping[str, Mapping[str, float]]) -> None:
        """Continue from a checkpoint; the first process alone keeps what all had added."""
        if self._collectives.rank.is_first:
            super().restore(state)

    def take(self) -> dict[str, float]:
        """Return the joint means and forget them."""
        joint = self.state()
        self._sums, self._weights = joint["sums"], joint["weights"]
        return super().take()


class JointModule(PtychoPINN_Lightning):
    """Trains a `PtychoPINN` as one of several processes.

    Validation, statistics, the epoch table and the best epoch are those of the joint
    batches, and the same in every process.
    """

    def on_fit_start(self) -> None:
        """Meet the other processes, before the first step."""
        rank = Rank(number=self.trainer.global_rank, count=self.trainer.world_size)
        self._collectives = Collectives(rank, self.trainer.strategy.root_device)
        self._train_means, self._val_means = (
            JointMeans(self._collectives),
            JointMeans(self._collectives),
        )

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the weighted loss of the share of one joint batch."""
        share, error, loss = len(batch.amplitude), None, None
        try:
            if share:
                loss = super().training_step(batch, batch_idx)
            else:
                self._record_nothing(batch, batch_idx, "train")
        except DivergedError as caught:
            error = caught
        # An error is carried this far and raised by all: who left earlier would leave the
        # others waiting in the exchange.
        joint = self._agree(share, error)
        own = self._zero_loss() if loss is None else loss
        return own * (share * self._collectives.rank.count / joint)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Add the share of one joint held-out batch to the means of the epoch."""
        share, error = len(batch.amplitude), None
        try:
            if share:
                super().validation_step(batch, batch_idx)
            else:
                self._record_nothing(batch, batch_idx, "val")
        except DivergedError as caught:
            error = caught
        self._agree(share, error)

    def _outputs(self) -> tuple[None, None]:
        """Return nothing: each process sees its share, and all must come to one verdict."""
        return None, None

    def _agree(self, share: int, error: DivergedError | None) -> float:
        """Return the size of the joint batch.

        Raises:
            DivergedError: The loss of one of the processes is not finite.
        """
        joint, diverged = self._collectives.total([share, error is not None])
        if not diverged:
            return joint
        # The lowest rank that diverged, found alike by all, so that all raise the same words.
        source = self._collectives.each(error is not None).index(1.0)
        words = ("", "", "", "")
        if error is not None:
            words = error.where, error.expected, error.found, error.remedy
        where, expected, actual, remedy = (
            self._collectives.tell(word, source) for word in words
        )
        raise DivergedError(where, expected=expected, found=actual, remedy=remedy)

    def _record(
        self, stats: PatchStatsLogger, patches: ObjectPatches, batch_idx: int, phase: str
    ) -> None:
        """Hand the patches of the joint batch to the statistics, alike in every process."""
        if stats.should_log(phase):
            super()._record(stats, self._collectives.join(patches), batch_idx, phase)

    def _record_nothing(self, batch: Batch, batch_idx: int, phase: str) -> None:
        if self._stats is not None:
            kind = torch.promote_types(batch.amplitude.dtype, torch.complex64)
            self._record(self._stats, batch.amplitude.to(kind), batch_idx, phase)

    def _zero_loss(self) -> torch.Tensor:
        """Return a zero that depends on every weight, so that all gradients are there."""
        return torch.stack([0 * weight.sum() for weight in self.model.parameters()]).sum()
