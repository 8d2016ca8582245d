"""Groups of neighbours against brute force, and their geometry against the golden case."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ptycho_torch.data import grouping
from ptycho_torch.errors import InputError

GOLDEN = np.array([[10.0, 20.0], [14.0, 20.0], [10.0, 22.0], [14.0, 22.0]])


def _brute_nearest(positions: NDArray[np.float64], seed: int, count: int) -> list[int]:
    gap = positions - positions[seed]
    squared = (gap * gap).sum(axis=1)
    others = [index for index in range(len(positions)) if index != seed]
    return sorted(others, key=lambda index: (squared[index], index))[:count]


def _lattice(seed: int, count: int = 60) -> NDArray[np.float64]:
    """Draw points of a coarse lattice, so that ties and repeated points are common."""
    return np.random.default_rng(seed).integers(0, 6, (count, 2)).astype(np.float64)


@given(st.integers(0, 200), st.integers(1, 12))
@settings(deadline=None)
def test_nearest_equals_brute_force(seed: int, count: int) -> None:
    """Neighbours are the nearest others, ties by index, on lattices with repeated points."""
    positions = _lattice(seed, 25)

    neighbours = grouping.nearest(cKDTree(positions), np.arange(25), count)

    for point in range(25):
        assert neighbours[point].tolist() == _brute_nearest(positions, point, count)


def test_nearest_survives_all_equal_points() -> None:
    """A hundred points on one spot still give others, never the point itself."""
    neighbours = grouping.nearest(cKDTree(np.zeros((100, 2))), np.arange(100), 3)

    assert neighbours[0].tolist() == [1, 2, 3]
    assert neighbours[2].tolist() == [0, 1, 3]


def test_draw_order_is_the_documented_one() -> None:
    """Seeds come from a permutation, companions from the smallest of the random keys."""
    positions = _lattice(3)
    rng = np.random.default_rng(11)
    seeds = rng.permutation(60)[:20]
    keys = rng.random((20, 6))

    groups = grouping.make_groups(positions, 4, 6, 20, np.random.default_rng(11))

    for seed, row, group in zip(seeds, keys, groups, strict=True):
        near = _brute_nearest(positions, seed, 6)
        companions = sorted(near[column] for column in np.argsort(row)[:3])
        assert group.tolist() == [seed, *companions]


@pytest.mark.parametrize(("C", "K"), [(1, 6), (4, 3), (4, 6), (9, 11)])
def test_group_holds_its_seed_once(C: int, K: int) -> None:
    """Every point seeds one group, comes first, and no group repeats a point."""
    groups = grouping.make_groups(_lattice(5), C, K, None, np.random.default_rng(0))

    assert groups.shape == (60, C)
    assert groups[:, 0].tolist() == list(range(60))
    assert all(len(set(group)) == C for group in groups.tolist())
    assert (np.diff(groups[:, 1:], axis=1) > 0).all()


def test_count_is_capped_at_the_points() -> None:
    """More groups than points are given only when oversampling is asked for."""
    rng = np.random.default_rng

    assert len(grouping.make_groups(_lattice(1), 4, 6, 500, rng(0))) == 60
    many = grouping.make_groups(_lattice(1), 4, 6, 150, rng(0), oversample=True)
    assert len(many) == 150
    assert np.bincount(many[:, 0]).max() == 3
    assert len(grouping.make_groups(_lattice(1), 4, 3, 150, rng(0), oversample=True)) == 60


def test_far_neighbours_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A point without company in reach seeds no group; the others stay in reach."""
    positions = np.concatenate([_lattice(2), [[500.0, 0.0]]])

    groups = grouping.make_groups(
        positions, 4, 6, None, np.random.default_rng(0), max_neighbor_distance=2.0
    )

    gap = positions[groups] - positions[groups[:, :1]]
    assert np.hypot(gap[..., 0], gap[..., 1]).max() <= 2.0
    assert 60 not in groups
    assert "dropped" in caplog.text


def test_too_few_points_are_refused() -> None:
    """A group of four needs four points and three candidates."""
    rng = np.random.default_rng(0)

    with pytest.raises(InputError):
        grouping.make_groups(_lattice(0, 3), 4, 6, None, rng)
    with pytest.raises(InputError):
        grouping.make_groups(_lattice(0), 4, 2, None, rng)


def test_few_points_shrink_the_search(caplog: pytest.LogCaptureFixture) -> None:
    """With five points only four others can be neighbours, which is said."""
    groups = grouping.make_groups(_lattice(0, 5), 4, 6, None, np.random.default_rng(0))

    assert groups.shape == (5, 4)
    assert "shrinks" in caplog.text


def test_geometry_of_the_golden_group() -> None:
    """Centre, offsets and canvas of the published group, in the published order."""
    geometry = grouping.locate(GOLDEN, np.array([[0, 1, 2, 3]]), 8)

    assert geometry.centres.tolist() == [[12.0, 21.0]]
    assert geometry.offsets[0].tolist() == [[-2, -1], [2, -1], [-2, 1], [2, 1]]
    assert geometry.padded_size == 12
    assert geometry.max_rel == 2.0


@pytest.mark.parametrize(("largest", "size"), [(0.0, 64), (2.0, 68), (2.3, 70)])
def test_padded_size_is_golden(largest: float, size: int) -> None:
    """The canvas grows by two pixels for each pixel of offset begun."""
    offsets = np.array([[[largest, 0.0], [-largest, 0.5 * largest]]])

    assert grouping.padded_size(64, offsets) == size


def test_wide_groups_are_refused() -> None:
    """A canvas over the allowed number of patches points to wrong units."""
    with pytest.raises(InputError):
        grouping.locate(GOLDEN * 10, np.array([[0, 1, 2, 3]]), 8, max_factor=4)


@pytest.mark.parametrize(("C", "K"), [(4, 3), (4, 6), (9, 10), (1, 6), (4, 40)])
def test_no_group_reaches_farther(C: int, K: int) -> None:
    """The farthest offset is the largest over all groups that can be drawn, and is reached."""
    positions = np.random.default_rng(5).uniform(0, (60, 25), (12, 2))
    reach = min(K, 11)
    far = 0.0
    for seed in range(12):
        gaps = np.hypot(*(positions - positions[seed]).T)
        gaps[seed] = np.inf
        near = np.argsort(gaps)[:reach]
        for others in itertools.combinations(near, C - 1):
            members = positions[[seed, *others]]
            far = max(far, np.abs(members - members.mean(axis=0)).max())

    assert grouping.farthest_offset(positions, C, K) == pytest.approx(far, rel=1e-12)
