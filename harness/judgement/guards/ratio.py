"""Kinds ``ratio`` and ``equal``: two metrics of one run against each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.aggregates import AGGREGATE_NAMES
from harness.judgement.guards.base import Evidence, Golden, judge_interval, number, result
from harness.judgement.guards.metrics import Band
from harness.records import GuardResult
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioOptions(Band):
    """The parameters of kind ``ratio``."""

    numerator: str = key("Path expression.", is_metric=True)
    denominator: str = key("Path expression; zero is red.", is_metric=True)
    numerator_aggregate: str | None = key(
        "Aggregate of the numerator.", default=None, choices=AGGREGATE_NAMES
    )
    denominator_aggregate: str | None = key(
        "Aggregate of the denominator.", default=None, choices=AGGREGATE_NAMES
    )


class RatioGuard:
    """``numerator`` over ``denominator`` between ``min`` and ``max``."""

    kind = "ratio"
    options = RatioOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable metrics and at least one bound."""
        wanted = options.read(RatioOptions, spec)
        options.one_of(spec, ("min", "max"))
        options.require_order(spec)
        metrics.parse(wanted.numerator)
        metrics.parse(wanted.denominator)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the band; a denominator of zero is red, for it has no ratio."""
        above = _take(evidence, spec, "numerator")
        below = _take(evidence, spec, "denominator")
        value = above / below if below else math.nan
        wanted = options.read(RatioOptions, spec)
        bounds = (wanted.min, wanted.max)
        context = f" ({number(above)} / {number(below)})"
        return judge_interval(
            spec, _name(spec, "numerator", "denominator", "/"), value, bounds, context
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualOptions:
    """The parameters of kind ``equal``."""

    left: str = key("Path expression of the value judged.", is_metric=True)
    right: str = key("Path expression of the reference.", is_metric=True)
    left_aggregate: str | None = key(
        "Aggregate of the left side.", default=None, choices=AGGREGATE_NAMES
    )
    right_aggregate: str | None = key(
        "Aggregate of the right side.", default=None, choices=AGGREGATE_NAMES
    )
    relative: float = key("Tolerance as a share of the right side.", default=1e-9, low=0)
    absolute: float = key(
        "Tolerance as a number; the larger of the two holds.", default=0.0, low=0
    )


class EqualGuard:
    """``left`` equals ``right`` within a ``relative`` and an ``absolute`` tolerance."""

    kind = "equal"
    options = EqualOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable metrics and tolerances that are not negative."""
        wanted = options.read(EqualOptions, spec)
        metrics.parse(wanted.left)
        metrics.parse(wanted.right)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when the two differ by more than the tolerance, or either is not finite."""
        left, right = _take(evidence, spec, "left"), _take(evidence, spec, "right")
        wanted = options.read(EqualOptions, spec)
        allowed = max(wanted.relative * abs(right), wanted.absolute)
        same = math.isfinite(left) and math.isfinite(right) and abs(left - right) <= allowed
        names = _name(spec, "left", "right", "against")
        return result(
            spec,
            Verdict.GREEN if same else Verdict.RED,
            number(left),
            f"{number(right)} ± {number(allowed)}",
            "" if same else f"{names}: {number(left)} is not {number(right)}",
        )


def _take(evidence: Evidence, spec: GuardSpec, side: str) -> float:
    choices: dict[str, Any] = spec.options
    return metrics.select(evidence, choices[side], choices.get(f"{side}_aggregate"))


def _name(spec: GuardSpec, first: str, second: str, sign: str) -> str:
    names = []
    for side in (first, second):
        parts = {"metric": spec.options[side]}
        if f"{side}_aggregate" in spec.options:
            parts["aggregate"] = spec.options[f"{side}_aggregate"]
        names.append(metrics.key(parts))
    return f"{names[0]} {sign} {names[1]}"
