"""What is easily one off: lines of a log, which keys name metrics, what older rules judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config import keys
from harness.judgement.guards import defaults, patterns, registry
from harness.records import ArtifactRecord
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
CUT = "head NaN\n[harness: log cut here: about 9,000 bytes left out]\ntail done\n"


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("a", 1), ("a\n", 1), ("\n", 1), ("a\nb", 2), ("a\nb\n", 2)]
)
def test_lines_of_a_log_are_counted(text: str, count: int) -> None:
    """A line counts whether or not it ends, and nothing is no line."""
    assert patterns.Log("x", text).count == count


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({"must_not": ["NaN"]}, RED),
        ({"must_not": ["done"]}, RED),
        ({"must_not": ["Inf"]}, OPEN),
        ({"must": ["NaN", "done"]}, GREEN),
        ({"must": ["Inf"]}, OPEN),
        ({"value": "(done)"}, OPEN),
    ],
)
def test_what_was_seen_decides_in_a_cut_log(
    tmp_path: Path, options: dict[str, object], verdict: Verdict
) -> None:
    """A forbidden word that is there is red, though a part is missing; absence stays open."""
    spec = guard("log", stage="s", **options)

    judged, *_ = registry.judge([spec], evidence(tmp_path, logs={"s": CUT}), None)

    assert judged.verdict is verdict


def test_keys_that_name_metrics_are_known() -> None:
    """What a rename of a metric has to follow: each path expression of each kind."""
    named = {
        (kind, one.name)
        for kind, built_in in registry.built_in().items()
        for one in keys.keys_of(built_in.options)
        if one.about.is_metric
    }

    assert named == {
        ("bound", "metric"),
        ("golden", "metric"),
        ("ratio", "numerator"),
        ("ratio", "denominator"),
        ("equal", "left"),
        ("equal", "right"),
        ("log", "equals"),
        ("count", "records"),
        ("fingerprint", "numbers"),
    }


def test_golden_has_two_sides_unless_told() -> None:
    """A guard that says nothing of sides is bounded on both."""
    sides = keys.find_key(registry.built_in()["golden"].options, "sides")

    assert sides.default == "two"


@pytest.mark.parametrize(
    ("name", "editions"),
    [
        ("x.json", {1, 2}),
        ("x.csv", {1, 2}),
        ("x.yaml", {2}),
        ("x.jsonl", {2}),
        ("x.txt", set()),
    ],
)
def test_older_rules_judge_what_they_judged(name: str, editions: set[int]) -> None:
    """Evidence of the first edition is not judged by formats that only the second knows."""
    record = ArtifactRecord(
        id="x",
        stage="s",
        path=f"analysis/{name}",
        sha256="0" * 64,
        size=9,
        external=False,
        fresh=True,
    )

    assert {edition for edition in (1, 2) if defaults._is_judged(record, edition)} == editions
