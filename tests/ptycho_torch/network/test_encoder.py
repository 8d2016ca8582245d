"""The encoder: its widths and its first and last sizes."""

from __future__ import annotations

import pytest
import torch

from ptycho_torch.network.blocks import Initialiser
from ptycho_torch.network.encoder import Encoder, EncoderPlan


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
    assert EncoderPlan(N=N, channels=3, features=256).widths() == expected


def test_maps_shrink_to_eight_pixels() -> None:
    """Frames of any supported side give maps of 8 × 8."""
    encoder = Encoder(
        Initialiser(torch.Generator(), 0.1), EncoderPlan(N=64, channels=3, features=128)
    )

    assert encoder(torch.rand(2, 3, 64, 64)).shape == (2, 128, 8, 8)


def test_folding_leaves_out_a_stage() -> None:
    """Blocks of pixels become channels, and 8 × 8 is reached one stage earlier."""
    plan = EncoderPlan(N=64, channels=3, features=128, fold=2)
    encoder = Encoder(Initialiser(torch.Generator(), 0.1), plan)

    assert plan.widths() == [64, 128]
    assert encoder.get_parameter("stage0.conv1.weight").shape == (64, 12, 3, 3)
    assert encoder(torch.rand(2, 3, 64, 64)).shape == (2, 128, 8, 8)
