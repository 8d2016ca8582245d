"""Kind ``bound``: one metric against an absolute floor, ceiling or both."""

from __future__ import annotations

from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, pairs
from harness.judgement.guards.base import Evidence, Golden, judge_interval
from harness.judgement.guards.metrics import Band, MetricOptions
from harness.records import GuardResult


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundOptions(Band, MetricOptions):
    """The parameters of kind ``bound``."""

    missing: str = pairs.declare_missing("the metric in its artifact")


class BoundGuard:
    """A metric between ``min`` and ``max``, both inclusive, one of them optional.

    A metric that is not there is inconclusive, and so is the run. With ``missing = "note"``
    that only informs where the artifact does not have the metric at all: data without a
    reference cannot be compared with one. A metric without a value decides as ever.
    """

    kind = "bound"
    options = BoundOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric and at least one bound."""
        wanted = options.read(BoundOptions, spec)
        options.one_of(spec, ("min", "max"))
        options.require_order(spec)
        metrics.parse(wanted.metric)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the bounds and for NaN or ±inf."""
        wanted = options.read(BoundOptions, spec)
        note = pairs.note_missing(spec, evidence, wanted.missing, wanted.metric)
        if note is not None:
            return note
        value = metrics.take(evidence, spec.options)
        return judge_interval(spec, metrics.key(spec.options), value, (wanted.min, wanted.max))
