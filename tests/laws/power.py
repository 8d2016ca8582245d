"""Power is kept from one plane to the next, pattern by pattern."""

from __future__ import annotations

import torch


def assert_power_kept(before: torch.Tensor, after: torch.Tensor) -> None:
    """Fail unless each image of a complex stack keeps its summed squared modulus."""
    first, second = (wave.abs().square().sum(dim=(-2, -1)) for wave in (before, after))
    torch.testing.assert_close(second, first, rtol=1e-12, atol=0)
