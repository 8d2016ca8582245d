"""Kind ``bound``: one metric against an absolute floor, ceiling or both."""

from __future__ import annotations

from dataclasses import replace

from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval, result
from harness.judgement.guards.options import Option
from harness.records import GuardResult
from harness.verdict import Verdict

_NOTE = "note"


class BoundGuard:
    """A metric between ``min`` and ``max``, both inclusive, one of them optional.

    A metric that is not there is inconclusive, and so is the run. With ``missing = "note"``
    that only informs where the artifact does not have the metric at all: data without a
    reference cannot be compared with one. A metric without a value decides as ever.
    """

    kind = "bound"
    options = (
        *metrics.OPTIONS,
        Option("min", "number"),
        Option("max", "number"),
        Option("missing", choices=("inconclusive", _NOTE)),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric and at least one bound."""
        options.check(spec, self.options)
        options.one_of(spec, ("min", "max"))
        options.require_order(spec)
        metrics.parse(spec.options["metric"])

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red outside the bounds and for NaN or ±inf."""
        if spec.options.get("missing") == _NOTE and (noted := _not_made(spec, evidence)):
            return noted
        value = metrics.take(evidence, spec.options)
        bounds = (spec.options.get("min"), spec.options.get("max"))
        return judge_interval(spec, metrics.key(spec.options), value, bounds)


def _not_made(spec: GuardSpec, evidence: Evidence) -> GuardResult | None:
    """Note that an artifact lacks a metric; None where it has it, or is itself missing."""
    artifact, _ = metrics.parse(spec.options["metric"])
    if artifact not in evidence.artifacts:
        return None
    try:
        metrics.find(evidence, spec.options["metric"])
    except metrics.MetricError as error:
        reason = f"not compared: {error.where}: {error.found}"
        noted = result(spec, Verdict.INCONCLUSIVE, error.found, error.expected, reason)
        return replace(noted, severity="warn")
    return None
