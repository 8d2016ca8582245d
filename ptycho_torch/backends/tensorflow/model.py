"""Measured amplitudes and offsets in, predicted intensity out, with TensorFlow.

Source:
    Design of the model, sections 8.1 and 15.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho_torch.backends.tensorflow import forward_model, graphs, network, weights
from ptycho_torch.backends.tensorflow.axes import (
    Amplitude,
    Intensity,
    ObjectPatches,
    Offsets,
    PatchWeight,
    Probe,
)
from ptycho_torch.backends.tensorflow.graphs import Compiled
from ptycho_torch.config_params import ModelConfig


class ForwardResult(NamedTuple):
    """What one pass through the model gives.

    Attributes:
        patches: O, the prediction of the network (B, C, N, N).
        consistent: O after merging and extracting; O itself without overlap.
        intensity: Î, the predicted intensity [normalised].
    """

    patches: ObjectPatches
    consistent: ObjectPatches
    intensity: Intensity


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorFlowModel:
    """The network followed by the known physics of the measurement.

    Attributes:
        config: Network, overlap and weights.
        N: Side of a frame [px].
        C: Patterns per group.
        padded_size: Side of the group canvas [px].
        probe: Incoherent modes, normalised.
        merge_weight: Floored weight of the patch pixels.
        variables: Parameters by the names of the bundle, kernels turned.
    """

    config: ModelConfig
    N: int
    C: int
    padded_size: int
    probe: Probe
    merge_weight: PatchWeight
    variables: Mapping[str, tf.Variable]

    def predict(self, X: Amplitude) -> ObjectPatches:
        """Predict the object patch behind each pattern.

        Args:
            X: Measured amplitudes [normalised].

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        return network.heads(self._decode(X), self.config)

    def forward(self, X: Amplitude, rel: Offsets) -> ForwardResult:
        """Predict the patches and the intensity that they would give.

        Args:
            X: Measured amplitudes [normalised].
            rel: Offsets of the patterns from the mean of their group [px].

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        stages = self.stages(X, rel)
        return ForwardResult(stages["patches"], stages["consistent"], stages["intensity"])

    def stages(self, X: Amplitude, rel: Offsets) -> dict[str, tf.Tensor]:
        """Run the forward model and return every stage by name, first to last.

        Args:
            X: Measured amplitudes [normalised].
            rel: Offsets of the patterns from the mean of their group [px].

        Returns:
            features, amp_logits, phase_logits, patches, merged (with overlap), consistent,
            exit_wave, far_field and intensity, as the oracle names them.

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        decoded = self._decode(X)
        stages = {**decoded._asdict(), "patches": network.heads(decoded, self.config)}
        stages["consistent"] = stages["patches"]
        if self.C > 1 and self.config.overlaps(self.C):
            stages["merged"] = forward_model.merge(
                stages["patches"], rel, self.merge_weight, self.padded_size
            )
            stages["consistent"] = forward_model.extract(stages["merged"], rel, self.N)
        stages["exit_wave"] = forward_model.illuminate(stages["consistent"], self.probe)
        stages["far_field"] = forward_model.propagate(stages["exit_wave"])
        stages["intensity"] = forward_model.intensity(stages["far_field"])
        return stages

    def compile_forward(self, *, with_xla: bool = False) -> Compiled:
        """Compile ``forward`` for any number of groups.

        Args:
            with_xla: Let XLA compile the graph; the same numbers, other speed.
        """
        return graphs.compile_graph(self.forward, self.signature(), with_xla=with_xla)

    def signature(self) -> list[tf.TensorSpec]:
        """Say what ``forward`` takes: the number of groups is open, the rest is fixed."""
        real = self.merge_weight.dtype
        return [
            tf.TensorSpec((None, self.C, self.N, self.N), real),
            tf.TensorSpec((None, self.C, 2), real),
        ]

    def state(self) -> weights.Arrays:
        """Return the parameters as a bundle stores them."""
        return weights.to_bundle(
            {name: value.numpy() for name, value in self.variables.items()}
        )

    def _decode(self, X: Amplitude) -> network.Decoded:
        if X.shape[1:] != (self.C, self.N, self.N):
            raise ValueError(
                f"expected amplitudes (B, {self.C}, {self.N}, {self.N}), got {X.shape}"
            )
        return network.decode(self.variables, X, self.config)


def build(
    config: ModelConfig,
    state: Mapping[str, NDArray[Any]],
    *,
    C: int,
    probe: NDArray[np.complexfloating[Any, Any]],
    blend_weight: NDArray[Any],
    padded_size: int,
    dtype: Any = np.float32,
) -> TensorFlowModel:
    """Build the model from the parts of a bundle.

    Args:
        config: Network, overlap and weights.
        state: Parameters as the bundle stores them.
        C: Patterns per group.
        probe: (P, N, N) normalised modes.
        blend_weight: (N, N) un-floored weight of the patch pixels.
        padded_size: Side of the group canvas [px].
        dtype: Real kind to compute in.
    """
    floored = np.maximum(np.asarray(blend_weight, np.float32), np.float32(config.weight_floor))
    return TensorFlowModel(
        config=config,
        N=probe.shape[-1],
        C=C,
        padded_size=padded_size,
        probe=tf.constant(probe, np.result_type(dtype, np.complex64)),
        merge_weight=tf.constant(floored, dtype),
        variables={
            name: tf.Variable(value, dtype=dtype, name=name.replace(".", "_"))
            for name, value in weights.from_bundle(state).items()
        },
    )
