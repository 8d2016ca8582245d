"""Kind ``resource``: time and memory of a stage, in absolute and relative bands."""

from __future__ import annotations

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.frozen import dataclass
from harness.judgement.guards import golden, options
from harness.judgement.guards.base import Evidence, Golden, judge_interval
from harness.judgement.guards.metrics import Band
from harness.records import GuardResult

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOptions(Band):
    """The parameters of kind ``resource``."""

    stage: str = key("Stage that is measured.")
    measure: str = key("`runtime` [s] or `memory` (peak) [MiB].", choices=("runtime", "memory"))
    above: float | None = key(
        "Largest accepted factor on the golden's centre, at least 1.", default=None, low=1
    )
    below: float | None = key(
        "Smallest accepted factor on the golden's centre, at most 1.", default=None, high=1
    )


class ResourceGuard:
    """``measure`` of a ``stage``: ``runtime`` [s] or ``memory`` (peak) [MiB].

    ``max`` and ``min`` are absolute. ``above`` and ``below`` are factors on the golden
    mean, so that a band may be wider towards slow than towards fast: ``above = 1.5``,
    ``below = 0.2``. With both kinds of bounds the narrower one holds.
    """

    kind = "resource"
    options = ResourceOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a stage, a measure and a bound."""
        options.read(ResourceOptions, spec)
        options.one_of(spec, ("max", "min", "above", "below"))
        options.require_order(spec)

    def judge(
        self, spec: GuardSpec, evidence: Evidence, reference: Golden | None
    ) -> GuardResult:
        """Red outside the band; inconclusive when the stage or its golden is not there.

        Raises:
            EvidenceMissingError: The run holds no such measure.
        """
        wanted = options.read(ResourceOptions, spec)
        metric = name(wanted.stage, wanted.measure)
        value = measure(evidence, wanted.stage, wanted.measure)
        lows, highs = [wanted.min], [wanted.max]
        if wanted.above is not None or wanted.below is not None:
            mean = golden.find(reference, metric, evidence).reference
            highs.append(_scale_bound(wanted.above, mean))
            lows.append(_scale_bound(wanted.below, mean))
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
