"""What tolerance bounds do in trials: how often they cry wolf, how surely they see a shift.

Clean values are drawn from a normal population, bounds are made of the first n of them as
``golden.calibrate`` makes them, and the next value is judged. Standard library only.
"""

from __future__ import annotations

import random
import statistics

from harness.frozen import dataclass
from harness.judgement.golden import tolerance

TRIALS = 10_000
_SEED = 20_011


@dataclass(frozen=True, slots=True, kw_only=True)
class Trials:
    """Shares of red runs: clean ones, and ones whose centre has moved."""

    n: int
    false_red: float
    expected_false_red: float
    power: float


def simulate(
    n: int,
    coverage: float,
    confidence: float,
    shift: float,
    *,
    trials: int = TRIALS,
) -> Trials:
    """Calibrate on n normal values and judge one more, many times.

    Args:
        n: Seeds of a calibration.
        coverage: Share of clean values that the interval is to hold.
        confidence: Share of calibrations whose interval does.
        shift: How far the defect moves the centre [standard deviations].
        trials: Calibrations to simulate.
    """
    draw = random.Random(_SEED)  # noqa: S311 - statistics, not secrets
    factor = tolerance.two_sided(n, coverage, confidence)
    clean = moved = 0
    for _ in range(trials):
        values = [draw.gauss(0.0, 1.0) for _ in range(n)]
        mean, reach = statistics.fmean(values), factor * statistics.stdev(values)
        fresh = draw.gauss(0.0, 1.0)
        clean += abs(fresh - mean) > reach
        moved += abs(fresh + shift - mean) > reach
    return Trials(
        n=n,
        false_red=clean / trials,
        expected_false_red=tolerance.false_red_rate(n, factor, two=True),
        power=moved / trials,
    )
