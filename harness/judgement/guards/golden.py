"""Kind ``golden``: one metric against the tolerance interval of its golden."""

from __future__ import annotations

import math
from dataclasses import replace

from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import (
    Bounds,
    Evidence,
    Golden,
    judge_interval,
    number,
    result,
)
from harness.judgement.guards.options import Option
from harness.records import GuardResult
from harness.verdict import Verdict

_NOTE = "note"


class GoldenGuard:
    """A metric inside the interval calibrated for this environment and these datasets.

    ``scale``, ``sides``, ``coverage`` and ``confidence`` say how ``harness golden`` makes
    the interval (linear, two, 0.95, 0.95); the judgement itself uses the golden alone.

    Where there is no golden of these datasets and this device class, the result is
    inconclusive, and so is the run. With ``missing = "note"`` the result is inconclusive
    all the same, but it only informs: a person's own data have no reference yet.
    """

    kind = "golden"
    options = (
        *metrics.OPTIONS,
        Option("scale", choices=("linear", "log10")),
        Option("sides", choices=("two", "low", "high")),
        Option("coverage", "number"),
        Option("confidence", "number"),
        Option("missing", choices=("inconclusive", _NOTE)),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric, and probabilities between 0 and 1.

        Raises:
            ConfigError: A coverage or confidence that is no probability.
        """
        options.check(spec, self.options)
        for name in ("coverage", "confidence"):
            if not 0 < spec.options.get(name, 0.5) < 1:
                raise options.error(spec, name, str(spec.options[name]), "between 0 and 1")
        metrics.parse(spec.options["metric"])

    def judge(self, spec: GuardSpec, evidence: Evidence, golden: Golden | None) -> GuardResult:
        """Red outside the interval and for a value that is not finite, golden or none.

        Raises:
            EvidenceMissingError: The suite has no golden.
        """
        value = metrics.take(evidence, spec.options)
        if not math.isfinite(value):
            return judge_interval(spec, metrics.key(spec.options), value, (None, None))
        try:
            bounds = find(golden, metrics.key(spec.options), evidence)
        except EvidenceMissingError as error:
            if spec.options.get("missing") != _NOTE:
                raise
            reason = f"not compared: {error.found}; {error.remedy}"
            noted = result(spec, Verdict.INCONCLUSIVE, number(value), error.where, reason)
            return replace(noted, severity="warn")
        context = f"; golden of {bounds.n} seeds"
        return judge_interval(
            spec, metrics.key(spec.options), value, (bounds.low, bounds.high), context
        )


def find(golden: Golden | None, metric: str, evidence: Evidence) -> Bounds:
    """Look a metric up for the environment and the datasets of the evidence.

    Raises:
        EvidenceMissingError: There is no golden for this comparison.
    """
    if golden is None:
        raise EvidenceMissingError(
            f"golden of {metric}",
            found="no golden for this suite",
            expected="calibrated reference statistics",
            remedy="Run harness golden calibrate, then harness golden update --reason.",
        )
    digests = {role: record.sha256 for role, record in evidence.datasets.items()}
    return golden.lookup(metric, evidence.environment, digests)
