"""Kind ``golden``: a metric against the tolerance interval, or the band, of its golden."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.evidence.numerics import numeric_class
from harness.frozen import dataclass
from harness.judgement.golden import band as bands
from harness.judgement.golden import store
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.guards import curves, metrics, options
from harness.judgement.guards.aggregates import AGGREGATE_NAMES, ALL
from harness.judgement.guards.base import (
    Bounds,
    Evidence,
    Golden,
    judge_interval,
    number,
    result,
)
from harness.judgement.guards.metrics import MetricOptions
from harness.judgement.guards.numbers import Numbers
from harness.records import GuardResult
from harness.verdict import Verdict

_NOTE = "note"
_GENERATED_SINCE = 3  # the edition of the rules that lets no generated data pass by a note
_ENDS = ("least", "largest")
_ROUNDING = 1e-6  # of the larger end: how far single precision may leave what a number can be
CLASS, DEVICE = "numeric class", "device class"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenOptions(MetricOptions):
    """The parameters of kind ``golden``."""

    aggregate: str | None = key(
        "Makes one number of several, see [Aggregates](#aggregates); `all` keeps them, and "
        "judges the curve or the array by one band.",
        default=None,
        choices=(ALL, *AGGREGATE_NAMES),
    )
    components: int = key(
        "Of a curve: principal components whose T² is judged too, with half of the rate; each "
        "needs 8 seeds.",
        default=0,
        low=0,
    )
    scale: str = key(
        "Scale on which `harness golden` fits the spread.",
        default=store.SCALES[0],
        choices=store.SCALES,
    )
    sides: str = key("Which sides are bounded.", default=store.SIDES[0], choices=store.SIDES)
    coverage: float = key(
        "Share of runs that the interval shall hold.",
        default=store.COVERAGE,
        above=0,
        below=1,
    )
    confidence: float = key(
        "Confidence in that share.", default=store.CONFIDENCE, above=0, below=1
    )
    missing: str = key(
        "Without a golden: `inconclusive`, or `note`: said, no part of the verdict.",
        default="inconclusive",
        choices=("inconclusive", _NOTE),
    )
    machines: str = key(
        "Whose golden may judge: one of the same `numeric class`, or, as is declared here and "
        "said in the result, any of the `device class`.",
        default=CLASS,
        choices=(CLASS, DEVICE),
    )
    range: tuple[float, ...] = key(
        "Least and largest value that the number can have, where they are known: what lies "
        "beyond is red. A golden with a side there is refused: nothing could be red by it.",
        default=(),
    )
    wide_because: str = key(
        "Why the band may be wider than a factor 30 from bound to bound; without a reason "
        "`harness golden` warns of it.",
        default="",
    )


class LackingRunError(EvidenceMissingError):
    """A further run, of another seed, has no number where the run itself has one."""


class GoldenGuard:
    """A metric inside the interval calibrated for this environment and these datasets.

    ``scale``, ``sides``, ``coverage`` and ``confidence`` say how ``harness golden`` makes
    the interval; the judgement itself uses the golden alone. Where a verdict stands on several
    runs, their mean on that scale is judged by the narrower interval of such a mean; a curve
    is that of the run itself.

    Where there is no golden of these datasets and this device class, the result is
    inconclusive, and so is the run. With ``missing = "note"`` the result is inconclusive
    all the same, but it only informs: a person's own data, another kind of machine or a suite
    that was never calibrated have no reference yet. Where all data are generated and the suite
    has goldens, none of which is of these data, it counts: what makes the data has changed.

    With ``aggregate = "all"`` every number below the path counts, arrays included. Each has a
    centre and a deviation over the seeds, and one factor for all makes the band, so that
    ``coverage`` holds of the whole curve; the value of the result is how far the farthest
    number lies, as a part of the band's half width.

    A golden of another numeric class (processor, instruction set, threads, libraries) is no
    reference either, unless ``machines = "device class"`` says that this metric spreads more
    over seeds than over machines; the result then says whose golden it was.
    """

    kind = "golden"
    options = GoldenOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a readable metric, probabilities between 0 and 1, and a range with ends."""
        wanted = options.read(GoldenOptions, spec)
        metrics.parse(wanted.metric)
        ends = wanted.range
        if "range" in spec.options and not (len(ends) == len(_ENDS) and ends[0] < ends[1]):
            raise options.error(spec, "range", f"{list(ends)}", "[least, largest]")
        if wanted.aggregate == ALL:
            for name in ("range", "wide_because"):
                if name in spec.options:
                    raise options.error(spec, name, "a curve", "a single number for it")
            if wanted.components and wanted.sides != "two":
                raise options.error(spec, "components", f"sides {wanted.sides}", "both sides")
        elif wanted.components:
            raise options.error(spec, "components", "one number", f"aggregate = {ALL!r}")

    def judge(self, spec: GuardSpec, evidence: Evidence, golden: Golden | None) -> GuardResult:
        """Red outside the interval and for a value that cannot be, golden or none.

        Raises:
            EvidenceMissingError: The suite has no golden.
        """
        wanted = options.read(GoldenOptions, spec)
        take = curves.take if wanted.aggregate == ALL else metrics.take
        value = take(evidence, spec.options)
        if red := refuse_strange(spec, value):
            return red
        try:
            return _compare(spec, evidence, golden, wanted, value)
        except EvidenceMissingError as error:
            is_of_other_data = isinstance(error, store.OtherDataError)
            counts = isinstance(error, LackingRunError) or (
                is_of_other_data and is_generated(evidence)
            )
            if wanted.missing != _NOTE or counts:
                raise
            reason = f"not compared: {error.found}; {error.remedy}"
            guard_result = result(spec, Verdict.INCONCLUSIVE, _tell(value), error.where, reason)
            return replace(guard_result, severity="warn")


def refuse_strange(spec: GuardSpec, value: float | Numbers) -> GuardResult | None:
    """Return the red result of what no run can give, golden or none; None of all else.

    That is what is not finite, and what lies beyond the least or the largest value that the
    number can have: there a golden has no bound, for no sound value could leave it.
    """
    if isinstance(value, Numbers):
        return curves.refuse_strange(spec, value)
    metric = metrics.key(spec.options)
    if not math.isfinite(value):
        return judge_interval(spec, metric, value, (None, None))
    ends = bands.find_ends(spec.options)
    slack = _ROUNDING * max(abs(end or 0.0) for end in ends)
    low, high = (
        None if end is None else end + way * slack
        for end, way in zip(ends, (-1, 1), strict=True)
    )
    judged = judge_interval(spec, metric, value, (low, high), ", which it cannot be")
    return judged if judged.verdict is Verdict.RED else None


def _compare(
    spec: GuardSpec,
    evidence: Evidence,
    golden: Golden | None,
    wanted: GoldenOptions,
    value: float | Numbers,
) -> GuardResult:
    """Hold a number against its interval, or a curve against its band.

    Raises:
        EvidenceMissingError: There is no golden for this comparison.
    """
    metric = metrics.key(spec.options)
    if isinstance(value, Numbers):
        band = find_curve(golden, metric, evidence)
        curves.require_parameters(band, value, evidence)
        curves.require_components(band, wanted.components)
        other = _compare_class(band, evidence, wanted)
        judged = curves.judge(spec, value, band)
    else:
        bounds = find(golden, metric, evidence)
        other = _compare_class(bounds, evidence, wanted)
        judged = _judge_values(spec, metric, (value, *_take_members(evidence, metric)), bounds)
    return replace(judged, expected=judged.expected + other)


def _take_members(evidence: Evidence, name: str) -> tuple[float, ...]:
    """Return the numbers of the further runs that a verdict stands on.

    Raises:
        LackingRunError: One of them has no such number.
    """
    lacking = next((one for one in evidence.members if name not in one.values), None)
    if lacking is not None:
        raise LackingRunError(
            f"run of seed {lacking.seed}",
            found=lacking.reason or f"no number of {name}",
            expected="one in every run that the verdict stands on",
            remedy=f"Look into {lacking.hub}.",
        )
    return tuple(member.values[name] for member in evidence.members)


def _judge_values(
    spec: GuardSpec, name: str, values: Sequence[float], bounds: Bounds
) -> GuardResult:
    """Judge a run by the bounds of one, or the mean of several by the bounds of that."""
    context = f"; golden of {bounds.n} seeds"
    if len(values) == 1:
        return judge_interval(spec, name, values[0], (bounds.low, bounds.high), context)
    listed = ", ".join(map(number, values))
    context = f" in the mean of {len(values)} runs ({listed}){context}"
    mean = bands.find_mean(values, bounds.scale)
    judged = judge_interval(spec, name, mean, bounds.find_bounds(len(values)), context)
    return replace(judged, expected=f"{judged.expected} in the mean of {len(values)} runs")


def is_generated(evidence: Evidence) -> bool:
    """Say whether all data of a run are the project's own: no person gave others.

    Other numbers there are a change of what makes them, and a comparison that is missing is
    no matter of taste. Hubs of before this rule are judged as they were.
    """
    datasets = evidence.datasets.values()
    is_own = bool(datasets) and all(dataset.generated for dataset in datasets)
    return is_own and evidence.edition >= _GENERATED_SINCE


def _tell(value: float | Numbers) -> str:
    return f"{len(value.values)} values" if isinstance(value, Numbers) else number(value)


def _compare_class(
    bounds: Bounds | GoldenCurve, evidence: Evidence, wanted: GoldenOptions
) -> str:
    """Say that a golden is of another numeric class; nothing where it is of the same.

    Raises:
        EvidenceMissingError: It is, and the declaration does not let it judge.
    """
    run = evidence.environment
    # A record of before there were classes is judged as it was judged then.
    if not numeric_class.classes_of(run) or numeric_class.is_one_class(bounds.environment, run):
        return ""
    if wanted.machines == DEVICE:
        return " (golden of another numeric class)"
    difference = numeric_class.tell_difference(bounds.environment, run) or "it is unknown"
    raise EvidenceMissingError(
        f"golden of {wanted.metric}",
        found=f"a golden of another numeric class: {difference}",
        expected="one of this machine's class",
        remedy=f"Calibrate here, or declare machines = {DEVICE!r} for this guard.",
    )


def find(golden: Golden | None, metric: str, evidence: Evidence) -> Bounds:
    """Look a metric up for the environment and the datasets of the evidence.

    Raises:
        EvidenceMissingError: There is no golden for this comparison.
    """
    return _require(golden, metric).lookup(metric, *_place(evidence))


def find_curve(golden: Golden | None, metric: str, evidence: Evidence) -> GoldenCurve:
    """Look the band of a metric with many values up, as ``find`` does.

    Raises:
        EvidenceMissingError: There is no golden for this comparison.
    """
    return _require(golden, metric).find_curve(metric, *_place(evidence))


def _require(golden: Golden | None, metric: str) -> Golden:
    if golden is None:
        raise EvidenceMissingError(
            f"golden of {metric}",
            found="no golden for this suite",
            expected="calibrated reference statistics",
            remedy="Run harness golden calibrate, then harness golden update --reason.",
        )
    return golden


def _place(evidence: Evidence) -> tuple[dict[str, str], dict[str, str]]:
    digests = {role: record.sha256 for role, record in evidence.datasets.items()}
    return evidence.environment, digests
