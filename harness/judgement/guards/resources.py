"""Kind ``resource``: time and memory of a stage, in absolute and relative bands."""

from __future__ import annotations

from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.judgement.guards import golden, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval
from harness.judgement.guards.options import Option
from harness.records import GuardResult

_MIB = 1 << 20


class ResourceGuard:
    """``measure`` of a ``stage``: ``runtime`` [s] or ``memory`` (peak) [MiB].

    ``max`` and ``min`` are absolute. ``above`` and ``below`` are factors on the golden
    mean, so that a band may be wider towards slow than towards fast: ``above = 1.5``,
    ``below = 0.2``. With both kinds of bounds the narrower one holds.
    """

    kind = "resource"
    options = (
        Option("stage", required=True),
        Option("measure", required=True, choices=("runtime", "memory")),
        Option("min", "number"),
        Option("max", "number"),
        Option("above", "number"),
        Option("below", "number"),
    )

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a stage, a measure and a bound.

        Raises:
            ConfigError: ``above`` under 1 or ``below`` over 1: the mean itself would fail.
        """
        options.check(spec, self.options)
        options.one_of(spec, ("max", "min", "above", "below"))
        options.require_order(spec)
        if spec.options.get("above", 1.0) < 1:
            raise options.error(spec, "above", str(spec.options["above"]), "at least 1")
        if spec.options.get("below", 1.0) > 1:
            raise options.error(spec, "below", str(spec.options["below"]), "at most 1")

    def judge(
        self, spec: GuardSpec, evidence: Evidence, reference: Golden | None
    ) -> GuardResult:
        """Red outside the band; inconclusive when the stage or its golden is not there.

        Raises:
            EvidenceMissingError: The run holds no such measure.
        """
        choices = spec.options
        metric = name(choices["stage"], choices["measure"])
        value = measure(evidence, choices["stage"], choices["measure"])
        lows, highs = [choices.get("min")], [choices.get("max")]
        if "above" in choices or "below" in choices:
            mean = golden.find(reference, metric, evidence).reference
            highs.append(_scale_bound(choices.get("above"), mean))
            lows.append(_scale_bound(choices.get("below"), mean))
        low = max((bound for bound in lows if bound is not None), default=None)
        high = min((bound for bound in highs if bound is not None), default=None)
        return judge_interval(spec, metric, value, (low, high))


def name(stage: str, measure: str) -> str:
    """Name the metric of a measure, its unit included."""
    return f"{stage}.{'duration_s' if measure == 'runtime' else 'peak_memory_mib'}"


def _scale_bound(factor: float | None, mean: float) -> float | None:
    return None if factor is None else factor * mean


def measure(evidence: Evidence, stage: str, wanted: str) -> float:
    """Return the time [s] or peak memory [MiB] of a stage.

    Raises:
        EvidenceMissingError: The stage did not run, or nothing was measured.
    """
    record = evidence.stages.get(stage)
    if record is not None and record.outcome != "skipped":
        if wanted == "runtime":
            return record.duration_s
        if record.peak_memory_bytes is not None:
            return record.peak_memory_bytes / _MIB
    raise EvidenceMissingError(
        f"metric {name(stage, wanted)}",
        found="no such measure in this run",
        expected="a stage that ran",
        remedy="Look at why the stage did not run.",
    )
