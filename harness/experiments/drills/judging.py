"""The record of a run with a planted defect in, how its drill went out."""

from __future__ import annotations

import math
import time

from harness.config.project import GuardSpec, SuiteSpec
from harness.evidence.hub import causes
from harness.experiments.drills.drill import (
    ALARM,
    CAUGHT,
    MISSED,
    QUIET,
    UNDECIDED,
    WRONG,
    Drill,
    DrillOutcome,
)
from harness.records import GuardResult, HubRecord
from harness.verdict import Verdict

_LARGEST = 1e99


def compare(
    drill: Drill,
    suite: SuiteSpec,
    record: HubRecord,
    tests: tuple[str, ...],
    duration_s: float,
) -> DrillOutcome:
    """Say whether the guard that a drill names was red, or another one, or none.

    Args:
        drill: What was planted.
        suite: Its suite.
        record: Of the run.
        tests: Ids of the tests that failed in it.
        duration_s: How long all took.
    """
    stages = [f"stage:{s.id}" for s in record.stages if s.verdict is Verdict.RED]
    sides = {g.id: causes.direction(g) for g in record.guards if g.verdict is Verdict.RED}
    red = (*stages, *sides)
    is_red = record.verdict is Verdict.RED
    # A guard of severity warn promises a warning, not a red run.
    warns = {spec.id for spec in suite.guards if spec.severity == "warn"}
    if drill.patch is None:
        quiet = QUIET if record.verdict is Verdict.GREEN else UNDECIDED
        outcome = ALARM if is_red else quiet
    elif drill.guard in red and (is_red or drill.guard in warns):
        outcome = CAUGHT
    else:
        outcome = WRONG if is_red else MISSED
    by, part = _find_farthest(drill, suite, record)
    return DrillOutcome(
        drill=drill,
        outcome=outcome,
        red=red,
        duration_s=duration_s,
        reason=record.reason,
        sides=sides,
        values=causes.sizes(record.guards),
        part=part,
        part_by=by,
        tests=tests,
    )


def end_drill(drill: Drill, began: float, outcome: str, reason: str) -> DrillOutcome:
    """Return the outcome of a drill that came to no record."""
    spent = time.monotonic() - began
    return DrillOutcome(drill=drill, outcome=outcome, red=(), duration_s=spent, reason=reason)


def measure(spec: GuardSpec | None, result: GuardResult) -> float | None:
    """Return how far a guard's number lies as a part of its limit; above 1 it is red.

    From the middle of an interval with two sides, on the scale of a golden; of one side, as a
    ratio where both numbers are positive. None where there is no such number.
    """
    value, low, high = result.value, result.low, result.high
    if spec is not None and spec.kind == "golden" and spec.options.get("scale") == "log10":
        value, low, high = (_take_log(one) for one in (value, low, high))
        if None in (value, low, high):
            return None
    if value is None:
        return None
    if low is not None and high is not None:
        middle, half = (low + high) / 2, (high - low) / 2
        return abs(value - middle) / half if half > 0 else None
    if high is not None and high > 0:
        return value / high
    if low is not None and low > 0:
        return low / value if value > 0 else _LARGEST
    return None


def _find_farthest(
    drill: Drill, suite: SuiteSpec, record: HubRecord
) -> tuple[str, float | None]:
    """Return the red guard that lies farthest beyond its limit, first the one named."""
    specs = {spec.id: spec for spec in suite.guards}
    parts = {
        g.id: measure(specs.get(g.id), g) for g in record.guards if g.verdict is Verdict.RED
    }
    if drill.guard in parts:
        return drill.guard, parts[drill.guard]
    known = {name: part for name, part in parts.items() if part is not None}
    if not known:
        return next(iter(parts), ""), None
    farthest = max(known, key=lambda name: known[name])
    return farthest, known[farthest]


def _take_log(value: float | None) -> float | None:
    return math.log10(value) if value is not None and value > 0 else None
