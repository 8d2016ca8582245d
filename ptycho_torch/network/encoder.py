"""Normalised amplitudes in, feature maps of 8 × 8 pixels out."""

from __future__ import annotations

from torch import nn

from ptycho_torch.network.blocks import HalvingStage, Initialiser, Maps, NewMaps


def widths(N: int, scale: int) -> list[int]:
    """Channels after each stage, widest last: 128·scale at 8 × 8 pixels.

    Args:
        N: Side of a frame [px], a power of two from 16.
        scale: Width factor F.
    """
    count = (N // 8).bit_length() - 1
    return [(128 * scale) >> (count - 1 - index) for index in range(count)]


class Encoder(nn.Module):
    """Stages that each halve the size.

    Source:
        Design of the model, section 7.1.
    """

    def __init__(self, initialiser: Initialiser, channels: int, N: int, scale: int) -> None:
        """Draw the weights of all stages, first to last."""
        super().__init__()
        inputs = channels
        for index, outputs in enumerate(widths(N, scale)):
            self.add_module(f"stage{index}", HalvingStage(initialiser, inputs, outputs))
            inputs = outputs

    def forward(self, maps: Maps) -> NewMaps:
        """Encode amplitudes (B, C, N, N) into maps (B, 128·scale, 8, 8)."""
        for stage in self.children():
            maps = stage(maps)
        return maps
