"""The encoder: its widths and its first and last sizes."""

from __future__ import annotations

import pytest
import torch

from ptycho_torch.network.blocks import Initialiser
from ptycho_torch.network.encoder import Encoder, widths


@pytest.mark.parametrize(
    ("N", "expected"),
    [
        (32, [128, 256]),
        (64, [64, 128, 256]),
        (128, [32, 64, 128, 256]),
        (256, [16, 32, 64, 128, 256]),
    ],
)
def test_widths_double_towards_the_centre(N: int, expected: list[int]) -> None:
    """Every size ends at 256 channels of 8 × 8 pixels."""
    assert widths(N, 2) == expected


def test_maps_shrink_to_eight_pixels() -> None:
    """Frames of any supported side give maps of 8 × 8."""
    encoder = Encoder(Initialiser(torch.Generator(), 0.1), 3, 64, 1)

    assert encoder(torch.rand(2, 3, 64, 64)).shape == (2, 128, 8, 8)
