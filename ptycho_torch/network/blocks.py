"""The two building blocks of the networks: an initialised convolution and a doubled one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

_KERNEL = 3

Maps = Float[torch.Tensor, "B c h w"]
NewMaps = Float[torch.Tensor, "B c_new h_new w_new"]


@dataclass(frozen=True, slots=True)
class Initialiser:
    """Draws He normal weights from one generator, in the order of construction.

    Attributes:
        generator: Source of all weights; no global generator is touched.
        slope: Slope of the leaky rectifier that follows.
    """

    generator: torch.Generator
    slope: float

    def convolution(self, inputs: int, outputs: int, gain: float = 1.0) -> nn.Conv2d:
        """Make a 3 × 3 convolution that keeps the size, with zero bias.

        Args:
            inputs: Channels in.
            outputs: Channels out.
            gain: Factor on the initial weights.
        """
        layer: nn.Conv2d = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            nn.Conv2d, inputs, outputs, _KERNEL, padding=1, dtype=torch.float32
        )
        deviation = (2.0 / ((1.0 + self.slope**2) * inputs * _KERNEL**2)) ** 0.5
        with torch.no_grad():
            layer.weight.normal_(0.0, gain * deviation, generator=self.generator)
            layer.get_parameter("bias").zero_()
        return layer


class Stage(nn.Module):
    """Two convolutions, each followed by a leaky rectifier."""

    def __init__(self, initialiser: Initialiser, inputs: int, outputs: int) -> None:
        """Draw the weights of both convolutions."""
        super().__init__()
        self.slope = initialiser.slope
        self.conv1 = initialiser.convolution(inputs, outputs)
        self.conv2 = initialiser.convolution(outputs, outputs)

    def forward(self, maps: Maps) -> NewMaps:
        """Convolve twice; height and width stay."""
        # The convolution does not need its output again, so the rectifier may reuse it.
        maps = functional.leaky_relu_(self.conv1(maps), self.slope)
        return functional.leaky_relu_(self.conv2(maps), self.slope)


def double(maps: Maps) -> NewMaps:
    """Repeat every pixel in a 2 × 2 block."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")
