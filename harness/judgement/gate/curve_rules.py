"""Bands of two revisions side by side: no value of a curve may be let go farther."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from harness.judgement.gate import difference
from harness.judgement.gate.difference import Change, Classed, Difference
from harness.judgement.golden import store
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenSet

Key = tuple[str, str, str]
PROVENANCE = ("hubs", "seeds", "reason", "author", "date", "commit", "parameters")
IDENTITY = ("metric", "environment", "datasets")
STATISTICS = tuple(
    one.name for one in fields(GoldenCurve) if one.name not in (*PROVENANCE, *IDENTITY)
)


def compare_curves(suite: str, was: GoldenSet, now: GoldenSet) -> Iterator[Difference]:
    """Compare the bands that judge a suite, each by metric, environment and datasets."""
    before, after = ({store.identity(c): c for c in golden.curves} for golden in (was, now))
    heirs = _pair_renamed(before, after)
    for key, curve in before.items():
        rule = _name(suite, curve)
        if key in after:
            classed = _compare(curve, after[key])
            if classed is not None:
                yield difference.make_difference(rule, _tell(curve), _tell(after[key]), classed)
        elif key in heirs:
            change = (Change.OTHER, "the metric has another name, its statistics are the same")
            name = after[heirs[key]].metric
            yield difference.make_difference(rule, curve.metric, name, change)
        else:
            yield difference.mark_removed(rule, _tell(curve), "the band is gone")
    for key, curve in after.items():
        if key not in before and key not in heirs.values():
            yield _class_new(suite, was, curve)


def find_renamed(was: GoldenSet, now: GoldenSet) -> dict[str, str]:
    """Return the new name of each metric all of whose bands only have another name."""
    before, after = ({store.identity(c): c for c in golden.curves} for golden in (was, now))
    names = {curve.metric for curve in now.curves}
    pairs = _pair_renamed(before, after).items()
    return {
        before[old].metric: after[new].metric
        for old, new in pairs
        if before[old].metric not in names
    }


def _pair_renamed(
    before: Mapping[Key, GoldenCurve], after: Mapping[Key, GoldenCurve]
) -> dict[Key, Key]:
    """Pair each band that is gone with a new one that has another metric and nothing else."""
    new = {key: _strip(curve) for key, curve in after.items() if key not in before}
    heirs = {}
    for key, curve in before.items():
        heir = next((other for other, plain in new.items() if plain == _strip(curve)), None)
        if key not in after and heir is not None:
            heirs[key] = heir
            del new[heir]
    return heirs


def _class_new(suite: str, was: GoldenSet, curve: GoldenCurve) -> Difference:
    """Class a band that is new: one more, or numbers for what could not be compared."""
    change = Change.STRICTER, "a curve that had no band has one"
    if any(other.metric == curve.metric for other in was.curves):
        change = Change.WEAKER, "a comparison that could not be made is made by new numbers"
    return difference.make_difference(_name(suite, curve), None, _tell(curve), change)


def _compare(was: GoldenCurve, now: GoldenCurve) -> Classed | None:
    """Class another band of one comparison; None where nothing differs."""
    if all(getattr(was, name) == getattr(now, name) for name in STATISTICS):
        same = all(getattr(was, name) == getattr(now, name) for name in PROVENANCE)
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


def _strip(curve: GoldenCurve) -> GoldenCurve:
    """Leave out the name, and who renamed it."""
    return replace(
        curve,
        metric="",
        reason="",
        author="",
        date="",
        commit="",
    )


def _name(suite: str, curve: GoldenCurve) -> str:
    return f"goldens.{suite}.{curve.metric}@{store.file_name(curve).removesuffix('.json')}"


def _tell(curve: GoldenCurve) -> str:
    middle = f"{curve.factor:.6g} sd"
    return f"{len(curve.centre)} values within {middle} of their means, n {curve.n}"
