"""Merge and extract: the golden group, round trips, ramps and permutations."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ptycho_torch.physics.overlap import extract_group, merge_group
from tests.builders import fields
from tests.laws.gradient import assert_gradient

REL = torch.tensor([[[-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0], [2.0, 1.0]]], dtype=torch.float64)
PIXELS = [(4, 7), (4, 3), (2, 7), (2, 3)]


def _weight(N: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(
        torch.arange(N, dtype=torch.float64),
        torch.arange(N, dtype=torch.float64),
        indexing="ij",
    )
    return 0.1 + torch.exp(-((columns - N / 3) ** 2 + (rows - N / 2) ** 2) / N)


def test_one_object_point_lands_once() -> None:
    """Four patches that see the same object point put it on one canvas pixel."""
    patches = torch.zeros(1, 4, 8, 8, dtype=torch.complex128)
    for channel, place in enumerate(PIXELS):
        patches[0, channel, place[0], place[1]] = 1

    merged = merge_group(patches, REL, torch.ones(8, 8, dtype=torch.float64), 12)

    assert merged.nonzero().tolist() == [[0, 5, 7]]
    assert merged[0, 5, 7] == 1


def test_consistent_patches_are_kept() -> None:
    """At integer offsets, patches cut from one L come back exactly, un-mirrored."""
    canvas = fields.l_shape(30, 41)
    positions = np.array(
        [[[13, 12], [19, 12], [13, 16], [19, 16]], [[20, 13], [28, 15], [22, 17], [26, 15]]]
    )
    rel = torch.from_numpy(positions - positions.mean(axis=1, keepdims=True))
    patches = torch.from_numpy(np.stack([fields.cut(canvas, group, 16) for group in positions]))

    merged = merge_group(patches, rel, _weight(16), 24)
    again = extract_group(merged, rel, 16)

    torch.testing.assert_close(again, patches, rtol=1e-12, atol=1e-12)
    centre = positions[0].mean(axis=0).astype(int)
    region = canvas[
        centre[1] - 12 + 2 : centre[1] + 12 - 2, centre[0] - 12 + 1 : centre[0] + 12 - 1
    ]
    torch.testing.assert_close(merged[0, 2:22, 1:23], torch.from_numpy(region))


def test_ramp_is_exact_inside() -> None:
    """A linear ramp survives fractional offsets, away from the edge of the patches."""
    rel = torch.from_numpy(fields.offsets(np.random.default_rng(2), 2, 4, 3.0))
    rows, columns = np.mgrid[:16, :16] - 8.0
    shift_x, shift_y = rel[..., 0, None, None], rel[..., 1, None, None]
    ramp = (2.0 + 0.3 * (torch.from_numpy(columns) + shift_x)) + 1j * (
        0.5 - 0.2 * (torch.from_numpy(rows) + shift_y)
    )

    merged = merge_group(ramp, rel, torch.ones(16, 16, dtype=torch.float64), 22)
    again = extract_group(merged, rel, 16)

    torch.testing.assert_close(
        again[..., 7:9, 7:9], ramp[..., 7:9, 7:9], rtol=1e-12, atol=1e-12
    )


def test_order_within_a_group_is_free() -> None:
    """Permuting the patches of a group permutes the result and nothing else."""
    rng = np.random.default_rng(3)
    rel = torch.from_numpy(fields.offsets(rng, 2, 5, 2.0))
    patches = torch.from_numpy(rng.normal(size=(2, 5, 12, 12)) + 1j)
    order = torch.tensor([3, 0, 4, 1, 2])

    merged = merge_group(patches, rel, _weight(12), 16)
    shuffled = merge_group(patches[:, order], rel[:, order], _weight(12), 16)

    torch.testing.assert_close(shuffled, merged)
    torch.testing.assert_close(
        extract_group(merged, rel, 12)[:, order], extract_group(shuffled, rel[:, order], 12)
    )


def test_canvas_size_does_not_matter() -> None:
    """A roomier group canvas gives the same patches back."""
    rng = np.random.default_rng(4)
    rel = torch.from_numpy(fields.offsets(rng, 2, 3, 2.0))
    patches = torch.from_numpy(rng.normal(size=(2, 3, 12, 12)) + 1j)

    tight, roomy = (
        extract_group(merge_group(patches, rel, _weight(12), size), rel, 12)
        for size in (16, 26)
    )

    assert torch.equal(tight, roomy)


def test_gradient_matches_differences() -> None:
    """The gradient through merge and extract is that of finite differences."""
    rng = np.random.default_rng(5)
    rel = torch.from_numpy(fields.offsets(rng, 2, 3, 2.0))
    patches = torch.from_numpy(
        rng.normal(size=(2, 3, 8, 8)) + 1j * rng.normal(size=(2, 3, 8, 8))
    )
    target = torch.from_numpy(rng.normal(size=(2, 3, 8, 8)))

    def misfit(values: torch.Tensor) -> torch.Tensor:
        again = extract_group(merge_group(values, rel, _weight(8), 12), rel, 8)
        return (again.abs().square() - target).square().sum()

    assert_gradient(misfit, patches)


@pytest.mark.parametrize("value", [float("nan"), 2.5])
def test_offset_beyond_canvas_is_refused(value: float) -> None:
    """An offset that the canvas cannot hold, or none at all, is an error."""
    patches = torch.zeros(1, 4, 8, 8, dtype=torch.complex128)
    rel = REL.clone()
    rel[0, 1, 0] = value

    with pytest.raises(ValueError, match="holds offsets up to 2 px"):
        merge_group(patches, rel, _weight(8), 12)
