"""Kind ``ratio``: two metrics of one run, one over the other."""

from __future__ import annotations

import math

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, pairs
from harness.judgement.guards.aggregates import AGGREGATE_NAMES
from harness.judgement.guards.base import Evidence, Golden, judge_interval, number
from harness.judgement.guards.metrics import Band
from harness.records import GuardResult


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
        """Red outside the band; a denominator that is zero or not finite has no ratio."""
        above = pairs.take_side(evidence, spec, "numerator")
        below = pairs.take_side(evidence, spec, "denominator")
        value = above / below if below and math.isfinite(below) else math.nan
        wanted = options.read(RatioOptions, spec)
        bounds = (wanted.min, wanted.max)
        context = f" ({number(above)} / {number(below)})"
        return judge_interval(
            spec,
            pairs.name_sides(spec, "numerator", "denominator", "/"),
            value,
            bounds,
            context,
        )
