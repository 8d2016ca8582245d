"""The towers: the names of their tensors, the border and the centre."""

from __future__ import annotations

import torch

from ptycho_torch.network import decoder
from ptycho_torch.network.blocks import Initialiser


def _tower(*, has_outer: bool) -> decoder.Tower:
    plan = decoder.TowerPlan(
        N=32,
        channels=3,
        scale=1,
        inputs=128,
        widest=256,
        outer_width=64,
        outer_channels=4,
        has_outer=has_outer,
        head_gain=1.0,
    )
    return decoder.Tower(Initialiser(torch.Generator().manual_seed(2), 0.1), plan)


def test_border_surrounds_the_central_half() -> None:
    """The border is one outside the central N/2 square and zero inside."""
    ring = decoder.border(torch.zeros(2, 3, 16, 16))

    assert ring.shape == (16, 16)
    assert int(ring.sum()) == 16**2 - 8**2
    assert not ring[4:12, 4:12].any()


def test_centre_and_border_do_not_mix() -> None:
    """The last channels fill the border only, all others the centre only."""
    tower = _tower(has_outer=True)
    maps = torch.rand(2, 128, 8, 8)
    before = tower(maps)

    with torch.no_grad():
        tower.centre.weight.mul_(2)
    centre_moved = tower(maps) != before
    with torch.no_grad():
        tower.centre.weight.div_(2)
        tower.outer.conv3.weight.mul_(2)
    border_moved = tower(maps) != before

    assert centre_moved[..., 8:24, 8:24].all()
    assert not centre_moved[..., :8, :].any()
    assert border_moved[..., :8, :].all()
    assert border_moved[..., 8:24, :8].all()
    assert not border_moved[..., 8:24, 8:24].any()


def test_without_border_the_rim_is_blank() -> None:
    """A tower without a border has none of its tensors and zero logits there."""
    tower = _tower(has_outer=False)

    logits = tower(torch.rand(2, 128, 8, 8))

    assert not [name for name, _ in tower.named_parameters() if name.startswith("outer")]
    assert not logits[..., :8, :].any()
    assert logits[..., 8:24, 8:24].any()
