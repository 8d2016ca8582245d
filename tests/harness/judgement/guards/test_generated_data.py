"""Data that the project makes itself never pass by a note; data that a person gave may."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import registry
from harness.records import GuardResult
from tests.builders import fingerprints
from tests.builders.evidence import DATASETS, evidence, guard
from tests.harness.judgement.golden.test_store import golden

OTHER = dict.fromkeys(DATASETS, "f" * 64)


def judge(
    folder: Path, goldens: GoldenSet | None, *, generated: bool, edition: int = 3
) -> GuardResult:
    """Judge x:a, well inside its golden, where a missing golden is declared a note."""
    run = evidence(folder, {"x.json": {"a": 1e-3}})
    data = tuple(dataclasses.replace(d, generated=generated) for d in run._facts.datasets)
    run._facts = dataclasses.replace(run._facts, datasets=data, edition=edition)
    spec = guard("golden", metric="x:a", scale="log10", missing="note")
    return registry.judge([spec], run, goldens)[0]


@pytest.mark.parametrize(
    ("changes", "generated", "counts"),
    [
        ({"datasets": OTHER}, True, True),  # what makes the data has changed
        ({"datasets": OTHER}, False, False),  # a person asked for something else
        ({"metric": "x:b"}, True, True),  # the golden of this metric was taken out
        ({"metric": "x:b"}, False, False),
        ({"environment": {"device": "cuda"}}, True, False),  # a declared fallback
    ],
)
def test_note_is_for_data_that_a_person_gave(
    tmp_path: Path,
    changes: dict[str, Any],
    generated: bool,  # noqa: FBT001
    counts: bool,  # noqa: FBT001
) -> None:
    """Of generated data without a golden the comparison stays open, and so does the run."""
    judged = judge(tmp_path, GoldenSet(values=(golden(**changes),)), generated=generated)

    assert (judged.verdict, judged.severity) == ("inconclusive", "fail" if counts else "warn")


def test_suite_that_was_never_calibrated_is_declared_so(tmp_path: Path) -> None:
    """It has no golden at all: nothing was there that could have gone."""
    judged = judge(tmp_path, None, generated=True)

    assert (judged.verdict, judged.severity) == ("inconclusive", "warn")


def test_hubs_of_before_are_judged_as_they_were(tmp_path: Path) -> None:
    """The rule has an edition, which a hub records."""
    others = GoldenSet(values=(golden(datasets=OTHER),))

    assert judge(tmp_path, others, generated=True, edition=2).severity == "warn"


@pytest.mark.parametrize(("generated", "severity"), [(True, "fail"), (False, "warn")])
def test_ensembles_know_no_other_data_either(
    tmp_path: Path,
    generated: bool,  # noqa: FBT001
    severity: str,
) -> None:
    """A fingerprint of other generated data is no reference, whatever is declared."""
    stored = fingerprints.store_ensemble(tmp_path / "golden", datasets=OTHER)
    run = fingerprints.take_run(tmp_path / "run", fingerprints.values())
    data = tuple(dataclasses.replace(d, generated=generated) for d in run._facts.datasets)
    run._facts = dataclasses.replace(run._facts, datasets=data)
    options = {"numbers": list(fingerprints.EXPRESSIONS), "parameter": "perturb"}

    judged, *_ = registry.judge([guard("fingerprint", **options, missing="note")], run, stored)

    assert (judged.verdict, judged.severity) == ("inconclusive", severity)


@pytest.mark.parametrize(
    ("value", "verdict"), [(1e-3, "green"), (0.5000001, "green"), (0.51, "red"), (-1e-4, "red")]
)
@pytest.mark.parametrize("sides", ["two", "low"])
def test_value_beyond_its_range_is_red_with_any_golden(
    tmp_path: Path, value: float, verdict: str, sides: str
) -> None:
    """Calibration leaves a side open that no sound value can pass: what passes it is not."""
    run = evidence(tmp_path, {"x.json": {"a": value}})
    spec = guard("golden", metric="x:a", missing="note", range=[0.0, 0.5])
    bounds = golden(sides=sides)

    judged = registry.judge([spec], run, GoldenSet(values=(bounds,)))[0]
    without = registry.judge([spec], run, None)[0]

    is_above = bounds.high is not None and value > bounds.high
    assert judged.verdict == ("red" if is_above else verdict)
    assert without.verdict == ("inconclusive" if verdict == "green" else "red")
