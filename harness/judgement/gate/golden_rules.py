"""Goldens of two revisions side by side: what a run is compared with may only get narrower."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import replace

from harness.errors import EvidenceMissingError
from harness.judgement.gate import difference, reference_rules
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.gate.reference_rules import PROVENANCE, Kind
from harness.judgement.golden.fingerprint import Fingerprint
from harness.judgement.golden.store import GoldenSet, GoldenValue

STATISTICS = ("mean", "sd", "n", "scale", "sides", "coverage", "confidence", "low", "high")
_RUN = "@stages"  # metrics whose mean is judged by factors


def compare_goldens(suite: str, was: GoldenSet, now: GoldenSet) -> Iterator[Difference]:
    """Compare the goldens that judge a suite, each by metric, environment and datasets."""
    kind = Kind(
        tell=_tell,
        compare=_compare_values,
        class_new=functools.partial(_class_new, was),
        gone="the golden is gone",
    )
    return reference_rules.compare(suite, was.values, now.values, kind)


def compare_fingerprints(suite: str, was: GoldenSet, now: GoldenSet) -> Iterator[Difference]:
    """Compare the fingerprints that judge a suite, each by machine, data and parameters."""
    before, after = (
        {one.about.file_name: one.about for one in golden.fingerprints} for golden in (was, now)
    )
    for name, about in before.items():
        rule = f"fingerprints.{suite}.{name}"
        if name not in after:
            yield difference.mark_removed(
                rule, _tell_ensemble(about), "the fingerprint is gone"
            )
        elif after[name].digest != about.digest:
            new = after[name]
            why = f"another answer is the reference: {new.reason}"
            change = (Change.WEAKER, why)
            yield difference.make_difference(
                rule, _tell_ensemble(about), _tell_ensemble(new), change
            )
    for name, about in after.items():
        if name not in before:
            why = "a run is held against an ensemble of its own"
            yield difference.mark_added(
                f"fingerprints.{suite}.{name}", _tell_ensemble(about), why
            )


def _tell_ensemble(about: Fingerprint) -> str:
    count = sum(about.counts.values())
    limits = ", ".join(f"{limit:.6g}" for limit in about.limits)
    return f"{about.digest[:12]}, {count} numbers, limits {limits}"


def _compare_values(was: GoldenValue, now: GoldenValue) -> Classed | None:
    """Class other statistics of one comparison; None where only the provenance differs."""
    if all(getattr(was, name) == getattr(now, name) for name in STATISTICS):
        same = all(getattr(was, name) == getattr(now, name) for name in PROVENANCE)
        return None if same else (Change.OTHER, "another provenance, the same statistics")
    if wider := _wider(was, now):
        return Change.WEAKER, wider
    if now.n < was.n:
        return Change.WEAKER, f"it rests on {now.n} seeds, not on {was.n}"
    if was.metric.startswith(_RUN) and was.reference != now.reference:
        return Change.WEAKER, "factors of a resource guard are of another mean"
    if (was.low, was.high) == (now.low, now.high):
        return Change.OTHER, "other statistics, the same bounds"
    return Change.STRICTER, "the interval lies inside the old one"


def _wider(was: GoldenValue, now: GoldenValue) -> str:
    """Say on which side an interval lets more pass than another; nothing where on none."""
    lows = [-math.inf if v.low is None else v.low for v in (was, now)]
    highs = [math.inf if v.high is None else v.high for v in (was, now)]
    sides = [word for word, out in _share_outside(lows, highs) if out]
    if not sides:
        return ""
    if len(sides) > 1:
        return "the interval is wider on both sides"
    inward = lows[1] > lows[0] or highs[1] < highs[0]
    return f"the interval is {'moved' if inward else 'wider'} {sides[0]}"


def _share_outside(lows: list[float], highs: list[float]) -> tuple[tuple[str, bool], ...]:
    return (("downwards", lows[1] < lows[0]), ("upwards", highs[1] > highs[0]))


def _class_new(was: GoldenSet, value: GoldenValue) -> Classed:
    """Class a golden that is new, by what the comparison would have been without it."""
    try:
        old = was.lookup(value.metric, value.environment, value.datasets)
    except EvidenceMissingError:
        if any(other.metric == value.metric for other in was.values):
            return Change.WEAKER, "a comparison that could not be made is made by new numbers"
        return Change.STRICTER, "a metric that had no golden has one"
    change = _compare_values(replace(old, environment=value.environment), value)
    if change is None or change[0] is not Change.WEAKER:
        return Change.STRICTER, "an environment has a golden of its own, no wider"
    return Change.WEAKER, f"in the place of that of its device class: {change[1]}"


def _tell(value: GoldenValue) -> str:
    low, high = ("open" if b is None else f"{b:.9g}" for b in (value.low, value.high))
    return f"{value.reference:.9g} in [{low}, {high}], n {value.n}"
