"""Bands of two revisions side by side: no value of a curve may be let go farther."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import fields

from harness.judgement.gate import reference_rules
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.gate.reference_rules import IDENTITY, PROVENANCE, Kind
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet

# How long a curve is follows from the parameters of its runs.
_PROVENANCE = (*PROVENANCE, "parameters")
STATISTICS = tuple(
    one.name for one in fields(GoldenCurve) if one.name not in (*_PROVENANCE, *IDENTITY)
)


def compare_curves(suite: str, was: GoldenSet, now: GoldenSet) -> Iterator[Difference]:
    """Compare the bands that judge a suite, each by metric, environment and datasets."""
    kind = Kind(
        tell=_tell,
        compare=_compare,
        class_new=functools.partial(_class_new, was),
        gone="the band is gone",
    )
    return reference_rules.compare(suite, was.curves, now.curves, kind)


def _class_new(was: GoldenSet, curve: GoldenCurve) -> Classed:
    """Class a band that is new: one more, or numbers for what could not be compared."""
    if any(other.metric == curve.metric for other in was.curves):
        return Change.WEAKER, "a comparison that could not be made is made by new numbers"
    return Change.STRICTER, "a curve that had no band has one"


def _compare(was: GoldenCurve, now: GoldenCurve) -> Classed | None:
    """Class another band of one comparison; None where nothing differs."""
    if all(getattr(was, name) == getattr(now, name) for name in STATISTICS):
        same = all(getattr(was, name) == getattr(now, name) for name in _PROVENANCE)
        return None if same else (Change.OTHER, "another provenance, the same band")
    if was.names_sha256 != now.names_sha256:
        return Change.WEAKER, "other values are held"
    if wider := _count_wider(was, now):
        return Change.WEAKER, f"{wider} of {len(was.centre)} values may go farther"
    if len(now.components) < len(was.components):
        return Change.WEAKER, "fewer components are judged together"
    if now.n < was.n:
        return Change.WEAKER, f"it rests on {now.n} seeds, not on {was.n}"
    if was.components != now.components:
        return Change.WEAKER, "other components are judged together"
    return Change.STRICTER, "the band lies inside the old one"


def _count_wider(was: GoldenCurve, now: GoldenCurve) -> int:
    count = len(was.centre)
    lows = (c.low or (-math.inf,) * count for c in (was, now))
    highs = (c.high or (math.inf,) * count for c in (was, now))
    edges = zip(*lows, *highs, strict=True)
    return sum(low < old_low or high > old_high for old_low, low, old_high, high in edges)


def _tell(curve: GoldenCurve) -> str:
    middle = f"{curve.factor:.6g} sd"
    return f"{len(curve.centre)} values within {middle} of their means, n {curve.n}"
