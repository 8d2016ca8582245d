"""The same groups through PyTorch, TensorFlow and the oracle, stage by stage.

Both backends compute in single precision, the oracle in double; weights, amplitudes, offsets
and probe are the same numbers for all three. Stages are compared in the order of the
pipeline, so that the first one that differs names the fault.

    relative L2 of a stage    ‖found − oracle‖ / ‖oracle‖, of the whole array

Source: design of the model, sections 15.1 and 15.2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf
import torch
from numpy.typing import NDArray

from ptycho_torch import oracle
from ptycho_torch.backends.tensorflow import adapter
from ptycho_torch.backends.tensorflow import losses as tensorflow_losses
from ptycho_torch.backends.tensorflow.canvas import TensorFlowCanvas
from ptycho_torch.bundle.read import BundleInfo
from ptycho_torch.data.dataset import GroupDataset
from ptycho_torch.data.scan import ScanData
from ptycho_torch.network.autoencoder import Autoencoder
from ptycho_torch.physics import canvas, detector, exit_wave, far_field, losses, overlap
from ptycho_torch.pinn import PtychoPINN
from ptycho_torch.reconstruct import predict

TOLERANCE = 2e-5
# The stages of the pipeline, and the arrays of the oracle that each of them makes.
STAGES = MappingProxyType(
    {
        "encode": ("features",),
        "decode": ("amp_logits", "phase_logits", "patches"),
        "merge": ("merged",),
        "extract": ("consistent",),
        "illuminate": ("exit_wave",),
        "propagate": ("far_field", "intensity"),
        "loss": ("loss", "deviance"),
        "stitch": ("object",),
    }
)

Arrays = dict[str, NDArray[Any]]


def compare(
    model: PtychoPINN, info: BundleInfo, scan: ScanData, groups: NDArray[np.int64]
) -> dict[str, dict[str, float]]:
    """Compare both backends with the oracle at every stage.

    Args:
        model: Rebuilt from the bundle, of the network that the oracle knows.
        info: Scales and settings of the bundle.
        scan: Frames and positions.
        groups: (G, C) scan indices.

    Returns:
        By stage and backend, the largest relative L2 of the arrays of the stage.
    """
    plan = predict.lay_out(scan, groups)
    model.resize_canvas(plan.padded_size)
    served = GroupDataset(scan.amplitude, groups, plan.offsets, info.scaling.input_scale)
    batch = served.__getitems__(list(range(len(groups))))
    X, rel = batch.amplitude, batch.offsets
    judge = Judge(model, info, scan, plan)
    wanted = judge.oracle(X.numpy(), rel.numpy())
    by_backend = {
        "torch": judge.torch(X, rel),
        "tensorflow": judge.tensorflow(X.numpy(), rel.numpy()),
    }
    return {
        stage: {
            backend: max(_distance(arrays[name], wanted[name]) for name in names)
            for backend, arrays in by_backend.items()
        }
        for stage, names in _list_stages(wanted)
    }


def first_stage(far: Mapping[str, Mapping[str, float]], tolerance: float) -> str | None:
    """Name the first stage at which a backend differs by more than the tolerance."""
    for stage, by_backend in far.items():
        if not all(distance <= tolerance for distance in by_backend.values()):
            return stage
    return None


class Judge:
    """Runs every stage of one bundle on given groups, three times.

    Args:
        model: Rebuilt from the bundle.
        info: Its scales and settings.
        scan: Positions and valid pixels.
        plan: Groups; the canvas is that of their patterns alone.
    """

    def __init__(
        self, model: PtychoPINN, info: BundleInfo, scan: ScanData, plan: predict.Plan
    ) -> None:
        self._model, self._info = model, info
        self._positions = scan.positions[plan.groups].reshape(-1, 2)
        self._canvas = canvas.canvas_geometry(self._positions, scan.side)
        self._mask = scan.valid_mask
        self._scale = info.scaling.intensity_scale
        self._eps = info.configs.training.poisson_eps
        self._weight = info.weight.astype(np.float64)

    def oracle(self, X: NDArray[Any], rel: NDArray[Any]) -> Arrays:
        """Run the stages in NumPy, in double precision."""
        state = {
            name: value.numpy() for name, value in self._model.network.state_dict().items()
        }
        stages = oracle.forward(state, X, rel, self._info.probe, self._info.configs.model)
        loss, deviance = oracle.poisson_nll(
            stages["intensity"], X, self._scale, self._mask, self._eps
        )
        patches = stages["patches"].reshape(-1, *X.shape[2:])
        stitched = oracle.stitch(patches, self._positions, self._weight)["object"]
        return {
            **stages,
            "loss": np.array(loss),
            "deviance": np.array(deviance),
            "object": stitched,
        }

    def torch(self, X: torch.Tensor, rel: torch.Tensor) -> Arrays:
        """Run the stages in PyTorch."""
        with torch.inference_mode():
            stages = dict(_torch_stages(self._model, X, rel))
            mask = torch.from_numpy(self._mask)
            terms = losses.poisson(stages["intensity"], X, self._scale, mask, self._eps)
        target = canvas.Canvas(self._canvas, self._weight)
        target.place(stages["patches"].flatten(0, 1), self._positions)
        arrays = {name: values.numpy() for name, values in stages.items()}
        return {**arrays, **_collect_last_stages(terms, target)}

    def tensorflow(self, X: NDArray[Any], rel: NDArray[Any]) -> Arrays:
        """Run the stages in TensorFlow."""
        amplitude = tf.constant(X)
        stages = adapter.build_model(self._model).stages(amplitude, tf.constant(rel))
        mask = tf.constant(self._mask)
        terms = tensorflow_losses.poisson(
            stages["intensity"], amplitude, self._scale, mask, self._eps
        )
        target = TensorFlowCanvas(self._canvas, self._weight)
        arrays = {name: values.numpy() for name, values in stages.items()}
        target.place(arrays["patches"].reshape(-1, *X.shape[2:]), self._positions)
        return {**arrays, **_collect_last_stages(terms, target)}


def _torch_stages(
    model: PtychoPINN, X: torch.Tensor, rel: torch.Tensor
) -> Iterator[tuple[str, torch.Tensor]]:
    """Run the stages one by one under the oracle's names; the network tells its own."""
    inside: dict[str, torch.Tensor] = {}
    network = model.network
    if not isinstance(network, Autoencoder):
        raise TypeError(f"expected an Autoencoder, got {type(network).__name__}")
    parts = {
        "features": network.encoder,
        "amp_logits": network.amp,
        "phase_logits": network.phase,
    }
    hooks = [
        part.register_forward_hook(
            lambda _module, _inputs, made, name=name: inside.update({name: made})
        )
        for name, part in parts.items()
    ]
    patches = model.predict(X)
    for hook in hooks:
        hook.remove()
    count = len(X) if network.joins_group else len(X) * X.shape[1]
    yield "features", inside["features"][:count]
    for name in ("amp_logits", "phase_logits"):
        yield name, inside[name][:count].reshape(X.shape)
    yield "patches", patches
    if model.merges_group:
        yield (
            "merged",
            overlap.merge_group(patches, rel, model.merge_weight, model.padded_size),
        )
    consistent = model.agree(patches, rel)
    yield "consistent", consistent
    wave = exit_wave.illuminate(consistent, model.probe)
    yield "exit_wave", wave
    field = far_field.propagate(wave)
    yield "far_field", field
    yield "intensity", detector.intensity(field)


def _collect_last_stages(terms: Any, target: canvas.Canvas) -> Arrays:
    """Return the two last stages: the loss and the stitched object."""
    return {
        "loss": np.array(float(terms.loss)),
        "deviance": np.array(float(terms.deviance)),
        "object": target.finish().object,
    }


def _list_stages(wanted: Arrays) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Go through the stages that this model has; single patterns are not merged."""
    for stage, names in STAGES.items():
        if names[0] in wanted:
            yield stage, names


def _distance(values: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Compute the relative L2; other shapes, and what is no number, are infinitely far."""
    if values.shape != wanted.shape:
        return float("inf")
    size = float(np.linalg.norm(wanted))
    gap = float(np.linalg.norm(values.astype(np.complex128) - wanted))
    if not np.isfinite(gap):
        return float("inf")
    return gap / size if size > 0 else float(gap > 0)
