"""A comparison that the data cannot give: what informs, and what still decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE


def verdict_of(spec: Any, run: Any) -> GuardResult:
    """Check and judge one guard."""
    registry.check([spec])
    return registry.judge([spec], run, None)[0]


@pytest.mark.parametrize(
    ("content", "verdict", "severity"),
    [
        ({"other": 1.0}, OPEN, "warn"),
        ({"a": {"b": 2.0}}, GREEN, "fail"),
        ({"a": {"b": 0.5}}, RED, "fail"),
        ({"a": {"b": None}}, OPEN, "fail"),
    ],
)
def test_a_comparison_that_was_not_made_informs(
    tmp_path: Path, content: dict[str, Any], verdict: Verdict, severity: str
) -> None:
    """Only a metric that the artifact does not have is a note; one without value decides."""
    spec = guard("bound", metric="x:a.b", min=1.0, missing="note")

    result = verdict_of(spec, evidence(tmp_path, {"x.json": content}))

    assert (result.verdict, result.severity) == (verdict, severity)


def test_a_missing_artifact_is_no_note(tmp_path: Path) -> None:
    """Without the artifact, and without the option, a missing metric decides."""
    run = evidence(tmp_path, {"x.json": {"other": 1.0}})
    elsewhere = guard("bound", metric="y:a", min=1.0, missing="note")
    strict = guard("bound", metric="x:a", min=1.0)

    for spec in (elsewhere, strict):
        result = verdict_of(spec, run)
        assert (result.verdict, result.severity) == (OPEN, "fail")
