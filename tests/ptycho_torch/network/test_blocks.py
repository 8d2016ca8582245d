"""Blocks: He initialisation from one generator, and exact doubling."""

from __future__ import annotations

import pytest
import torch

from ptycho_torch.network.blocks import Initialiser, Stage, convolve_doubled, double


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


@pytest.mark.parametrize("spare", [0, 2])
def test_folded_convolution_equals_the_plain_one(spare: int) -> None:
    """Convolving at the small size gives what doubling first would give, edges included."""
    layer = Initialiser(torch.Generator().manual_seed(4), 0.1).convolution(3, 5).double()
    with torch.no_grad():
        layer.bias.copy_(torch.arange(5.0))
    maps = torch.rand(2, 3 + spare, 6, 9, dtype=torch.float64)

    wanted = layer(double(maps[:, :3]))

    assert torch.allclose(convolve_doubled(layer, maps), wanted, rtol=0, atol=1e-12)


def test_folded_convolution_has_the_gradient() -> None:
    """Weights, bias and maps get the gradients of the plain convolution."""
    layer = Initialiser(torch.Generator().manual_seed(5), 0.1).convolution(3, 2).double()
    maps = torch.rand(2, 3, 4, 7, dtype=torch.float64, requires_grad=True)
    probe = torch.rand(2, 2, 8, 14, dtype=torch.float64)
    leaves = (layer.weight, layer.bias, maps)

    plain = torch.autograd.grad((layer(double(maps)) * probe).sum(), leaves)
    folded = torch.autograd.grad((convolve_doubled(layer, maps) * probe).sum(), leaves)

    for gradient, wanted in zip(folded, plain, strict=True):
        assert torch.allclose(gradient, wanted, rtol=0, atol=1e-11)
