"""Measured amplitudes and offsets in, predicted intensity out: network and forward model.

The same two methods serve training and inference; there is no second implementation.

Source:
    Design of the model, section 8.1.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from ptycho_torch.axes import Amplitude, Intensity, ObjectPatches, Offsets, Probe
from ptycho_torch.config_params import SIDE_RULE, SIDES, ModelConfig
from ptycho_torch.errors import ConfigError
from ptycho_torch.network import registry
from ptycho_torch.physics import detector, exit_wave, far_field, overlap
from ptycho_torch.physics.canvas import Canvas, CanvasGeometry
from ptycho_torch.physics.probe import blend_weight
from ptycho_torch.rng import Stream, generator

logger = logging.getLogger(__name__)

_PROBE_RANK = 3


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


class PtychoPINN(nn.Module):
    """The network followed by the known physics of the measurement.

    Args:
        config: Network, overlap and weights.
        N: Side of a frame [px].
        gridsize: Side of a group; a group has gridsize² patterns.
        probe: (P, N, N) complex, normalised modes; tensor or array.
        padded_size: Side of the group canvas [px].
        seed: Root of the random streams; weights use their own.

    Attributes:
        blend_weight: Un-floored weight of the patch pixels (N, N).
        backend: What computes the numbers.

    Raises:
        ConfigError: N is not supported or the head is unknown.
        ValueError: The probe is not (P, N, N), or the canvas is smaller than a patch.
    """

    backend: ClassVar[str] = "torch"
    probe_parts: Float[torch.Tensor, "P N N 2"]
    blend_weight: Float[torch.Tensor, "N N"]
    merge_weight: Float[torch.Tensor, "N N"]

    def __init__(
        self,
        config: ModelConfig,
        *,
        N: int,
        gridsize: int,
        probe: Any,
        padded_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        if N not in SIDES:
            raise ConfigError("N", expected=SIDE_RULE, found=str(N))
        self.config, self.N, self.gridsize = config, N, gridsize
        self.C = gridsize**2
        self.merges_group = self.C > 1 and config.overlaps(self.C)
        self.resize_canvas(padded_size)
        modes = torch.as_tensor(probe, dtype=torch.complex64).detach().clone()
        if modes.ndim != _PROBE_RANK or modes.shape[1:] != (N, N):
            raise ValueError(f"expected a probe (P, {N}, {N}), got {tuple(modes.shape)}")
        weight = blend_weight(modes, config.weight_blur_sigma).float()
        # The probe and the weights travel beside the parameters, not among them.
        self.register_buffer("probe_parts", torch.view_as_real(modes), persistent=False)
        self.register_buffer("blend_weight", weight, persistent=False)
        floored = weight.clamp_min(config.weight_floor)
        self.register_buffer("merge_weight", floored, persistent=False)
        self.network = registry.build(config, N, self.C, _weight_generator(seed))
        logger.info(
            "network %s: N=%d C=%d, %d parameters",
            config.architecture,
            N,
            self.C,
            self.parameter_count,
        )

    @property
    def probe(self) -> Probe:
        """The complex modes; kept as real parts, since a cast to real drops the imaginary."""
        return torch.view_as_complex(self.probe_parts)

    @property
    def parameter_count(self) -> int:
        """Number of trainable numbers."""
        return sum(parameter.numel() for parameter in self.parameters())

    def resize_canvas(self, padded_size: int) -> None:
        """Set the side of the group canvas for the scan at hand.

        Args:
            padded_size: N plus twice the farthest offset, rounded up [px].

        Raises:
            ValueError: It is smaller than a patch, or differs by an odd number.
        """
        if padded_size < self.N or (padded_size - self.N) % 2:
            raise ValueError(
                f"expected a group canvas of {self.N} px plus an even number, got {padded_size}"
            )
        self.padded_size = padded_size

    def predict(self, X: Amplitude) -> ObjectPatches:
        """Predict the object patch behind each pattern.

        Args:
            X: Measured amplitudes [normalised].

        Returns:
            O, complex transmission [unitless].

        Raises:
            ValueError: X is not (B, C, N, N).
        """
        wanted = (self.C, self.N, self.N)
        if X.shape[1:] != wanted:
            raise ValueError(
                f"expected amplitudes (B, {self.C}, {self.N}, {self.N}), got {tuple(X.shape)}"
            )
        patches: torch.Tensor = self.network(X)
        return patches

    def forward(self, X: Amplitude, rel: Offsets) -> ForwardResult:
        """Predict the patches and the intensity that they would give.

        Args:
            X: Measured amplitudes [normalised].
            rel: Offsets of the patterns from the mean of their group [px].

        Returns:
            Patches, patches that agree within each group, and intensity.

        Raises:
            ValueError: Shapes do not fit, or an offset leaves the group canvas.
        """
        patches = self.predict(X)
        consistent = self.agree(patches, rel)
        wave = exit_wave.illuminate(consistent, self.probe)
        return ForwardResult(patches, consistent, detector.intensity(far_field.propagate(wave)))

    def agree(self, patches: ObjectPatches, rel: Offsets) -> ObjectPatches:
        """Make the patches of each group agree where they overlap.

        Args:
            patches: O, as predicted.
            rel: Offsets of the patterns from the mean of their group [px].

        Returns:
            extract(merge(O)); O itself for single patterns or without overlap.
        """
        if not self.merges_group:
            return patches
        merged = overlap.merge_group(patches, rel, self.merge_weight, self.padded_size)
        return overlap.extract_group(merged, rel, self.N)

    def canvas(self, geometry: CanvasGeometry, weight: Float[np.ndarray, "N N"]) -> Canvas:
        """Make an empty canvas for the patches of this model.

        Args:
            geometry: Rectangle to cover.
            weight: Weight of the patch pixels.
        """
        return Canvas(geometry, weight)


def _weight_generator(seed: int) -> torch.Generator:
    """Make the generator of the initial weights from its stream."""
    root = generator(seed, Stream.WEIGHTS).integers(np.iinfo(np.int64).max)
    return torch.Generator().manual_seed(int(root))
