"""Feature maps in, one real map per pattern out: the logits of amplitude or of phase."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ptycho_torch.network.blocks import (
    Initialiser,
    Maps,
    NewMaps,
    Stage,
    convolve_doubled,
    double,
)

_LAST_WIDTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class TowerPlan:
    """Sizes of a tower.

    Attributes:
        N: Side of a frame [px].
        channels: Maps to make.
        scale: Width factor F; the last stage has 32·F maps.
        inputs: Maps that the encoder makes.
        widest: Most maps of any stage.
        outer_width: Maps between the convolutions that predict the border.
        outer_channels: Channels kept for the border.
        has_outer: Whether the border is predicted.
        head_gain: Initial gain of the last convolutions.
    """

    N: int
    channels: int
    scale: int
    inputs: int
    widest: int
    outer_width: int
    outer_channels: int
    has_outer: bool
    head_gain: float


class Outer(nn.Module):
    """Predicts the whole frame from a few channels at half its size."""

    def __init__(self, initialiser: Initialiser, plan: TowerPlan) -> None:
        """Draw the weights of the three convolutions."""
        super().__init__()
        width = plan.outer_width
        self.slope = initialiser.slope
        self.conv1 = initialiser.convolution(plan.outer_channels, width)
        self.conv2 = initialiser.convolution(width, width)
        self.conv3 = initialiser.convolution(width, plan.channels, plan.head_gain)

    def forward(self, maps: Maps) -> NewMaps:
        """Map (B, c_outer, N/2, N/2) to (B, C, N, N)."""
        maps = functional.leaky_relu_(self.conv1(maps), self.slope)
        maps = functional.leaky_relu_(self.conv2(maps), self.slope)
        return convolve_doubled(self.conv3, maps)


class Tower(nn.Module):
    """Doubles the maps up to half the frame, then fills the centre and the border.

    Source:
        Design of the model, section 7.1.
    """

    def __init__(self, initialiser: Initialiser, plan: TowerPlan) -> None:
        """Draw the weights from the coarsest stage to the border."""
        super().__init__()
        self.plan = plan
        inputs = plan.inputs
        stage_count = (plan.N // 16).bit_length() - 1
        self._stages = [f"stage{index}" for index in reversed(range(stage_count))]
        for index, name in zip(reversed(range(stage_count)), self._stages, strict=True):
            outputs = min((_LAST_WIDTH * plan.scale) << index, plan.widest)
            self.add_module(name, Stage(initialiser, inputs, outputs))
            inputs = outputs
        self.centre = initialiser.convolution(
            inputs - plan.outer_channels, plan.channels, plan.head_gain
        )
        self.outer = Outer(initialiser, plan) if plan.has_outer else None

    def forward(self, maps: Maps) -> NewMaps:
        """Decode maps (B, inputs, 8, 8) into logits (B, C, N, N); larger maps into larger."""
        first, *others = self._stages
        maps = self.get_submodule(first)(maps)
        for name in others:
            maps = self.get_submodule(name)(double(maps))
        quarter = maps.shape[-1]
        logits = functional.pad(convolve_doubled(self.centre, maps), (quarter,) * 4)
        if self.outer is None:
            return logits
        filled: torch.Tensor = self.outer(double(maps[:, -self.plan.outer_channels :]))
        return logits + border(logits) * filled


def border(maps: torch.Tensor) -> torch.Tensor:
    """Return (N, N) ones outside the central half of a frame and zeros inside."""
    N = maps.shape[-1]
    ring = torch.ones(N, N, dtype=maps.dtype, device=maps.device)
    ring[N // 4 : -(N // 4), N // 4 : -(N // 4)] = 0
    return ring
