"""Patches cut from a known object at known positions must give that object back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ptycho_torch import oracle, reassembly
from ptycho_torch.physics.canvas import Canvas, patch_weight
from tests.builders import fields

N = 32


def _positions(rng: np.random.Generator) -> NDArray[np.int64]:
    columns, rows = np.meshgrid(np.arange(20, 88, 6), np.arange(18, 52, 5))
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    return grid + rng.integers(-1, 2, grid.shape)


@pytest.mark.parametrize("kind", ["probe", "hann", "uniform"])
def test_known_object_is_recovered(kind: str) -> None:
    """At integer positions the stitched object is the L itself, upright and in place."""
    truth = fields.l_shape(72, 110)
    positions = _positions(np.random.default_rng(0))
    patches = torch.from_numpy(fields.cut(truth, positions, N))
    weight = patch_weight(kind, torch.from_numpy(fields.probe(N, 2)))

    stitched = reassembly.stitch(patches, positions.astype(float), weight)

    ox, oy = stitched.origin_xy
    rows, columns = np.nonzero(stitched.mask)
    wanted = truth[rows + oy, columns + ox]
    error = np.linalg.norm(stitched.object[rows, columns] - wanted) / np.linalg.norm(wanted)
    assert error <= 1e-6
    for x, y in positions:
        assert stitched.mask[y - oy, x - ox], f"scan point ({x}, {y}) is not covered"


def test_groups_place_every_channel() -> None:
    """Merged, extracted and stitched, each channel lands at its own position."""
    truth = fields.l_shape(72, 110)
    rng = np.random.default_rng(1)
    positions = _positions(rng)
    groups = oracle.make_groups(positions, 4, 6, None, rng)
    _, rel, reach = oracle.relative(positions, groups)
    patches = torch.from_numpy(fields.cut(truth, positions, N)[groups])
    weight = torch.from_numpy(patch_weight("probe", torch.from_numpy(fields.probe(N, 1))))

    offsets = torch.from_numpy(rel)
    merged = reassembly.merge_group(patches, offsets, weight.clamp_min(1e-3), N + 2 * reach)
    again = reassembly.extract_group(merged, offsets, N)
    members = positions[groups].reshape(-1, 2).astype(float)
    stitched = reassembly.stitch(again.reshape(-1, N, N), members, weight)

    # Group means lie on quarter pixels, so a merge blurs; what is smooth stays.
    ox, oy = stitched.origin_xy
    rows, columns = np.nonzero(stitched.mask)
    wanted = truth[rows + oy, columns + ox]
    got = stitched.object[rows, columns]
    assert np.linalg.norm(got - wanted) / np.linalg.norm(wanted) < 0.12
    mirrored = truth[:, ::-1][rows + oy, columns + ox]
    assert np.linalg.norm(got - mirrored) > 2 * np.linalg.norm(got - wanted)


def test_fractional_stitch_matches_the_oracle() -> None:
    """At fractional positions the stitch is the oracle's to double rounding."""
    rng = np.random.default_rng(2)
    positions = _positions(rng) + rng.uniform(-0.5, 0.5, (84, 2))
    patches = rng.normal(size=(84, N, N)) + 1j * rng.normal(size=(84, N, N))
    weight = patch_weight("hann", torch.from_numpy(fields.probe(N, 1)))

    target = Canvas(reassembly.canvas_geometry(positions, N), weight)
    target.place(torch.from_numpy(patches), positions)

    wanted = oracle.stitch(patches, positions, weight)
    scale = np.linalg.norm(wanted["object"] * wanted["weight"])
    assert np.linalg.norm(target.denominator - wanted["weight"]) <= 1e-12 * scale
    placed = np.where(wanted["object"] != 0, target.numerator, 0)
    assert np.linalg.norm(placed - wanted["object"] * wanted["weight"]) <= 1e-12 * scale
