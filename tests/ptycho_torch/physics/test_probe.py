"""The blend weight: its peak, its blur and its sum over modes."""

from __future__ import annotations

import math

import pytest
import torch

from ptycho_torch.physics.probe import blend_weight
from tests.builders import fields


def test_point_probe_gives_the_blur() -> None:
    """A probe of one lit pixel shows the Gaussian itself, cut at four pixels."""
    probe = torch.zeros(1, 13, 17, dtype=torch.complex64)
    probe[0, 5, 8] = 3j

    weight = blend_weight(probe)

    assert weight.dtype == torch.float64
    assert float(weight[5, 8]) == 1.0
    assert float(weight[7, 9]) == pytest.approx(math.exp(-0.5 * (2**2 + 1**2)), rel=1e-12)
    assert float(weight[5, 12]) == pytest.approx(math.exp(-8), rel=1e-12)
    assert float(weight[5, 13]) == 0.0


def test_modes_add_in_intensity() -> None:
    """Opposite modes do not cancel, and the phase of a mode does not matter."""
    mode = torch.from_numpy(fields.probe(32, 1))

    both = blend_weight(torch.cat([mode, -mode]))

    torch.testing.assert_close(both, blend_weight(1j * mode))


def test_dark_probe_is_refused() -> None:
    """A probe without energy has no weight."""
    with pytest.raises(ValueError, match="probe with energy"):
        blend_weight(torch.zeros(2, 8, 12, dtype=torch.complex64))
