"""Many series of the same runs, judged at one rate for all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.judgement.shifts import detector
from harness.judgement.shifts.detector import Shift
from harness.judgement.shifts.limits import RATE


def share_rate(series: Mapping[str, Sequence[float]], rate: float = RATE) -> float:
    """Return the rate of each series, so that all together keep to the one that is named.

    A series that never varies raises no false alarm and takes no part.
    """
    return rate / max(1, sum(len(set(values)) > 1 for values in series.values()))


def find_family(
    series: Mapping[str, Sequence[float]], rate: float = RATE
) -> dict[str, tuple[Shift, ...]]:
    """Return the shifts of each series by its name."""
    each = share_rate(series, rate)
    return {name: detector.find_shifts(values, each) for name, values in series.items()}
