"""A trained network in, out one norm of weights and gradient for each of its layers.

With them stand the numbers that its optimiser ends with: what a rate or a decay is set to shows
there, however little it does in so short a training.
"""

from __future__ import annotations

import json
from pathlib import Path

from ptycho_torch import files
from ptycho_torch.data import dataset
from ptycho_torch.training.module import PtychoPINN_Lightning
from ptycho_torch.training.prepare import Prepared

_MOST_BATCHES = 4

# Which kernel takes a step, not what step it takes: another choice is a rounding away.
_KERNEL_CHOICES = frozenset({"capturable", "differentiable", "foreach", "fused"})


def record(path: Path, module: PtychoPINN_Lightning, prepared: Prepared) -> None:
    """Write the norms as JSON, by name of the parameter.

    ``weights`` holds the L2 norm and the sum of each, ``gradients`` the L2 norm of the
    gradient over the first training batches, in the order of the groups; ``optimiser`` the
    number of each setting of the optimiser, by its name in PyTorch, except those that choose
    between kernels that take the same step.

    Args:
        path: File to write.
        module: On the CPU, with the weights of the bundle; its gradients are cleared.
        prepared: What was fitted.

    Raises:
        OutputError: The file cannot be written.
    """
    network, config = module.model.network, module.config
    network.zero_grad(set_to_none=True)
    loader = dataset.loader(prepared.served, config.training.batch_size)
    for _, batch in zip(range(_MOST_BATCHES), loader, strict=False):
        result = module.model(batch.amplitude.to(module.model.probe.real.dtype), batch.offsets)
        module.loss(result, batch).loss.backward()  # type: ignore[no-untyped-call]
    weights: dict[str, dict[str, float]] = {}
    gradients: dict[str, float] = {}
    for name, parameter in network.named_parameters():
        values = parameter.detach().double()
        weights[name] = {"norm": float(values.norm()), "sum": float(values.sum())}
        if parameter.grad is not None:
            gradients[name] = float(parameter.grad.double().norm())
    network.zero_grad(set_to_none=True)
    content = {
        "schema": 1,
        "weights": weights,
        "gradients": gradients,
        "optimiser": _list_settings(module),
    }
    files.write_text(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def _list_settings(module: PtychoPINN_Lightning) -> dict[str, float | list[float]]:
    optimiser = module.optimizers(use_pl_optimizer=False)
    (group,) = optimiser.param_groups  # type: ignore[union-attr]
    settings: dict[str, float | list[float]] = {}
    for name, value in group.items():
        if name in _KERNEL_CHOICES:
            continue
        if isinstance(value, bool | int | float):
            settings[name] = float(value)
        elif isinstance(value, tuple):
            settings[name] = [float(one) for one in value]
    return settings
