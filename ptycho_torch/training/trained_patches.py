"""The training batches once more, by the weights of the bundle: what the network has learnt."""

from __future__ import annotations

import torch

from ptycho_torch.data import dataset
from ptycho_torch.patch_stats import reduction
from ptycho_torch.patch_stats.logger import TRAINED, PatchStatsLogger
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.training.prepare import Prepared


def record(
    stats: PatchStatsLogger, model: PtychoPINN, prepared: Prepared, batch_size: int
) -> None:
    """Record the patches of the first training batches, in the order of the groups.

    Not in that of the training loader: one of several processes that train together has
    shuffled otherwise, and serves smaller batches.

    Each batch is predicted a second time with its inputs exchanged among its samples, which
    tells whether the patches depend on them.

    Args:
        stats: What the training recorded its own batches with.
        model: In-memory model with the weights of the bundle.
        prepared: What was fitted.
        batch_size: Groups per batch, of all processes together.

    Raises:
        OutputError: A file cannot be written.
    """
    with torch.inference_mode():
        for number, batch in enumerate(dataset.loader(prepared.served, batch_size)):
            if not stats.should_log(TRAINED):
                break
            amplitude = batch.amplitude.to(model.probe.real.dtype)
            patches = model(amplitude, batch.offsets).patches
            exchanged = model(amplitude.roll(1, 0), batch.offsets).patches
            stats.log_batch(
                patches,
                phase=TRAINED,
                batch_idx=number,
                scale=prepared.contract.in_force,
                response=reduction.response(patches, exchanged),
            )
    stats.finalize()
