"""Normalised amplitudes in, complex object patches out: one encoder, two towers.

Source:
    Design of the model, sections 7.1 and 7.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ptycho_torch.axes import Amplitude, ObjectPatches
from ptycho_torch.config_params import ModelConfig
from ptycho_torch.network import decoder, heads
from ptycho_torch.network.blocks import Initialiser
from ptycho_torch.network.encoder import Encoder, EncoderPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What tells one autoencoder from another; the stages are alike.

    Attributes:
        fold: Side of the blocks of pixels that become channels first; 2 leaves out the
            stage at full size.
        features: Maps at 8 × 8 pixels, times the width factor F.
        widest: Most maps of a stage of the towers, times F.
        outer: Maps of the border's convolutions, times N / F.
    """

    fold: int
    features: int
    widest: int
    outer: int


CNN = Layout(fold=1, features=128, widest=256, outer=2048)
LITE = Layout(fold=2, features=64, widest=64, outer=1024)


class Autoencoder(nn.Module):
    """The networks ``cnn``, the default, and ``cnn-lite``.

    With ``object_big`` the patterns of a group are the channels; without it each pattern
    passes alone through a network of one channel.

    Args:
        config: Widths, heads and borders.
        N: Side of a frame [px].
        C: Patterns per group.
        generator: Source of the initial weights.
        layout: Which of the networks.

    Raises:
        ConfigError: The amplitude head is not known.
    """

    def __init__(
        self,
        config: ModelConfig,
        N: int,
        C: int,
        generator: torch.Generator,
        layout: Layout = CNN,
    ) -> None:
        super().__init__()
        heads.check(config.amp_activation, config.amp_max)
        self.config = config
        self.joins_group = config.overlaps(C)
        initialiser = Initialiser(generator, config.hidden_slope)
        channels, scale = C if self.joins_group else 1, config.n_filters_scale
        features = layout.features * scale
        plan = decoder.TowerPlan(
            N=N,
            channels=channels,
            scale=scale,
            inputs=features,
            widest=layout.widest * scale,
            outer_width=layout.outer * scale // N,
            outer_channels=config.c_outer,
            has_outer=config.probe_big,
            head_gain=config.head_gain,
        )
        encoder_plan = EncoderPlan(N=N, channels=channels, features=features, fold=layout.fold)
        # Frames of other sides than powers of 2 get a rim of zeros, which the patches lose.
        self.rim = -N % encoder_plan.divisor // 2
        self.encoder = Encoder(initialiser, encoder_plan)
        self.amp = decoder.Tower(initialiser, plan)
        self.phase = decoder.Tower(initialiser, plan)

    def forward(self, amplitude: Amplitude) -> ObjectPatches:
        """Predict one object patch per measured pattern.

        Args:
            amplitude: X, measured amplitudes [normalised].

        Returns:
            Patches with amplitude near 1 and phase near 0 before training.
        """
        shape = amplitude.shape
        if not self.joins_group:
            amplitude = amplitude.reshape(-1, 1, *shape[2:])
        count = len(amplitude)
        if count == 1:
            # A lone image selects other convolution kernels, which round otherwise; beside
            # a copy of itself it gives the very bits that it gives in any batch.
            amplitude = amplitude.expand(2, -1, -1, -1)
        # A clone, since a single channel counts as channels-last without having its strides.
        amplitude = functional.pad(amplitude, (self.rim,) * 4) if self.rim else amplitude
        features = self.encoder(amplitude.clone(memory_format=torch.channels_last))
        amp_logits, phase_logits = (
            _rows_first(_cut(tower(features)[:count], self.rim))
            for tower in (self.amp, self.phase)
        )
        amplitudes = heads.amplitude(
            amp_logits, self.config.amp_activation, self.config.amp_max
        )
        if not self.config.probe_big:
            amplitudes = amplitudes * (1 - decoder.border(amplitudes))
        return heads.combine(amplitudes, phase_logits).reshape(shape)


def _cut(logits: torch.Tensor, rim: int) -> torch.Tensor:
    """Return the maps without a rim of so many pixels."""
    return logits[..., rim:-rim, rim:-rim] if rim else logits


def _rows_first(logits: torch.Tensor) -> torch.Tensor:
    """Return plain strides and at least single precision, for complex arithmetic."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32)).contiguous()
