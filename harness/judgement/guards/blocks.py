"""Maps of rows and columns: their blocks, and statistics of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

Weighted = tuple[Sequence[float], Sequence[float]]


def split(
    shape: tuple[int, ...], blocks: tuple[int, ...], *maps: Sequence[float]
) -> Iterator[tuple[list[float], ...]]:
    """Cut maps of one shape into blocks, row after row of blocks.

    Block i of n on a side of length L begins at ⌊i · L / n⌋.

    Args:
        shape: Rows and columns.
        blocks: Blocks along rows and along columns, at most as many as there are.
        maps: Numbers in the order of rows.

    Yields:
        For each block the numbers of each map in it.
    """
    (rows, columns), (high, wide) = shape, blocks
    for i in range(high):
        lines = range(i * rows // high, (i + 1) * rows // high)
        for j in range(wide):
            first, last = j * columns // wide, (j + 1) * columns // wide
            yield tuple(
                [
                    x
                    for line in lines
                    for x in one[line * columns + first : line * columns + last]
                ]
                for one in maps
            )


def find_mean(numbers: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted mean; zero where nothing weighs."""
    total = math.fsum(weights)
    return (
        math.fsum(map(float.__mul__, map(float, numbers), map(float, weights))) / total
        if total
        else 0.0
    )


def find_std(numbers: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted standard deviation of the population; zero where nothing weighs."""
    mean, total = find_mean(numbers, weights), math.fsum(weights)
    squares = math.fsum(w * (x - mean) ** 2 for x, w in zip(numbers, weights, strict=True))
    return math.sqrt(squares / total) if total else 0.0


def _find_edge(
    choose: Callable[..., float],
) -> Callable[[Sequence[float], Sequence[float]], float]:
    def find_edge(numbers: Sequence[float], weights: Sequence[float]) -> float:
        return choose((x for x, w in zip(numbers, weights, strict=True) if w), default=0.0)

    return find_edge


STATISTICS: Mapping[str, Callable[[Sequence[float], Sequence[float]], float]] = {
    "mean": find_mean,
    "std": find_std,
    "min": _find_edge(min),
    "max": _find_edge(max),
}
