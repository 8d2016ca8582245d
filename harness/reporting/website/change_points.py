"""Where a series of numbers found a new level and stayed there.

Binary segmentation of the running median of three (a single run is no change). A cut is kept
when the two levels differ by more than five standard errors of the series' own noise, which
the median step between neighbours estimates. On a series of a deterministic suite, whose runs
repeat bit for bit, every lasting step is found.

Sources: A. J. Scott and M. Knott, Biometrics 30 (1974), binary segmentation; F. R. Hampel, JASA
69 (1974), the median absolute deviation and its factor 1.4826.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from harness.reporting import text

_LEAST = 3  # runs on each side of a change
_GAIN = 25.0  # five standard errors, squared
_TO_SD = 1.4826 / math.sqrt(2.0)
_FINEST = 1e-3  # of the level: smaller noise is taken as this much


def find(values: Sequence[float]) -> list[int]:
    """Return the indices at which a new level begins, ascending.

    Positive values that span over two decades are compared as logarithms.
    """
    if len(values) < 2 * _LEAST:
        return []
    scaled = _scale(values)
    noise = _noise(scaled)
    if noise == 0.0:
        return []
    # Noise is measured on the series itself: the median of three would make it look small.
    smooth = _median_of_three(scaled)
    # About the first value, so that differences of large sums keep their digits.
    sums = [0.0, *itertools.accumulate(value - smooth[0] for value in smooth)]
    waiting, cuts = [(0, len(smooth))], []
    while waiting:
        start, end = waiting.pop()
        cut, gain = _best(sums, start, end)
        if gain > _GAIN * noise * noise:
            cuts.append(cut)
            waiting += [(start, cut), (cut, end)]
    return sorted(cuts)


def _scale(values: Sequence[float]) -> list[float]:
    if text.is_logarithmic(values):
        return [math.log10(value) for value in values]
    largest = max(abs(value) for value in values) or 1.0
    return [value / largest for value in values]  # so that no square overflows


def _noise(values: Sequence[float]) -> float:
    steps = [abs(b - a) for a, b in itertools.pairwise(values)]
    if max(steps) == 0.0:
        return 0.0
    level = abs(statistics.median(values))
    return max(_TO_SD * statistics.median(steps), _FINEST * level, 1e-12)


def _median_of_three(values: list[float]) -> list[float]:
    inner = [sorted(values[i - 1 : i + 2])[1] for i in range(1, len(values) - 1)]
    return [inner[0], *inner, inner[-1]]


def _best(sums: list[float], start: int, end: int) -> tuple[int, float]:
    """Return the cut of a stretch that explains most, and how much [squared deviations]."""
    best, most = start, 0.0
    whole = sums[end] - sums[start]
    for cut in range(start + _LEAST, end - _LEAST + 1):
        first, left = sums[cut] - sums[start], cut - start
        right = end - cut
        apart = first / left - (whole - first) / right
        gain = left * right / (left + right) * apart * apart
        if gain > most:
            best, most = cut, gain
    return best, most
