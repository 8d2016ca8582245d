"""Values that move together: principal components of many runs, and Hotelling's T² along them.

The deviations Z (m runs, n values, each in its own deviation) have at most m − 1 directions;
the eigenvectors of the small matrix Z·Zᵀ give them, however many values there are. A run is far
where its scores along the first of them are large for what they used to be, though no single
value need be. Directions are learnt from the runs too: with fewer than eight runs for each they
would be those of chance.

Source: Jackson, A User's Guide to Principal Components, chapter 2; the limit is that of a
further observation, r(m² − 1)/(m(m − r)) times a quantile of F with r and m − r degrees.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.judgement.golden import tolerance
from harness.judgement.golden.curve import Component

RUNS_FOR_EACH = 8  # component
_SWEEPS = 60
_TINY = 1e-22  # share of the squares off the diagonal that is rounding


def find_components(rows: Sequence[Sequence[float]], count: int) -> tuple[Component, ...]:
    """Return the directions in which the runs differ most, the largest first.

    Args:
        rows: (m, n) deviations of each run from the mean, each in its own deviation.
        count: How many are wanted; fewer are given where the runs have not as many.
    """
    products = [[math.fsum(map(_times, one, other)) for other in rows] for one in rows]
    values, vectors = solve_symmetric(products)
    largest = values[0] if values else 0.0
    made = []
    for value, vector in list(zip(values, vectors, strict=True))[:count]:
        if value <= 1e-9 * largest:  # what is left of the mean that was taken off
            break
        length = math.sqrt(value)
        loading = [math.fsum(map(_times, vector, column)) for column in zip(*rows, strict=True)]
        direction = tuple(one / length for one in loading)
        made.append(Component(variance=value / (len(rows) - 1), loading=direction))
    return tuple(made)


def measure(components: Sequence[Component], deviations: Sequence[float]) -> float:
    """Return T² of a run: the squares of its scores, each by its variance."""
    return math.fsum(
        math.fsum(map(_times, one.loading, deviations)) ** 2 / one.variance
        for one in components
    )


def find_limit(runs: int, count: int, rate: float) -> float:
    """Return the T² that a further clean run exceeds at a rate.

    Args:
        runs: Of which the components are made.
        count: How many components.
        rate: Share of clean runs beyond it.
    """
    quantile = tolerance.f_quantile(1 - rate, count, runs - count)
    return count * (runs * runs - 1) / (runs * (runs - count)) * quantile


def solve_symmetric(
    matrix: Sequence[Sequence[float]],
) -> tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]:
    """Return eigenvalues, the largest first, and their eigenvectors, by Jacobi's rotations.

    Args:
        matrix: Symmetric.
    """
    a = [list(row) for row in matrix]
    size = len(a)
    vectors = [[float(i == j) for j in range(size)] for i in range(size)]  # rows
    whole = math.fsum(value * value for row in a for value in row)
    for _ in range(_SWEEPS):
        off = math.fsum(a[i][j] ** 2 for i in range(size) for j in range(i))
        if off <= _TINY * whole:
            break
        for p in range(size - 1):
            for q in range(p + 1, size):
                if a[p][q]:
                    _rotate(a, vectors, p, q)
    order = sorted(range(size), key=lambda i: -a[i][i])
    return tuple(a[i][i] for i in order), tuple(tuple(vectors[i]) for i in order)


def _rotate(a: list[list[float]], vectors: list[list[float]], p: int, q: int) -> None:
    """Turn the plane of two axes so that their entry off the diagonal is zero."""
    angle = 0.5 * math.atan2(2 * a[p][q], a[q][q] - a[p][p])
    c, s = math.cos(angle), math.sin(angle)
    for row in a:
        row[p], row[q] = c * row[p] - s * row[q], s * row[p] + c * row[q]
    for lines in (a, vectors):
        first, second = lines[p], lines[q]
        lines[p] = [c * x - s * y for x, y in zip(first, second, strict=True)]
        lines[q] = [s * x + c * y for x, y in zip(first, second, strict=True)]


def _times(one: float, other: float) -> float:
    return one * other
