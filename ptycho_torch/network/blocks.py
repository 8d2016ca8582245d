"""The building blocks of the networks: convolutions, rectified pairs of them, doubling."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

_KERNEL = 3
# Which of the three pixels of a small map each tap of the kernel meets after doubling, for
# the first and for the second pixel of a pair.
_MEETS = (((1, 0, 0), (0, 1, 1), (0, 0, 0)), ((0, 0, 0), (1, 1, 0), (0, 0, 1)))

Maps = Float[torch.Tensor, "B c h w"]
NewMaps = Float[torch.Tensor, "B c_new h_new w_new"]


class Convolution(nn.Module):
    """A 3 × 3 convolution that keeps the size; its numbers are set by the initialiser.

    Unlike the library's layer it draws no weights of its own, so that no global generator
    is touched and nothing is computed twice.

    Args:
        inputs: Channels in.
        outputs: Channels out.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, _KERNEL, _KERNEL))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, maps: Maps) -> NewMaps:
        """Convolve; pixels outside the maps are zero."""
        return functional.conv2d(maps, self.weight, self.bias, padding=1)


@dataclass(frozen=True, slots=True)
class Initialiser:
    """Draws He normal weights from one generator, in the order of construction.

    Attributes:
        generator: Source of all weights; no global generator is touched.
        slope: Slope of the leaky rectifier that follows.
    """

    generator: torch.Generator
    slope: float

    def convolution(self, inputs: int, outputs: int, gain: float = 1.0) -> Convolution:
        """Make a convolution with zero bias.

        Args:
            inputs: Channels in.
            outputs: Channels out.
            gain: Factor on the initial weights.
        """
        layer = Convolution(inputs, outputs)
        deviation = (2.0 / ((1.0 + self.slope**2) * inputs * _KERNEL**2)) ** 0.5
        with torch.no_grad():
            layer.weight.normal_(0.0, gain * deviation, generator=self.generator)
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
        return functional.leaky_relu_(self.convolve(maps), self.slope)

    def convolve(self, maps: Maps) -> NewMaps:
        """Convolve twice and leave the last rectifier to the caller."""
        # The convolution does not need its output again, so the rectifier may reuse it.
        maps = functional.leaky_relu_(self.conv1(maps), self.slope)
        convolved: torch.Tensor = self.conv2(maps)
        return convolved


class HalvingStage(Stage):
    """A stage that ends by keeping the largest of every 2 × 2 pixels."""

    def forward(self, maps: Maps) -> NewMaps:
        """Convolve twice; height and width halve."""
        # The rectifier never falls, so it may follow the choice: a quarter of the work.
        largest = functional.max_pool2d(self.convolve(maps), 2)
        return functional.leaky_relu_(largest, self.slope)


def double(maps: Maps) -> NewMaps:
    """Repeat every pixel in a 2 × 2 block."""
    return functional.interpolate(maps, scale_factor=2.0, mode="nearest")


def convolve_doubled(layer: Convolution, maps: Maps) -> NewMaps:
    """Compute ``layer(double(maps))`` at the small size.

    Each of the four pixels of a block sees the small map through a kernel whose taps are
    sums of the layer's; they are four sets of output channels, dealt out to the block in
    the end. Layers of few outputs, which leave most of a processor's lanes idle at the
    large size, take about a third of the time.

    Args:
        layer: The convolution.
        maps: The last ``c`` channels may exceed the inputs of the layer; they are ignored.
    """
    outputs, inputs = layer.weight.shape[:2]
    meets = torch.tensor(_MEETS, dtype=layer.weight.dtype, device=layer.weight.device)
    spread = torch.einsum("apk,bql,oikl->oabipq", meets, meets, layer.weight)
    kernel = spread.reshape(4 * outputs, inputs, _KERNEL, _KERNEL)
    kernel = functional.pad(kernel, (0, 0, 0, 0, 0, maps.shape[1] - inputs))
    bias = layer.bias.repeat_interleave(4)
    return functional.pixel_shuffle(functional.conv2d(maps, kernel, bias, padding=1), 2)
