"""Kind ``bound``: one metric against an absolute floor, ceiling or both."""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, measured
from harness.judgement.guards.metrics import Band, MetricOptions
from harness.records import GuardResult


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundOptions(Band, MetricOptions):
    """The parameters of kind ``bound``."""


class BoundGuard:
    """A metric between ``min`` and ``max``, both inclusive, one of them optional."""

    kind = "bound"
    options = BoundOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric and at least one bound."""
        wanted = options.read(BoundOptions, spec)
        options.one_of(spec, ("min", "max"))
        options.ordered(spec)
        metrics.parse(wanted.metric)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the bounds and for NaN or ±inf."""
        value = metrics.take(evidence, spec.options)
        wanted = options.read(BoundOptions, spec)
        return measured(spec, metrics.key(spec.options), value, (wanted.min, wanted.max))
