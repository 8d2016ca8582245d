"""Initial weights in, out weights that differ from them by rounding."""

from __future__ import annotations

import numpy as np
import torch

from ptycho_torch.rng import Stream, generator


def move_weights(network: torch.nn.Module, seed: int, number: int) -> None:
    """Move each weight by half a unit in its last place on average; number 0 moves none.

    Half of the weights go to their neighbour above or below, at random and by a stream of its
    own, so that groups, order and initial weights stay those of the seed. Zeros stay: beside
    them the next number is no rounding.

    Args:
        network: Just made; changed in place.
        seed: Root of the run's random streams.
        number: Which perturbation; each is another one.
    """
    if not number:
        return
    root = generator(seed, Stream.PERTURBATION, number).integers(np.iinfo(np.int64).max)
    draws = torch.Generator().manual_seed(int(root))
    with torch.no_grad():
        for parameter in network.parameters():
            choice = torch.randint(4, parameter.shape, generator=draws)
            target = torch.where(choice == 0, -torch.inf, torch.inf).to(parameter.dtype)
            moved = torch.nextafter(parameter, target)
            is_moved = (choice < 2) & (parameter != 0)  # noqa: PLR2004 - half of four
            parameter.copy_(torch.where(is_moved, moved, parameter))
