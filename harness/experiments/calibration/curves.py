"""Runs with different seeds → the bands of the curves that a suite's guards hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.config.project import GuardSpec, Project, SuiteSpec
from harness.evidence.hub.evidence import HubEvidence
from harness.experiments.calibration.runs import PARAMETER, Runs
from harness.judgement.golden import curve_calibration
from harness.judgement.golden.calibrate import CalibrationRefusedError, Provenance
from harness.judgement.golden.curve import GoldenCurve
from harness.judgement.golden.curve_calibration import Curve, CurveSample, CurveTarget
from harness.judgement.guards import curves, metrics
from harness.judgement.guards.aggregates import ALL


def is_curve(spec: GuardSpec) -> bool:
    """Say whether a guard holds a metric with many values in a band."""
    return spec.kind == "golden" and spec.options.get("aggregate") == ALL


def targets(suite: SuiteSpec) -> tuple[CurveTarget, ...]:
    """Return the curves that the guards of a suite compare with goldens, each once."""
    by_name: dict[str, CurveTarget] = {}
    for spec in filter(is_curve, suite.guards):
        name = metrics.key(spec.options)
        by_name.setdefault(name, curve_calibration.target(spec, name))
    return tuple(by_name.values())


def propose(
    project: Project,
    suite: SuiteSpec,
    runs: Runs,
    provenance: Provenance,
    parameters: Mapping[str, str],
) -> tuple[GoldenCurve, ...]:
    """Make the bands of proved runs.

    Args:
        project: The project.
        suite: Its suite.
        runs: The runs, and the first one again.
        provenance: What they share.
        parameters: And their parameters.

    Raises:
        EvidenceMissingError: A run lacks a curve, or there are too few seeds.
        CalibrationRefusedError: A repeat that disagrees, or values that cannot be used.
    """
    wanted = targets(suite)
    if not wanted:
        return ()
    samples = [_sample(project, suite, seed, hub) for seed, hub in runs.hubs]
    if runs.repeat is not None:
        _require_repeat(samples[0], _sample(project, suite, *runs.repeat), wanted)
    shared = {name: value for name, value in parameters.items() if name != PARAMETER}
    return tuple(curve_calibration.make(one, samples, provenance, shared) for one in wanted)


def _require_repeat(
    first: CurveSample, repeat: CurveSample, wanted: Sequence[CurveTarget]
) -> None:
    if problem := curve_calibration.disagreement(first, repeat, wanted):
        raise CalibrationRefusedError(
            f"seed {repeat.seed} run twice",
            found=problem,
            expected="the same values twice",
            remedy="Look at that run; without its folder, calibrating again makes it anew.",
        )


def _sample(project: Project, suite: SuiteSpec, seed: str, hub: str) -> CurveSample:
    evidence = HubEvidence(project.root / hub, project=project.root)
    taken = {}
    for spec in filter(is_curve, suite.guards):
        run = curves.take(evidence, spec.options)
        taken[metrics.key(spec.options)] = Curve(names=run.names, values=run.values)
    return CurveSample(seed=seed, hub=hub, curves=taken)
