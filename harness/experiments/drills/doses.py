"""Drills with a dial in smaller and smaller doses: how little of a defect is still seen."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.config.project import Project
from harness.errors import HarnessError
from harness.experiments.drills.drill import CAUGHT, WRONG, Drill, DrillOutcome
from harness.frozen import dataclass
from harness.judgement.golden import store, tolerance
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.guards import metrics

DOSES = (1.0, 1 / 3, 1 / 10, 1 / 30, 1 / 100)
SEEN = (CAUGHT, WRONG)
_SHARE, _CONFIDENCE = 0.99, 0.95
_LEAST = 1e-3  # of the limit: a member that is the reference itself

Perform = Callable[[Sequence[Drill]], Sequence[DrillOutcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoseSeries:
    """Outcomes of one drill, the largest dose first; the last one may not have been seen."""

    drill: Drill
    outcomes: tuple[DrillOutcome, ...]

    @property
    def smallest(self) -> DrillOutcome | None:
        """Outcome of the smallest dose that turned the run red; None where none did."""
        seen = [item for item in self.outcomes if item.outcome in SEEN]
        return seen[-1] if seen else None


def select_dials(drills: Sequence[Drill]) -> tuple[Drill, ...]:
    """Return the drills whose defect has a size."""
    return tuple(drill for drill in drills if drill.dial is not None)


def measure(drills: Sequence[Drill], perform: Perform) -> tuple[DoseSeries, ...]:
    """Run each drill at smaller and smaller doses, until one is not seen.

    Args:
        drills: With a dial.
        perform: Runs drills and returns their outcomes in this order.
    """
    made: dict[str, list[DrillOutcome]] = {drill.name: [] for drill in drills}
    waiting = list(drills)
    for dose in DOSES:
        if not waiting:
            break
        outcomes = perform([replace(drill, dose=dose) for drill in waiting])
        for outcome in outcomes:
            made[outcome.drill.name].append(outcome)
        # One that was not run is not seen either: a later call goes on with it.
        waiting = [
            drill
            for drill, outcome in zip(waiting, outcomes, strict=True)
            if outcome.outcome in SEEN
        ]
    return tuple(DoseSeries(drill=d, outcomes=tuple(made[d.name])) for d in drills)


def find_median(series: Sequence[DoseSeries]) -> float | None:
    """Return the median of the smallest doses, a drill that is never seen as infinite."""
    doses = [
        math.inf if one.smallest is None else one.smallest.drill.dose
        for one in series
        if one.outcomes
    ]
    return statistics.median(doses) if doses else None


def find_margin(project: Project, outcome: DrillOutcome) -> float | None:
    """Return by how much of its limit a number scatters over clean runs, 99 of 100 of them.

    A run that lies beyond the limit by more is seen in 99 of 100, whatever rounding or seed
    adds to it. Of a fingerprint from the members of its ensemble, each held against the
    others: their distance along the farthest number adds to that of the defect at most. Of a
    golden from its seeds. None of other guards, whose numbers have no known scatter.

    Args:
        project: The project, for its goldens.
        outcome: Of a drill; ``part_by`` is the guard.
    """
    suite = project.suites[outcome.drill.suite]
    spec = next((one for one in suite.guards if one.id == outcome.part_by), None)
    if spec is None:
        return None
    try:
        golden = store.load(project.goldens(suite.name))
    except HarnessError:
        return None
    if spec.kind == "fingerprint":
        margins = [
            _scatter_of_members(one.about.distances, one.about.limits)
            for one in golden.fingerprints
        ]
    elif spec.kind == "golden":
        name = metrics.key(spec.options)
        margins = [
            tolerance.normal_quantile(_SHARE) / _find_factor(one)
            for one in golden.references
            if one.metric == name
        ]
    else:
        margins = []
    return max(margins, default=None)


def _scatter_of_members(distances: Sequence[Sequence[float]], limits: Sequence[float]) -> float:
    """Return what part of the limit 99 of 100 clean runs stay below."""
    parts = [
        max(one / limit for one, limit in zip(row, limits, strict=True)) for row in distances
    ]
    logs = [math.log(max(part, _LEAST)) for part in parts]
    factor = tolerance.one_sided(len(logs), _SHARE, _CONFIDENCE)
    # The limit itself holds of more than 99 of 100.
    return min(1.0, math.exp(statistics.fmean(logs) + factor * statistics.stdev(logs)))


def _find_factor(golden: store.GoldenValue | GoldenCurve) -> float:
    if isinstance(golden, GoldenCurve):
        return golden.factor
    make = tolerance.two_sided if golden.sides == "two" else tolerance.one_sided
    return make(golden.n, golden.coverage, golden.confidence)
