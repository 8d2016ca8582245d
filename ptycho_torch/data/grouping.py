"""Scan positions to groups of neighbouring points, and the geometry of each group.

N  side of a patch [px]   M  scan points   G  groups   C  patterns in a group
K  nearest other points among which a group is drawn
r  position (x, y) [object px]   r̄  mean position of a group   rel = r − r̄

Source: design of the model, sections 5.1, 5.2 and 5.4.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ptycho_torch.errors import InputError

_BLOCK_SEEDS = 16_384  # drawn at a time, so that memory is that of the groups alone
_BLOCK_CANDIDATES = 200_000
# Relative: the tree's distances and ours may differ in the last bit, and a point that ties
# must not fall out by it.
_TIE_SLACK = 1e-9

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupGeometry:
    """Where the groups lie.

    Attributes:
        centres: (G, 2) float64, mean position of each group [px].
        offsets: (G, C, 2) float64, positions relative to their group's centre [px].
        padded_size: Side of the canvas that holds every group [px].
        max_rel: Largest offset along either axis [px].
    """

    centres: NDArray[np.float64]
    offsets: NDArray[np.float64]
    padded_size: int
    max_rel: float


def make_groups(
    positions: NDArray[np.float64],
    C: int,
    K: int,
    n_groups: int | None,
    rng: np.random.Generator,
    *,
    max_neighbor_distance: float | None = None,
    oversample: bool = False,
) -> NDArray[np.int64]:
    """Draw groups of C different points, each around a seed.

    Channel 0 is the seed, the rest follow in increasing scan index. The draws are, in
    this order: ``rng.permutation(M)`` for the seeds (not when every point is taken in
    order; once per cycle when oversampling), then ``rng.random((G, K))``, whose C - 1
    smallest keys choose among the K neighbours sorted by (distance, index).

    Args:
        positions: (M, 2) patch centres, x then y [px].
        C: Patterns per group.
        K: Nearest other points among which the C - 1 companions are drawn.
        n_groups: Number of groups, at most M without ``oversample``; None takes every
            point once, in order.
        rng: Generator of the grouping stream.
        max_neighbor_distance: Farthest companion [px]; seeds with too few are dropped.
        oversample: Allow more groups than points by cycling the seeds with fresh draws.

    Returns:
        (G, C) scan indices.

    Raises:
        InputError: Fewer points than C, fewer candidates than companions, or no seed has
            enough companions within reach.

    Source:
        Design of the model, section 5.2.
    """
    count = len(positions)
    if count < C:
        raise InputError("gridsize", expected=f"at least {C} scan points", found=f"{count}")
    seeds = _seeds(count, n_groups, rng, is_cycled=oversample and C > 1 and K > C - 1)
    if C == 1:
        return seeds[:, None]
    reach = _reach(count, C, K)
    tree = cKDTree(positions)
    groups, filled = np.empty((len(seeds), C), np.int64), 0
    for start in range(0, len(seeds), _BLOCK_SEEDS):
        part = seeds[start : start + _BLOCK_SEEDS]
        drawn = _draw(tree, part, C, reach, rng, max_neighbor_distance)
        groups[filled : filled + len(drawn)] = drawn
        filled += len(drawn)
    _report_dropped(len(seeds) - filled, len(seeds))
    return groups[:filled]


def nearest(tree: cKDTree, seeds: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Find the nearest other points of each seed, ties by (distance, index).

    A point is left out by its index, not by its distance: repeated positions count.

    Args:
        tree: Of the positions (M, 2) [px].
        seeds: (G,) scan indices.
        count: Neighbours to return, at most M - 1.

    Returns:
        (G, count) scan indices, nearest first.
    """
    positions: NDArray[np.float64] = tree.data
    # One more than asked, because a point is its own nearest neighbour.
    radius = tree.query(positions[seeds], k=[count + 1])[0][:, 0] * (1 + _TIE_SLACK)
    # The tree breaks ties as it likes, so all points on the last shell are candidates.
    crowd = tree.query_ball_point(positions[seeds], radius, return_length=True)
    neighbours = np.empty((len(seeds), count), np.int64)
    step = max(1, _BLOCK_CANDIDATES // int(crowd.max(initial=1)))
    for start in range(0, len(seeds), step):
        part = slice(start, start + step)
        width = min(len(positions), int(crowd[part].max()) + 1)
        neighbours[part] = _sorted_candidates(tree, seeds[part], width)[:, :count]
    return neighbours


def locate(
    positions: NDArray[np.float64],
    groups: NDArray[np.int64],
    N: int,
    *,
    max_factor: float | None = None,
) -> GroupGeometry:
    """Compute centres, offsets and the padded canvas of groups.

    Args:
        positions: (M, 2) patch centres, x then y [px].
        groups: (G, C) scan indices.
        N: Side of a patch [px].
        max_factor: Largest padded canvas allowed, in patch sides; None allows any.

    Raises:
        InputError: The padded canvas exceeds ``max_factor`` patches.
    """
    # About the mean, not the seed: it keeps the largest offset, and with it the canvas, small.
    members = positions[groups]
    centres = members.mean(axis=1)
    offsets = members - centres[:, None]
    farthest = float(np.abs(offsets).max(initial=0.0))
    return GroupGeometry(
        centres=centres,
        offsets=offsets,
        padded_size=canvas_side(N, farthest, max_factor),
        max_rel=farthest,
    )


def farthest_offset(positions: NDArray[np.float64], C: int, K: int) -> float:
    """Compute the largest offset, along either axis, of any group that may be drawn.

    Along an axis a patch is farthest from the mean of its group when all others lie at the
    other end. With g₁ ≤ … ≤ g_K the neighbours' distances from the seed along it, that is
    the last neighbour, (g_K(C − 1) − g₁ − … − g_(C−2)) / C, or the seed itself,
    −(g₁ + … + g_(C−1)) / C; and the same from the other end.

    Args:
        positions: (M, 2) patch centres, x then y [px].
        C: Patterns per group.
        K: Nearest other points among which the C - 1 companions are drawn.

    Returns:
        The offset [px]; 0 for groups of one.
    """
    if C == 1:
        return 0.0
    seeds = np.arange(len(positions), dtype=np.int64)
    near = nearest(cKDTree(positions), seeds, min(K, len(positions) - 1))
    gaps = np.sort(positions[near] - positions[:, None], axis=1)
    ends = np.concatenate([gaps, -gaps[:, ::-1]], axis=-1)
    seed = -ends[:, : C - 1].sum(axis=1)
    last = ends[:, -1] * (C - 1) - ends[:, : C - 2].sum(axis=1)
    return float(np.maximum(seed, last).max()) / C


def padded_size(N: int, offsets: NDArray[np.float64]) -> int:
    """Return the side of the canvas that holds every shifted patch, N + 2⌈max|rel|⌉.

    Source:
        Design of the model, section 5.4.
    """
    return canvas_side(N, float(np.abs(offsets).max(initial=0.0)))


def canvas_side(N: int, farthest: float, max_factor: float | None = None) -> int:
    """Return the side of the canvas that holds patches shifted that far, N + 2⌈farthest⌉.

    Args:
        N: Side of a patch [px].
        farthest: Largest offset along either axis [px].
        max_factor: Largest canvas allowed, in patch sides; None allows any.

    Raises:
        InputError: The canvas exceeds ``max_factor`` patches.
    """
    side = N + 2 * math.ceil(farthest)
    if max_factor is not None and side > max_factor * N:
        raise InputError(
            "positions",
            expected=f"groups within {max_factor:g} patches, {max_factor * N:g} px",
            found=f"{side} px",
            remedy="positions spread wider than patches; check units",
        )
    return side


def _seeds(
    count: int, n_groups: int | None, rng: np.random.Generator, *, is_cycled: bool
) -> NDArray[np.int64]:
    if n_groups is None:
        return np.arange(count, dtype=np.int64)
    if not is_cycled:
        return rng.permutation(count)[:n_groups].astype(np.int64)
    cycles = [rng.permutation(count) for _ in range(math.ceil(n_groups / count))]
    return np.concatenate(cycles)[:n_groups].astype(np.int64)


def _reach(count: int, C: int, K: int) -> int:
    if C - 1 > K:
        raise InputError(
            "neighbor_count", expected=f"at least {C - 1} for groups of {C}", found=f"{K}"
        )
    if count - 1 < K:
        _log.warning("only %d other points; neighbor_count shrinks from %d", count - 1, K)
    return min(K, count - 1)


def _draw(
    tree: cKDTree,
    seeds: NDArray[np.int64],
    C: int,
    reach: int,
    rng: np.random.Generator,
    max_distance: float | None,
) -> NDArray[np.int64]:
    """Draw the groups of some seeds; those without enough companions are left out."""
    positions: NDArray[np.float64] = tree.data
    neighbours = nearest(tree, seeds, reach)
    # Drawn for all candidates before any is ruled out, so that the same seed gives the same
    # groups under every max_neighbor_distance that rules none of them out.
    keys = rng.random(neighbours.shape)
    if max_distance is not None:
        gap = positions[neighbours] - positions[seeds][:, None]
        keys[np.hypot(gap[..., 0], gap[..., 1]) > max_distance] = np.inf
        is_complete = np.isfinite(keys).sum(axis=1) >= C - 1
        seeds, neighbours, keys = seeds[is_complete], neighbours[is_complete], keys[is_complete]
    chosen = np.argsort(keys, axis=1, kind="stable")[:, : C - 1]
    companions = np.sort(np.take_along_axis(neighbours, chosen, axis=1), axis=1)
    # By scan index: which of them came first says nothing, and a network must not learn it.
    return np.concatenate([seeds[:, None], companions], axis=1)


def _report_dropped(dropped: int, count: int) -> None:
    if not dropped:
        return
    if dropped == count:
        raise InputError(
            "max_neighbor_distance",
            expected="a distance that some groups fit into",
            found="no group with enough neighbours",
        )
    _log.warning("%d seeds have too few neighbours within reach and are dropped", dropped)


def _sorted_candidates(
    tree: cKDTree, seeds: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    positions: NDArray[np.float64] = tree.data
    candidates = tree.query(positions[seeds], k=np.arange(1, width + 1))[1].astype(np.int64)
    gap = positions[candidates] - positions[seeds][:, None]
    squared = np.square(gap).sum(axis=-1)
    # The seed goes by its index: another point may lie exactly on it.
    squared[candidates == seeds[:, None]] = np.inf
    # The last key counts first: by distance, then by index.
    order = np.lexsort((candidates, squared), axis=1)
    return np.take_along_axis(candidates, order, axis=1)
