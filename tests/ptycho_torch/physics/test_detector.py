"""Detection: modes add as intensities."""

from __future__ import annotations

import torch

from ptycho_torch.physics.detector import intensity


def test_modes_do_not_interfere() -> None:
    """Opposite modes brighten each other; a coherent sum would cancel them."""
    field = torch.zeros(2, 3, 2, 4, 6, dtype=torch.complex64)
    field[:, :, 0] = 3 + 4j
    field[:, :, 1] = -3 - 4j

    detected = intensity(field)

    assert detected.shape == (2, 3, 4, 6)
    assert torch.equal(detected, torch.full((2, 3, 4, 6), 50.0))
