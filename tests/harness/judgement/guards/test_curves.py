"""Kind ``golden`` with ``aggregate = "all"``: curves and arrays of a run against their band."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import ConfigError
from harness.judgement.golden import curve_calibration
from harness.judgement.golden.curve_calibration import Curve, CurveSample, CurveTarget
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import curves, metrics, registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders import curves as built
from tests.builders.evidence import evidence, guard

PATH = "history:[*].loss"
CENTRE = [5.0, 4.0, 3.0, 2.0]


def rows_of(runs: int, seed: int = 1) -> np.ndarray:
    return CENTRE + 0.1 * np.random.default_rng(seed).standard_normal((runs, 4))


def history(values: list[float]) -> list[dict[str, float]]:
    return [{"loss": value} for value in values]


def calibrated(folder: Path, runs: int = 16, **options: Any) -> GoldenSet:
    """Calibrate from runs that are read as a guard reads them."""
    spec = guard("golden", metric=PATH, aggregate="all", **options)
    samples = []
    for index, row in enumerate(rows_of(runs)):
        place = folder / f"seed-{index}"
        place.mkdir()
        taken = curves.take(
            evidence(place, {"history.json": history(row.tolist())}), spec.options
        )
        curve = Curve(names=taken.names, values=taken.values)
        samples.append(
            CurveSample(seed=str(index), hub="h", curves={metrics.key(spec.options): curve})
        )
    target = curve_calibration.target(spec, metrics.key(spec.options))
    made = curve_calibration.make(target, samples, built.PROVENANCE, built.PARAMETERS)
    return GoldenSet(curves=(made,))


def judge(
    folder: Path, values: list[float], golden: GoldenSet | None, **options: Any
) -> GuardResult:
    folder.mkdir(exist_ok=True)
    run = evidence(folder, {"history.json": history(values)})
    spec = guard("golden", metric=PATH, aggregate="all", **options)
    return registry.judge([spec], run, golden)[0]


def test_a_clean_curve_is_green(tmp_path: Path) -> None:
    """The means of the seeds lie in the middle of their band."""
    golden = calibrated(tmp_path)

    judged = judge(tmp_path / "run", list(golden.curves[0].centre), golden)

    assert judged.verdict is Verdict.GREEN
    assert judged.value == pytest.approx(0, abs=1e-12)
    assert (judged.high, judged.metric) == (1.0, f"all({PATH})")


@pytest.mark.parametrize(("part", "verdict"), [(0.999, Verdict.GREEN), (1.001, Verdict.RED)])
def test_the_edge_decides(tmp_path: Path, part: float, verdict: Verdict) -> None:
    """Red begins where one value passes its edge; the reason says where, and how far."""
    golden = calibrated(tmp_path)
    (band,) = golden.curves
    values = list(band.centre)
    values[2] += part * band.factor * band.sd[2]

    judged = judge(tmp_path / "run", values, golden)

    assert judged.verdict is verdict
    assert judged.value == pytest.approx(part)
    if verdict is Verdict.RED:
        assert f"all({PATH})#2 is" in judged.reason
        assert "1 of 4 values" in judged.reason


@pytest.mark.parametrize(
    "values", [CENTRE[:3], [*CENTRE, 1.0], [5.0, float("nan"), 3.0, 2.0], [5.0, 4.0, 3.0]]
)
def test_another_curve_is_red(tmp_path: Path, values: list[float]) -> None:
    """A value less, a value more and one that is no number are red."""
    judged = judge(tmp_path / "run", values, calibrated(tmp_path))

    assert judged.verdict is Verdict.RED


@pytest.mark.parametrize(("epochs", "verdict"), [("4", "red"), ("3", "inconclusive")])
def test_who_asks_for_less_gets_less(tmp_path: Path, epochs: str, verdict: str) -> None:
    """A shorter curve is no defect where the parameters say so, and one where they do not."""
    golden = calibrated(tmp_path)
    run = evidence(tmp_path, {"history.json": history(CENTRE[:3])}, epochs=epochs)
    spec = guard("golden", metric=PATH, aggregate="all")

    judged = registry.judge([spec], run, golden)[0]

    assert judged.verdict == verdict


@pytest.mark.parametrize(("missing", "severity"), [("inconclusive", "fail"), ("note", "warn")])
def test_without_a_band_nothing_is_compared(
    tmp_path: Path, missing: str, severity: str
) -> None:
    """A curve without a golden is inconclusive, or only noted where that is declared."""
    judged = judge(tmp_path / "run", CENTRE, GoldenSet(), missing=missing)

    assert (judged.verdict, judged.severity) == (Verdict.INCONCLUSIVE, severity)


def test_too_few_runs_for_components(tmp_path: Path) -> None:
    """Sixteen seeds are enough for two components, and not for three."""
    golden = calibrated(tmp_path, components=2)

    two = judge(tmp_path / "run", CENTRE, golden, components=2)
    three = judge(tmp_path / "run", CENTRE, golden, components=3)

    assert two.verdict is Verdict.GREEN
    assert three.verdict is Verdict.INCONCLUSIVE
    assert "at least 8 for each" in three.reason


def test_values_go_astray_together(tmp_path: Path) -> None:
    """Along a component a run may be red whose single values are all in their band."""
    golden = calibrated(tmp_path, components=1)
    (band,) = golden.curves
    direction = np.array(band.components[0].loading) * np.array(band.sd)
    room = abs(np.array(band.components[0].loading)).max()
    values = np.array(band.centre) + 0.98 * band.factor / room * direction

    judged = judge(tmp_path / "run", values.tolist(), golden, components=1)

    assert judged.verdict is Verdict.RED
    assert "together" in judged.reason


def test_arrays_count_value_by_value(tmp_path: Path) -> None:
    """Of an array below a path every value counts, each at its own place."""
    buffer = io.BytesIO()
    np.savez(buffer, phase=np.arange(6.0).reshape(2, 3))
    run = evidence(tmp_path, {"map.npz": buffer.getvalue()})

    taken = curves.take(run, {"metric": "map:phase.values", "aggregate": "all"})

    assert taken.values == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert len(set(taken.names)) == 6
    assert all(not name.startswith("map") for name in taken.names)


@pytest.mark.parametrize(
    "options",
    [
        {"aggregate": "max", "components": 1},
        {"aggregate": "all", "components": 1, "sides": "low"},
        {"aggregate": "all", "range": [0.0, 1.0]},
        {"aggregate": "all", "components": -1},
        {"aggregate": "every"},
    ],
)
def test_a_senseless_declaration_is_refused(options: dict[str, Any]) -> None:
    """Components are of curves with both sides, a range is of single numbers."""
    with pytest.raises(ConfigError):
        registry.check([guard("golden", metric=PATH, **options)])


def test_other_kinds_want_one_number() -> None:
    """A bound guard judges one number and refuses to keep all."""
    with pytest.raises(ConfigError):
        registry.check([guard("bound", metric=PATH, aggregate="all", max=1.0)])


def test_targets_read_their_declaration() -> None:
    """What a guard declares is what the band is made by."""
    spec = guard("golden", metric=PATH, aggregate="all", scale="log10", components=2)

    made = curve_calibration.target(spec, "x")

    assert made == CurveTarget(metric="x", scale="log10", components=2)
