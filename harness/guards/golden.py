"""Kind ``golden``: one metric against the tolerance interval of its golden."""

from __future__ import annotations

from harness.config import GuardSpec
from harness.errors import EvidenceMissingError
from harness.guards import metrics, options
from harness.guards.base import Bounds, Evidence, Golden, measured
from harness.records import GuardResult


class GoldenGuard:
    """A metric inside the interval calibrated for this environment and these datasets."""

    kind = "golden"
    options = (*metrics.OPTIONS, options.Option("scale", choices=("linear", "log10")))

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric."""
        options.check(spec, self.options)
        metrics.parse(spec.options["metric"])

    def judge(self, spec: GuardSpec, evidence: Evidence, golden: Golden | None) -> GuardResult:
        """Red outside the interval; inconclusive where there is no golden to compare with.

        Raises:
            EvidenceMissingError: The suite has no golden.
        """
        value = metrics.take(evidence, spec.options)
        bounds = find(golden, metrics.key(spec.options), evidence)
        context = f"; golden of {bounds.n} seeds"
        return measured(
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
