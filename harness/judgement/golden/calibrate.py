"""Values of many seeds → a golden value, or the reason why there is none."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError, HarnessError
from harness.frozen import dataclass
from harness.judgement.golden import band, store, tolerance
from harness.judgement.golden.band import Ends
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.store import GoldenValue

RUNS = (1, 3, 5, 10)  # numbers of runs that it is told for what a golden notices
_SAME = 1e-9
_BY_CHANCE = 0.01
_BEYOND = {"low": "below", "high": "above"}


class CalibrationRefusedError(HarnessError):
    """Runs that no golden may be made of."""

    exit_code = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A metric that a guard compares with a golden, and how its interval is made.

    A metric that is not ``repeatable`` (time, memory) may differ between two runs of a seed,
    and is judged by factors on its mean, not by its band. ``ends`` are the least and the
    largest value that it can have, ``wide_because`` says why its band may be wide.
    """

    metric: str
    scale: str = "linear"
    sides: str = "two"
    coverage: float = store.COVERAGE
    confidence: float = store.CONFIDENCE
    repeatable: bool = True
    ends: Ends = (None, None)
    wide_because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run: its seed, its hub, and the value of each target."""

    seed: str
    hub: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the values of one calibration share."""

    environment: dict[str, str]
    datasets: dict[str, str]
    reason: str
    author: str
    date: str
    commit: str


def target(spec: GuardSpec, metric: str) -> Target:
    """Read from a guard's declaration how the interval of its metric is made."""
    choices = spec.options
    return Target(
        metric=metric,
        scale=choices.get("scale", store.SCALES[0]),
        sides=choices.get("sides", store.SIDES[0]),
        coverage=choices.get("coverage", store.COVERAGE),
        confidence=choices.get("confidence", store.CONFIDENCE),
        repeatable=spec.kind != "resource",
        ends=band.find_ends(choices),
        wide_because=choices.get("wide_because", ""),
    )


def disagreement(first: Sample, repeat: Sample, targets: Sequence[Target]) -> str:
    """Say which metric two runs of one seed differ in, or return an empty string."""
    for wanted in targets:
        one, two = first.values[wanted.metric], repeat.values[wanted.metric]
        # Not ==: the last bits of a sum may depend on how threads shared it.
        if wanted.repeatable and not math.isclose(one, two, rel_tol=_SAME):
            return f"{wanted.metric} is {one:.9g}, then {two:.9g}"
    return ""


def make(wanted: Target, samples: Sequence[Sample], provenance: Provenance) -> GoldenValue:
    """Make the golden value of a metric from runs with different seeds.

    Raises:
        EvidenceMissingError: Fewer than ``store.LEAST_SEEDS`` different seeds.
        CalibrationRefusedError: A value that is not finite or has no place on the scale,
            values without spread, or bounds that no value can leave.
    """
    seeds = tuple(sample.seed for sample in samples)
    require_seeds(wanted.metric, seeds)
    scaled = [
        scale(wanted.metric, sample.values[wanted.metric], sample.seed, wanted.scale)
        for sample in samples
    ]
    mean, spread = describe(wanted.metric, scaled, "use a bound guard instead")
    value = GoldenValue(
        metric=wanted.metric,
        mean=mean,
        sd=spread,
        n=len(scaled),
        scale=wanted.scale,
        sides=wanted.sides,
        coverage=wanted.coverage,
        confidence=wanted.confidence,
        low=None,
        high=None,
        environment=provenance.environment,
        datasets=provenance.datasets,
        hubs=tuple(sample.hub for sample in samples),
        seeds=seeds,
        reason=provenance.reason,
        author=provenance.author,
        date=provenance.date,
        commit=provenance.commit,
    )
    return _leave_idle_side_open(wanted, store.recompute_bounds(value))


def require_seeds(metric: str, seeds: Sequence[str]) -> None:
    """Refuse a golden of too few seeds, or of one that was run twice.

    Raises:
        EvidenceMissingError: Fewer than ``store.LEAST_SEEDS``, or one twice.
    """
    if len(set(seeds)) < store.LEAST_SEEDS or len(set(seeds)) != len(seeds):
        raise EvidenceMissingError(
            f"golden of {metric}",
            found=f"{len(set(seeds))} different seeds in {len(seeds)} runs",
            expected=f"at least {store.LEAST_SEEDS}, each once",
            remedy="Calibrate with more seeds.",
        )


def scale(metric: str, value: float, seed: str, name: str) -> float:
    """Put the value of one seed on the scale of a golden.

    Raises:
        CalibrationRefusedError: It is not finite, or has no place there.
    """
    if not math.isfinite(value):
        raise refuse(metric, f"{value} of seed {seed}", "repair the run first")
    if name == "log10" and value <= 0:
        actual = f"{value:.6g} of seed {seed} on a log scale"
        raise refuse(metric, actual, "use scale = linear")
    return store.scale(value, name)


def describe(metric: str, scaled: Sequence[float], advice: str) -> tuple[float, float]:
    """Return mean and standard deviation of the values of all seeds.

    Args:
        metric: What the values are of.
        scaled: On the scale of the golden.
        advice: What to do where they do not vary.

    Raises:
        CalibrationRefusedError: They do not vary.
    """
    first = scaled[0]
    # About a value and by the largest distance: squares of 1e200 and 1e-200 are no numbers.
    try:
        mean = first + math.fsum(value - first for value in scaled) / len(scaled)
    except OverflowError as error:
        raise refuse(metric, f"values up to {max(map(abs, scaled)):.3g}", advice) from error
    unit = max(abs(value - mean) for value in scaled) or 1.0
    squares = math.fsum(((value - mean) / unit) ** 2 for value in scaled)
    # n − 1: the tolerance factors belong to the unbiased variance.
    spread = unit * math.sqrt(squares / (len(scaled) - 1))
    if not math.isfinite(spread) or not math.isfinite(mean):
        raise refuse(metric, f"values up to {max(map(abs, scaled)):.3g}", advice)
    # A band without width would turn red at the last bit of the next machine.
    if spread <= _SAME * abs(mean) or spread == 0:
        raise refuse(metric, "no spread over the seeds", advice)
    return mean, spread


def find_outlier(scaled: Sequence[float]) -> tuple[int, float] | None:
    """Return which of normal values lies too far from the others, and how far [deviations].

    One sample in a hundred without such a value has one by chance.

    Source: Grubbs, Procedures for detecting outlying observations in samples, Technometrics
    11 (1969).
    """
    n = len(scaled)
    mean, spread = describe("", scaled, "")
    distances = [abs(value - mean) / spread for value in scaled]
    square = tolerance.f_quantile(1 - _BY_CHANCE / n, 1, n - 2)
    limit = (n - 1) / math.sqrt(n) * math.sqrt(square / (n - 2 + square))
    farthest = max(distances)
    return (distances.index(farthest), farthest) if farthest > limit else None


def refuse(metric: str, found: str, advice: str) -> CalibrationRefusedError:
    """Return the error that says why no golden of a metric is made."""
    return CalibrationRefusedError(
        f"golden of {metric}",
        found=found,
        expected="finite values that vary over the seeds",
        remedy=f"Either {advice}, or look at the run.",
    )


def _leave_idle_side_open(wanted: Target, value: GoldenValue) -> GoldenValue:
    """Open the side of a band that no value can leave; refuse a band without another one."""
    if not wanted.repeatable:
        return value
    idle = band.list_idle_sides((value.low, value.high), wanted.ends)
    if not idle:
        return value
    if value.sides == "two" and len(idle) == 1:
        # The factor of one side is smaller, so that the other bound comes nearer.
        rest = "low" if idle[0] == "high" else "high"
        return store.recompute_bounds(dataclasses.replace(value, sides=rest))
    bounds = ((value.low, wanted.ends[0]), (value.high, wanted.ends[1]))
    problems = [
        f"{bound:.4g} as the {side} bound, where no value is {where} {end:g}"
        for (side, where), (bound, end) in zip(_BEYOND.items(), bounds, strict=True)
        if side in idle and bound is not None and end is not None
    ]
    is_hopeless = all(band.is_hopeless(value, wanted.ends, side) for side in idle)
    more = "" if is_hopeless else "calibrate with more seeds, "
    raise CalibrationRefusedError(
        f"golden of {wanted.metric}",
        found=" and ".join(problems),
        expected="a bound that a value can leave",
        remedy=f'Either {more}use scale = "log10", bound the other side, or guard another '
        "number; harness golden audit lists such sides.",
    )


def is_wide(wanted: Target, value: GoldenValue) -> bool:
    """Say whether a band is wider than ``band.WIDEST`` and nobody wrote why."""
    is_judged = wanted.repeatable and not wanted.wide_because.strip()
    return is_judged and band.find_width(value, wanted.ends) > band.WIDEST


def find_noticed(value: GoldenValue, runs: int = 1) -> tuple[float | None, float | None]:
    """Return the smallest shift of the centre that is red in 99 of 100 verdicts.

    Towards each side: a difference, or a factor on a log scale; None on an open side. The mean
    of the runs is judged, taken on the scale of the golden.

    Args:
        value: The golden; its mean and deviation are taken for those of the clean runs.
        runs: How many runs a verdict stands on.
    """
    make_factor = tolerance.two_sided if value.sides == "two" else tolerance.one_sided
    factor = make_factor(value.n, value.coverage, value.confidence, runs)
    # To the bound, and beyond it as far as 99 of 100 means scatter.
    reach = (factor + tolerance.normal_quantile(0.99) / math.sqrt(runs)) * value.sd
    down, up = (-reach, reach) if value.scale == "linear" else (10.0**-reach, 10.0**reach)
    return None if value.sides == "high" else down, None if value.sides == "low" else up


def explain(value: GoldenValue) -> dict[str, float | None]:
    """Compute what the bounds promise.

    Returns:
        ``factor`` (k), ``false_red_rate`` expected of a clean run, and ``noticed_low`` and
        ``noticed_high``: how far the centre must move, towards each side, to be red in 99
        of 100 runs (a difference, or a factor on a log scale).
    """
    make_factor = tolerance.two_sided if value.sides == "two" else tolerance.one_sided
    factor = make_factor(value.n, value.coverage, value.confidence)
    down, up = find_noticed(value)
    return {
        "factor": factor,
        "false_red_rate": tolerance.false_red_rate(value.n, factor, two=value.sides == "two"),
        "noticed_low": down,
        "noticed_high": up,
    }


def suite_rate(values: Sequence[GoldenValue | GoldenCurve]) -> float:
    """Return how often a clean run would be red, at most, by all goldens of one comparison.

    The rates of the metrics are added up (Boole's inequality), for the data and the
    environment whose sum is largest.
    """
    rates: dict[str, float] = {}
    for value in values:
        if isinstance(value, GoldenCurve):
            rate: float | None = value.rate
        else:
            rate = explain(value)["false_red_rate"]
        name = store.file_name(value)
        rates[name] = rates.get(name, 0.0) + (rate or 0.0)
    return max(rates.values(), default=0.0)
