"""A golden of another numeric class judges only where that is declared, and is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import ENVIRONMENT, evidence, guard
from tests.harness.judgement.golden.test_store import golden

HERE = {"numeric_class": "aaaa", "numeric.isa": "AVX512"}
ELSEWHERE = {"numeric_class": "bbbb", "numeric.isa": "AVX2"}


def judge(tmp_path: Path, run: dict[str, str], made: Any, **options: Any) -> GuardResult:
    """Judge a run of an environment by a golden of another."""
    facts = evidence(tmp_path, {"x.json": {"a": 1e-3}})
    facts._facts = replace(facts._facts, environment=ENVIRONMENT | run)
    values = tuple(golden(environment=ENVIRONMENT | one) for one in made)
    spec = guard("golden", metric="x:a", scale="log10", **options)
    registry.check([spec])
    return registry.judge([spec], facts, GoldenSet(values=values))[0]


@pytest.mark.parametrize(
    ("run", "made", "expected"),
    [
        (HERE, [HERE], Verdict.GREEN),
        (HERE, [ELSEWHERE], Verdict.INCONCLUSIVE),
        (HERE, [ELSEWHERE, HERE], Verdict.GREEN),
        (HERE, [{}], Verdict.INCONCLUSIVE),  # a golden of before there were classes
        ({}, [HERE], Verdict.GREEN),  # a run of before is judged as it was judged then
        ({"numeric_class": "unknown"}, [{"numeric_class": "unknown"}], Verdict.INCONCLUSIVE),
    ],
)
def test_another_class_is_no_reference(
    tmp_path: Path, run: dict[str, str], made: list[dict[str, str]], expected: Verdict
) -> None:
    """Equal numbers of two machines are not compared in silence."""
    judged = judge(tmp_path, run, made)

    assert judged.verdict is expected
    assert ("numeric class" in judged.reason) is (expected is not Verdict.GREEN)


def test_the_message_names_what_differs(tmp_path: Path) -> None:
    """Who reads it need not look the two classes up."""
    judged = judge(tmp_path, HERE, [ELSEWHERE])

    assert "isa AVX2 → AVX512" in judged.reason


def test_a_declared_fallback_is_said(tmp_path: Path) -> None:
    """Where a metric spreads more over seeds than machines, the result says whose it was."""
    judged = judge(tmp_path, HERE, [ELSEWHERE], machines="device class")
    own = judge(tmp_path, HERE, [HERE], machines="device class")

    assert judged.verdict is Verdict.GREEN
    assert "another numeric class" in judged.expected
    assert "another" not in own.expected
