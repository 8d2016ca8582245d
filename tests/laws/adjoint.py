"""The adjoint identity of a pair of linear maps: ⟨A u, v⟩ = ⟨u, Aᴴ v⟩."""

from __future__ import annotations

from collections.abc import Callable

import torch

Map = Callable[[torch.Tensor], torch.Tensor]


def assert_adjoint(forward: Map, backward: Map, u: torch.Tensor, v: torch.Tensor) -> None:
    """Fail unless both inner products agree to double rounding; give double tensors."""
    left = torch.vdot(forward(u).flatten(), v.flatten())
    right = torch.vdot(u.flatten(), backward(v).flatten())
    scale = u.norm() * v.norm()
    assert abs(complex(left - right)) <= 1e-13 * float(scale), f"{left} against {right}"


def gradient_map(forward: Map, u: torch.Tensor) -> Map:
    """Return the map that automatic differentiation takes for the adjoint of ``forward``."""

    def backward(v: torch.Tensor) -> torch.Tensor:
        point = u.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(forward(point), point, grad_outputs=v)
        return gradient

    return backward
