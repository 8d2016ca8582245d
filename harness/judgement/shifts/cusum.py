"""Runs since a golden in, a lasting distance from it out: a cumulative sum against a reference.

After each run the deviations of the newest runs from the golden's mean are summed, for every
number of newest runs, and held against what chance would make of them. The golden is a mean and
a deviation of n seeds, not the truth: the sum of j runs has the standard error
sd·√(j + j²/n), and its limit is Student's with n − 1 degrees of freedom. A textbook CUSUM takes
mean and deviation as known, and alarms on half of all goldens of twelve seeds within 100 runs.

Source: E. S. Page, Biometrika 41 (1954), cumulative sums as the greatest over all starts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.frozen import dataclass
from harness.judgement.shifts import limits
from harness.judgement.shifts.limits import RATE

_LEAST_RUNS = 2  # a single run is for the golden's own guard
_CLIP = 4.0  # of the golden's deviations; so that one run far off is no level


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Mean and standard deviation of ``count`` seeds, on the scale of the values."""

    mean: float
    deviation: float
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A level beside the golden: from run ``start`` on, noticed at run ``seen`` [indices].

    ``offset`` is the mean distance since then [the golden's standard deviations].
    """

    start: int
    seen: int
    offset: float


def find_drift(
    values: Sequence[float], reference: Reference, rate: float = RATE
) -> Drift | None:
    """Return where the values left the golden for good, None where they did not.

    Args:
        values: A finite number for each seed, in the order of the runs, on the golden's scale.
        reference: The golden; fewer than three seeds say nothing.
        rate: Share of goldens that may raise an alarm within 100 clean runs.
    """
    limit = limits.golden_limit(rate, reference.count)
    apart = [(value - reference.mean) / reference.deviation for value in values]
    deviations = [min(max(one, -_CLIP), _CLIP) for one in apart]
    for seen in range(_LEAST_RUNS - 1, len(deviations)):
        total, farthest, start = 0.0, 0.0, 0
        for runs in range(1, seen + 2):
            total += deviations[seen + 1 - runs]
            errors = abs(total) / math.sqrt(runs + runs * runs / reference.count)
            if runs >= _LEAST_RUNS and errors > farthest:
                farthest, start = errors, seen + 1 - runs
        if farthest > limit:
            offset = sum(apart[start:]) / (len(apart) - start)
            return Drift(start=start, seen=seen, offset=offset)
    return None
