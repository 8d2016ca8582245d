"""Illumination: the probe multiplies once, and modes get their own axis."""

from __future__ import annotations

import inspect

import pytest
import torch
from jaxtyping import TypeCheckError

from ptycho_torch.physics.exit_wave import illuminate


def test_every_pair_of_patch_and_mode() -> None:
    """Each patch meets each mode once, on an axis between patterns and pixels."""
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(2, 5, 6, 9, dtype=torch.complex64, generator=generator)
    probe = torch.randn(3, 6, 9, dtype=torch.complex64, generator=generator)

    wave = illuminate(patches, probe)

    assert wave.shape == (2, 5, 3, 6, 9)
    for b, c, p in ((0, 0, 0), (1, 4, 2), (1, 0, 1)):
        assert torch.equal(wave[b, c, p], patches[b, c] * probe[p])


@pytest.mark.parametrize("shape", [(6, 9), (1, 3, 6, 9), (3, 9, 6), (3, 6, 1)])
def test_probe_of_another_rank_is_refused(shape: tuple[int, ...]) -> None:
    """Only (P, N, N) is a probe; a legal broadcast is not enough."""
    with pytest.raises((ValueError, TypeCheckError)):
        illuminate(torch.ones(2, 5, 6, 9) + 0j, torch.ones(shape) + 0j)


@pytest.mark.parametrize("shape", [(6, 9), (1, 3, 6, 9), (3, 9, 6), (3, 6, 1), (3, 1, 9)])
def test_check_does_not_rest_on_annotations(shape: tuple[int, ...]) -> None:
    """Where nothing looks at the types of arrays, the function refuses by itself."""
    plain = inspect.unwrap(illuminate)

    with pytest.raises(ValueError, match="illuminate needs patches"):
        plain(torch.ones(2, 5, 6, 9) + 0j, torch.ones(shape) + 0j)
    with pytest.raises(ValueError, match="illuminate needs patches"):
        plain(torch.ones(5, 6, 9) + 0j, torch.ones(3, 6, 9) + 0j)
    assert plain(torch.ones(2, 5, 6, 9) + 0j, torch.ones(3, 6, 9) + 0j).shape[2] == 3
