"""A perturbation moves initial weights by rounding, and nothing else of a run."""

from __future__ import annotations

import torch

from ptycho_torch.training import perturbation


def network() -> torch.nn.Module:
    """Weights of many sizes, and a bias of zeros."""
    layer = torch.nn.Linear(40, 60)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(-3, 3, 2400).reshape(60, 40) ** 3)
        layer.bias.zero_()
    return layer


def test_weights_move_by_half_an_ulp_on_average() -> None:
    """Half of the weights go to a neighbour, as many up as down; none goes farther."""
    before, after = network(), network()

    perturbation.move_weights(after, 42, 1)

    old, new = before.get_parameter("weight"), after.get_parameter("weight")
    up, down = (torch.nextafter(old, torch.full_like(old, s)) for s in (torch.inf, -torch.inf))
    assert bool(((new == old) | (new == up) | (new == down)).all())
    for share, expected in (((new == old), 0.5), ((new == up), 0.25), ((new == down), 0.25)):
        assert abs(float(share.double().mean()) - expected) < 0.05
    assert bool((after.get_parameter("bias") == 0).all())


def test_each_number_is_another_perturbation() -> None:
    """Number 0 moves nothing; the others repeat and differ from each other and by seed."""
    made = []
    for seed, number in ((42, 0), (42, 1), (42, 1), (42, 2), (43, 1)):
        made.append(network())
        perturbation.move_weights(made[-1], seed, number)
    weights = [one.get_parameter("weight") for one in made]

    assert bool((weights[0] == network().get_parameter("weight")).all())
    assert bool((weights[1] == weights[2]).all())
    assert bool((weights[1] != weights[3]).any())
    assert bool((weights[1] != weights[4]).any())
