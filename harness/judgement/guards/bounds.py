"""Kind ``bound``: one metric against an absolute floor, ceiling or both."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval, result
from harness.judgement.guards.metrics import Band, MetricOptions
from harness.records import GuardResult
from harness.verdict import Verdict

_NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundOptions(Band, MetricOptions):
    """The parameters of kind ``bound``."""

    missing: str = key(
        "Without the metric in its artifact: `inconclusive`, or `note`: only said.",
        default="inconclusive",
        choices=("inconclusive", _NOTE),
    )


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
        if wanted.missing == _NOTE and (guard_result := _not_made(spec, evidence)):
            return guard_result
        value = metrics.take(evidence, spec.options)
        return judge_interval(spec, metrics.key(spec.options), value, (wanted.min, wanted.max))


def _not_made(spec: GuardSpec, evidence: Evidence) -> GuardResult | None:
    """Note that an artifact lacks a metric; None where it has it, or is itself missing."""
    artifact, _ = metrics.parse(spec.options["metric"])
    if artifact not in evidence.artifacts:
        return None
    try:
        metrics.find(evidence, spec.options["metric"])
    except metrics.MetricError as error:
        reason = f"not compared: {error.where}: {error.found}"
        guard_result = result(spec, Verdict.INCONCLUSIVE, error.found, error.expected, reason)
        return replace(guard_result, severity="warn")
    return None
