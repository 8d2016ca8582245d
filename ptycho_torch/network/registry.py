"""Name of an architecture in, network out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import nn

from ptycho_torch.config_params import ModelConfig
from ptycho_torch.errors import ConfigError
from ptycho_torch.network.autoencoder import LITE, Autoencoder

Maker = Callable[[ModelConfig, int, int, torch.Generator], nn.Module]

ARCHITECTURES: Mapping[str, Maker] = MappingProxyType(
    {"cnn": Autoencoder, "cnn-lite": functools.partial(Autoencoder, layout=LITE)}
)


def build(config: ModelConfig, N: int, C: int, generator: torch.Generator) -> nn.Module:
    """Build the network that the settings name.

    Args:
        config: Architecture and its widths.
        N: Side of a frame [px].
        C: Patterns per group.
        generator: Source of the initial weights.

    Returns:
        A module that maps amplitudes (B, C, N, N) to complex patches of that shape.

    Raises:
        ConfigError: The architecture is not known.
    """
    if config.architecture not in ARCHITECTURES:
        raise ConfigError(
            "architecture", expected=" or ".join(ARCHITECTURES), found=config.architecture
        )
    return ARCHITECTURES[config.architecture](config, N, C, generator)
