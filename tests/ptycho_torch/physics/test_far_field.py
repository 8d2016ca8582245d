"""Propagation: power, adjoint, centre of the spectrum."""

from __future__ import annotations

import math

import pytest
import torch
from jaxtyping import TypeCheckError

from ptycho_torch.physics.far_field import propagate
from tests.laws.adjoint import assert_adjoint, gradient_map
from tests.laws.power import assert_power_kept


def _wave(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, 4, 6, 10, dtype=torch.complex128, generator=generator)


def test_power_is_kept() -> None:
    """The detector receives exactly the power that left the object."""
    wave = _wave()

    assert_power_kept(wave, propagate(wave))


def test_gradient_is_the_adjoint() -> None:
    """Automatic differentiation takes the conjugate transpose of the transform."""
    assert_adjoint(propagate, gradient_map(propagate, _wave()), _wave(), _wave(1))


@pytest.mark.parametrize(("cycles_x", "cycles_y"), [(0, 0), (3, -2), (-5, 1)])
def test_plane_wave_hits_one_pixel(cycles_x: int, cycles_y: int) -> None:
    """A tilt of (u, v) cycles lands u columns right of and v rows below the centre."""
    rows, columns = torch.meshgrid(torch.arange(6.0), torch.arange(10.0), indexing="ij")
    phase = 2 * math.pi * (cycles_x * columns / 10 + cycles_y * rows / 6)
    wave = torch.polar(torch.ones(6, 10), phase).expand(1, 2, 3, 6, 10)

    field = propagate(wave).abs()

    wanted = torch.zeros(6, 10)
    wanted[3 + cycles_y, 5 + cycles_x] = math.sqrt(60)
    torch.testing.assert_close(field, wanted.expand_as(field), atol=1e-5, rtol=1e-5)


def test_real_field_is_refused() -> None:
    """A field has a phase; a real array is a mistake."""
    with pytest.raises(TypeCheckError):
        propagate(torch.ones(2, 3, 4, 6, 10))
