"""Gradients against finite differences in double precision."""

from __future__ import annotations

from collections.abc import Callable

import torch


def assert_gradient(
    function: Callable[[torch.Tensor], torch.Tensor], point: torch.Tensor, step: float = 1e-6
) -> None:
    """Fail unless the slope along a random direction matches central differences.

    Args:
        function: Real scalar of a double tensor, real or complex.
        point: Where to look; a fixed direction is drawn in its shape.
        step: Length of the difference.
    """
    place = point.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(function(place), place)
    generator = torch.Generator().manual_seed(7)
    direction = torch.randn(point.shape, dtype=point.dtype, generator=generator)
    ahead, behind = (float(function(point + sign * step * direction)) for sign in (1, -1))
    slope = float(torch.vdot(gradient.flatten(), direction.flatten()).real)
    assert slope != 0.0
    estimate = (ahead - behind) / (2 * step)
    assert abs(estimate - slope) <= 1e-6 * max(1.0, abs(slope)), f"{estimate} against {slope}"
