"""Blocks: He initialisation from one generator, and exact doubling."""

from __future__ import annotations

import pytest
import torch

from ptycho_torch.network.blocks import Initialiser, Stage, double


def test_weights_are_he_normal() -> None:
    """Weights have the variance 2 / ((1 + slope²)·fan-in), times the gain; bias is zero."""
    layer = Initialiser(torch.Generator().manual_seed(1), 0.1).convolution(48, 96, gain=0.5)

    wanted = 0.5 * (2 / (1.01 * 48 * 9)) ** 0.5
    assert float(layer.weight.detach().std()) == pytest.approx(wanted, rel=0.02)
    assert abs(float(layer.weight.detach().mean())) < 0.02 * wanted
    assert not layer.get_parameter("bias").any()


def test_global_generator_is_untouched() -> None:
    """Building layers draws nothing from the global generator."""
    before = torch.get_rng_state()

    Stage(Initialiser(torch.Generator().manual_seed(1), 0.1), 3, 5)

    assert torch.equal(torch.get_rng_state(), before)


def test_pixels_double_in_blocks() -> None:
    """Every pixel becomes a 2 × 2 block, rows and columns unequal."""
    maps = torch.arange(12.0).reshape(1, 2, 2, 3)

    assert torch.equal(double(maps), maps.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_rectifier_keeps_a_tenth() -> None:
    """Negative values keep the given slope after each convolution."""
    stage = Stage(Initialiser(torch.Generator(), 0.1), 1, 1)
    with torch.no_grad():
        for layer, sign in ((stage.conv1, -1.0), (stage.conv2, 1.0)):
            layer.weight.zero_()
            layer.weight[0, 0, 1, 1] = sign

    assert stage(torch.tensor([[[[2.0, -3.0, 1.0]]]])).flatten().tolist() == pytest.approx(
        [-0.02, 3.0, -0.01]
    )
