"""A model of the package whose numbers TensorFlow computes.

Inference, parity and patch statistics know one kind of model. This one keeps weights, probe
and sizes as every other, and hands the forward pass to TensorFlow: tensors of PyTorch go in
and come out, and nothing in between is computed by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
import torch
from jaxtyping import Float
from torch import nn

from ptycho_torch.axes import Amplitude, ObjectPatches, Offsets
from ptycho_torch.backends import TENSORFLOW
from ptycho_torch.backends.tensorflow import model as tensorflow_model
from ptycho_torch.backends.tensorflow.canvas import TensorFlowCanvas
from ptycho_torch.backends.tensorflow.graphs import Compiled
from ptycho_torch.backends.tensorflow.model import TensorFlowModel
from ptycho_torch.physics.canvas import CanvasGeometry
from ptycho_torch.pinn import ForwardResult, PtychoPINN

_KINDS = {torch.float32: np.float32, torch.float64: np.float64}


class TensorFlowPINN(PtychoPINN):
    """A `PtychoPINN` that predicts with TensorFlow.

    Args:
        source: Settings, probe and weights are taken from it.
    """

    backend = TENSORFLOW

    def __init__(self, source: PtychoPINN) -> None:
        nn.Module.__init__(self)  # nothing is drawn: all is there already
        self.config, self.N, self.gridsize = source.config, source.N, source.gridsize
        self.C, self.merges_group = source.C, source.merges_group
        self.resize_canvas(source.padded_size)
        for name in ("probe_parts", "blend_weight", "merge_weight"):
            self.register_buffer(name, source.get_buffer(name), persistent=False)
        self.network = source.network
        self._compiled: dict[tuple[int, torch.dtype], tuple[TensorFlowModel, Compiled]] = {}

    def predict(self, X: Amplitude) -> ObjectPatches:
        """Predict the object patch behind each pattern.

        Args:
            X: Measured amplitudes [normalised].

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        built, _ = self._ready(X.dtype)
        return _to_torch(built.predict(_to_tensorflow(X)))

    def forward(self, X: Amplitude, rel: Offsets) -> ForwardResult:
        """Predict the patches and the intensity that they would give.

        Args:
            X: Measured amplitudes [normalised].
            rel: Offsets of the patterns from the mean of their group [px].

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        _, run = self._ready(X.dtype)
        result = run(_to_tensorflow(X), _to_tensorflow(rel.to(X.dtype)))
        return ForwardResult(*(_to_torch(values) for values in result))

    def canvas(
        self, geometry: CanvasGeometry, weight: Float[np.ndarray, "N N"]
    ) -> TensorFlowCanvas:
        """Make an empty canvas that TensorFlow fills.

        Args:
            geometry: Rectangle to cover.
            weight: Weight of the patch pixels.
        """
        return TensorFlowCanvas(geometry, weight)

    def get_model(self, kind: torch.dtype = torch.float32) -> TensorFlowModel:
        """Return the model that computes, in single or double precision."""
        return self._ready(kind)[0]

    def _ready(self, kind: torch.dtype) -> tuple[TensorFlowModel, Compiled]:
        """Build and compile once for each canvas size and precision."""
        key = (self.padded_size, kind)
        if key not in self._compiled:
            built = build_model(self, kind)
            self._compiled[key] = (built, built.compile_forward())
        return self._compiled[key]


def build_model(source: PtychoPINN, kind: torch.dtype = torch.float32) -> TensorFlowModel:
    """Build TensorFlow's model from the weights and the probe of another.

    Args:
        source: Any model of the package.
        kind: Precision to compute in.
    """
    return tensorflow_model.build(
        source.config,
        {name: value.numpy() for name, value in source.network.state_dict().items()},
        C=source.C,
        probe=source.probe.numpy(),
        blend_weight=source.blend_weight.numpy(),
        padded_size=source.padded_size,
        dtype=_KINDS[kind],
    )


def _to_tensorflow(values: torch.Tensor) -> tf.Tensor:
    return tf.constant(values.numpy())


def _to_torch(values: Any) -> torch.Tensor:
    # A copy: what TensorFlow lends is read-only.
    return torch.from_numpy(np.array(values.numpy()))
