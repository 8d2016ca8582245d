"""A trained model → how well it explains its own frames and held-out ones, beside null models.

Judged with the weights of the bundle, after training, on a sample of the groups: a few passes
more than the epochs took, and none that changes them.

Source: design of the model, section 20.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ptycho_torch import files, run_folder
from ptycho_torch.config_params import RunConfig
from ptycho_torch.data.scaling import ScalingContract
from ptycho_torch.physics import canvas
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.reconstruct import explain, predict
from ptycho_torch.reconstruct.predict import Engine, Plan
from ptycho_torch.training.prepare import Part, Prepared

GROUPS = 128  # judged of each part, evenly chosen


def write_metrics(config: RunConfig, prepared: Prepared, model: PtychoPINN) -> None:
    """Write ``metrics.json`` of a training run: the misfit on training and unseen data.

    ``unseen`` is null where nothing was held out. The model is left as it was.

    Raises:
        OutputError: The file cannot be written.
    """
    parts = {"training": prepared.train, "unseen": prepared.validation}
    report = {
        name: None if part is None else _judge(config, part, prepared.contract, model)
        for name, part in parts.items()
    }
    files.write_json(run_folder.folder_of(config) / run_folder.METRICS, report)


def _judge(
    config: RunConfig, part: Part, contract: ScalingContract, model: PtychoPINN
) -> dict[str, Any]:
    """Judge one part of the data: the network, and the object stitched from its patches."""
    engine = Engine(
        # No more than a training step holds: the peak of memory stays that of the training.
        batch_size=min(config.inference.batch_size, config.training.batch_size),
        is_deterministic=config.execution.deterministic,
    )
    plan = _sample(part, model.padded_size)
    was_training = model.training
    try:
        batches = predict.forward(model, part.scan, plan, contract.input_scale, engine)
        weight = canvas.patch_weight(
            config.inference.patch_weighting, model.probe, config.model.weight_blur_sigma
        )
        target = canvas.Canvas(plan.canvas, weight)
        return explain.judge(predict.stitch(batches, part.scan, plan, target), part.scan, plan)
    finally:
        model.train(was_training)


def _sample(part: Part, padded_size: int) -> Plan:
    """Choose groups evenly; on the canvas of the training, which holds them all."""
    count = len(part.groups)
    chosen = np.unique(np.linspace(0, count - 1, min(count, GROUPS)).round().astype(np.int64))
    scan = part.scan
    return Plan(
        groups=part.groups[chosen],
        offsets=part.offsets[chosen],
        padded_size=padded_size,
        canvas=canvas.canvas_geometry(scan.positions, scan.side),
    )
