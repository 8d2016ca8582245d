"""Normalised amplitudes in, feature maps out: 8 × 8 pixels for sides that are powers of 2."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ptycho_torch.network.blocks import HalvingStage, Initialiser, Maps, NewMaps


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderPlan:
    """Sizes of an encoder.

    Attributes:
        N: Side of a frame [px].
        channels: Patterns that enter together.
        features: Maps to make.
        fold: Side of the blocks of pixels that become channels before the first stage.
    """

    N: int
    channels: int
    features: int
    fold: int = 1

    @property
    def divisor(self) -> int:
        """What a side must be a multiple of, so that every stage halves it exactly."""
        return self.fold << len(self.widths())

    def widths(self) -> list[int]:
        """Channels after each stage, doubling up to the features at 8 × 8 pixels."""
        count = (self.N // self.fold // 8).bit_length() - 1
        return [self.features >> (count - 1 - index) for index in range(count)]


class Encoder(nn.Module):
    """Stages that each halve the size.

    Source:
        Design of the model, section 7.1.
    """

    def __init__(self, initialiser: Initialiser, plan: EncoderPlan) -> None:
        """Draw the weights of all stages, first to last."""
        super().__init__()
        self.fold = plan.fold
        inputs = plan.channels * plan.fold**2
        for index, outputs in enumerate(plan.widths()):
            self.add_module(f"stage{index}", HalvingStage(initialiser, inputs, outputs))
            inputs = outputs

    def forward(self, maps: Maps) -> NewMaps:
        """Encode amplitudes (B, C, N, N) into maps (B, features, 8, 8), or somewhat larger."""
        if self.fold > 1:
            maps = functional.pixel_unshuffle(maps, self.fold)
            maps = maps.contiguous(memory_format=torch.channels_last)
        for stage in self.children():
            maps = stage(maps)
        return maps
