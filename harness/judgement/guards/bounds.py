"""Kind ``bound``: one metric against an absolute floor, ceiling or both."""

from __future__ import annotations

from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval
from harness.judgement.guards.options import Option
from harness.records import GuardResult


class BoundGuard:
    """A metric between ``min`` and ``max``, both inclusive, one of them optional."""

    kind = "bound"
    options = (*metrics.OPTIONS, Option("min", "number"), Option("max", "number"))

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric and at least one bound."""
        options.check(spec, self.options)
        options.one_of(spec, ("min", "max"))
        options.require_order(spec)
        metrics.parse(spec.options["metric"])

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the bounds and for NaN or ±inf."""
        value = metrics.take(evidence, spec.options)
        bounds = (spec.options.get("min"), spec.options.get("max"))
        return judge_interval(spec, metrics.key(spec.options), value, bounds)
