"""Kinds ``ratio`` and ``equal``: two metrics of one run against each other."""

from __future__ import annotations

import math
from typing import Any

from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval, number, result
from harness.judgement.guards.metrics import AGGREGATE_NAMES
from harness.judgement.guards.options import Option
from harness.records import GuardResult
from harness.verdict import Verdict

_DEFAULT_TOLERANCE = 1e-9


def _pair(first: str, second: str) -> tuple[Option, ...]:
    return (
        Option(first, required=True),
        Option(second, required=True),
        Option(f"{first}_aggregate", choices=AGGREGATE_NAMES),
        Option(f"{second}_aggregate", choices=AGGREGATE_NAMES),
    )


class RatioGuard:
    """``numerator`` over ``denominator`` between ``min`` and ``max``."""

    kind = "ratio"
    options = (
        *_pair("numerator", "denominator"),
        Option("min", "number"),
        Option("max", "number"),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable metrics and at least one bound."""
        options.check(spec, self.options)
        options.one_of(spec, ("min", "max"))
        options.require_order(spec)
        metrics.parse(spec.options["numerator"])
        metrics.parse(spec.options["denominator"])

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the band; a denominator of zero is red, for it has no ratio."""
        above = _take(evidence, spec, "numerator")
        below = _take(evidence, spec, "denominator")
        value = above / below if below else math.nan
        bounds = (spec.options.get("min"), spec.options.get("max"))
        context = f" ({number(above)} / {number(below)})"
        return judge_interval(
            spec, _name(spec, "numerator", "denominator", "/"), value, bounds, context
        )


class EqualGuard:
    """``left`` equals ``right`` within a ``relative`` and an ``absolute`` tolerance."""

    kind = "equal"
    options = (
        *_pair("left", "right"),
        Option("relative", "number"),
        Option("absolute", "number"),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require two readable metrics and tolerances that are not negative.

        Raises:
            ConfigError: A negative tolerance, which nothing could meet.
        """
        options.check(spec, self.options)
        for name in ("relative", "absolute"):
            if spec.options.get(name, 0.0) < 0:
                raise options.error(spec, name, str(spec.options[name]), "at least 0")
        metrics.parse(spec.options["left"])
        metrics.parse(spec.options["right"])

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red when the two differ by more than the tolerance, or either is not finite."""
        left, right = _take(evidence, spec, "left"), _take(evidence, spec, "right")
        relative = spec.options.get("relative", _DEFAULT_TOLERANCE)
        allowed = max(relative * abs(right), spec.options.get("absolute", 0.0))
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
