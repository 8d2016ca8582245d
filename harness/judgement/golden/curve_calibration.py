"""Curves of many seeds → the golden of a curve, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness import files
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.golden import (
    calibrate,
    components,
    curve,
    curve_statistics,
    store,
)
from harness.judgement.golden.calibrate import Provenance
from harness.judgement.golden.curve import Component, GoldenCurve

_SAME = 1e-9
MOST_VALUES = 10_000  # of a curve: the file is for people to review


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveTarget:
    """A metric with many values that a guard holds in a band, and how the band is made."""

    metric: str
    scale: str = "linear"
    sides: str = "two"
    coverage: float = store.COVERAGE
    confidence: float = store.CONFIDENCE
    components: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The values of a metric in one run, each with its name."""

    names: tuple[str, ...]
    values: tuple[float, ...]

    @property
    def names_sha256(self) -> str:
        """Digest of the names: what is compared with what."""
        return files.sha256_bytes("\n".join(self.names).encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSample:
    """One run: its seed, its hub, and its curve of each target."""

    seed: str
    hub: str
    curves: Mapping[str, Curve]


def target(spec: GuardSpec, metric: str) -> CurveTarget:
    """Read from a guard's declaration how the band of its metric is made."""
    choices = spec.options
    return CurveTarget(
        metric=metric,
        scale=choices.get("scale", curve.SCALES[0]),
        sides=choices.get("sides", curve.SIDES[0]),
        coverage=choices.get("coverage", store.COVERAGE),
        confidence=choices.get("confidence", store.CONFIDENCE),
        components=choices.get("components", 0),
    )


def disagreement(
    first: CurveSample, repeat: CurveSample, targets: Sequence[CurveTarget]
) -> str:
    """Say which value two runs of one seed differ in, or return an empty string."""
    for wanted in targets:
        one, two = first.curves[wanted.metric], repeat.curves[wanted.metric]
        if one.names != two.names:
            return f"{wanted.metric} has {len(one.names)} values, then {len(two.names)}"
        for name, a, b in zip(one.names, one.values, two.values, strict=True):
            if not math.isclose(a, b, rel_tol=_SAME):
                return f"{name} is {a:.9g}, then {b:.9g}"
    return ""


def make(
    wanted: CurveTarget,
    samples: Sequence[CurveSample],
    provenance: Provenance,
    parameters: Mapping[str, str],
) -> GoldenCurve:
    """Make the golden of a curve from runs with different seeds.

    Args:
        wanted: The metric, and how its band is made.
        samples: The runs.
        provenance: What they share.
        parameters: And their parameters, without the seed.

    Components are left out where there are fewer than ``components.RUNS_FOR_EACH`` runs for
    each: the guard that asks for them is then inconclusive, the band holds all the same.

    Raises:
        EvidenceMissingError: Fewer than ``store.LEAST_SEEDS`` different seeds.
        CalibrationRefusedError: Runs with other values, one that is not finite or has no place
            on the scale, or a value without spread.
    """
    seeds = tuple(sample.seed for sample in samples)
    calibrate.require_seeds(wanted.metric, seeds)
    first = samples[0].curves[wanted.metric]
    rows = [_scale_row(wanted, sample, first) for sample in samples]
    centre, sd = _describe(wanted, first, rows)
    made = _find_components(wanted, rows, centre, sd)
    farthest = curve_statistics.list_farthest(rows, wanted.sides)
    independent, factor = curve_statistics.find_width(
        farthest,
        len(centre),
        curve_statistics.share_coverage(wanted.coverage, len(made)),
        wanted.confidence,
        wanted.sides,
    )
    golden = GoldenCurve(
        metric=wanted.metric,
        names_sha256=first.names_sha256,
        centre=centre,
        sd=sd,
        n=len(rows),
        scale=wanted.scale,
        sides=wanted.sides,
        coverage=wanted.coverage,
        confidence=wanted.confidence,
        farthest=farthest,
        independent=independent,
        factor=factor,
        low=None,
        high=None,
        components=made,
        parameters=dict(parameters),
        environment=provenance.environment,
        datasets=provenance.datasets,
        hubs=tuple(sample.hub for sample in samples),
        seeds=seeds,
        reason=provenance.reason,
        author=provenance.author,
        date=provenance.date,
        commit=provenance.commit,
    )
    low, high = curve.bounds(golden)
    return replace(golden, low=low, high=high)


def _scale_row(wanted: CurveTarget, sample: CurveSample, first: Curve) -> tuple[float, ...]:
    own = sample.curves[wanted.metric]
    if own.names != first.names:
        actual = (
            f"{len(own.names)} values of seed {sample.seed}, not the same {len(first.names)}"
        )
        raise calibrate.refuse(
            wanted.metric, actual, "make the program write the same values each time"
        )
    if len(own.names) > MOST_VALUES:
        actual = f"{len(own.names):,} values"
        raise calibrate.refuse(wanted.metric, actual, f"name at most {MOST_VALUES:,} of them")
    return tuple(
        calibrate.scale(name, value, sample.seed, wanted.scale)
        for name, value in zip(own.names, own.values, strict=True)
    )


def _describe(
    wanted: CurveTarget, first: Curve, rows: Sequence[Sequence[float]]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return centre and deviation of each value."""
    advice = f"name the others alone in {wanted.metric}, and bound this one"
    columns = zip(*rows, strict=True)
    pairs = [
        calibrate.describe(name, column, advice)
        for name, column in zip(first.names, columns, strict=True)
    ]
    return tuple(mean for mean, _ in pairs), tuple(spread for _, spread in pairs)


def _find_components(
    wanted: CurveTarget,
    rows: Sequence[Sequence[float]],
    centre: Sequence[float],
    sd: Sequence[float],
) -> tuple[Component, ...]:
    if not wanted.components or len(rows) < wanted.components * components.RUNS_FOR_EACH:
        return ()
    scored = [
        [(value - c) / s for value, c, s in zip(row, centre, sd, strict=True)] for row in rows
    ]
    return components.find_components(scored, wanted.components)
