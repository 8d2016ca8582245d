"""Comparisons of two runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report import changes
from harness.verdict import Verdict
from tests.builders import reports


def test_largest_movement_comes_first() -> None:
    """Metrics are ranked by their ratio, whichever way they moved."""
    before = reports.record(metrics={"a": 1.0, "b": 1.0, "c": 1.0, "d": 7.0})
    after = reports.record(metrics={"a": 2.0, "b": 1e-6, "c": 1e3, "d": 7.0})

    compared = changes.compare(before, after)

    assert [m.name for m in compared.metrics] == ["b", "c", "a"]
    assert compared.metrics[1].ratio == 1e3
    assert compared.metrics_same == 1


@pytest.mark.parametrize(("old", "new"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0)])
def test_no_ratio_is_more_than_any_ratio(old: float, new: float) -> None:
    """A change through zero has no ratio and is ranked first."""
    before = reports.record(metrics={"huge": 1.0, "sign": old})
    after = reports.record(metrics={"huge": 1e30, "sign": new})

    first = changes.compare(before, after).metrics[0]

    assert (first.name, first.ratio) == ("sign", None)


def test_metric_of_one_run_is_told() -> None:
    """A metric that appeared or vanished is a movement."""
    before, after = reports.record(metrics={"old": 1.0}), reports.record(metrics={"new": 1.0})

    found = {(m.name, m.before, m.after) for m in changes.compare(before, after).metrics}

    assert found == {("old", 1.0, None), ("new", None, 1.0)}


def test_other_data_are_not_comparable() -> None:
    """Runs on other bytes of a dataset are marked, whatever its name."""
    before = reports.record()
    other = replace(before.datasets[0], sha256="99" * 32)

    compared = changes.compare(before, replace(before, datasets=(other,)))

    assert not compared.is_comparable
    assert [d.name for d in compared.datasets] == ["train"]


def test_same_run_differs_in_nothing() -> None:
    """A run compared with itself shows no difference in any section."""
    record = reports.record()

    compared = changes.compare(record, record, ({"a": "1"}, {"a": "1"}))

    assert compared.is_comparable
    assert not any((compared.metrics, compared.guards, compared.source, compared.files))


def test_verdict_of_a_guard_is_a_change() -> None:
    """A guard with another verdict is told with both verdicts."""
    before = reports.record(guards=(reports.guard("x"),))
    after = reports.record(guards=(reports.guard("x", Verdict.RED),))

    (told,) = changes.compare(before, after).guards

    assert (told.before, told.after) == ("green", "red")


@pytest.mark.parametrize(
    "content", ["", "[]", '{"inputs": 3}', "{" * 5000, '{"schema": 1}', "[" * 100_000]
)
def test_damaged_plan_gives_no_inputs(tmp_path: Path, content: str) -> None:
    """What is no plan names no input, and is no failure of a comparison."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text(content)

    assert changes.inputs_of(tmp_path) is None


def test_inputs_are_read_from_the_plan(tmp_path: Path) -> None:
    """Paths and digests of the frozen plan are what is compared."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text(json.dumps({"inputs": {"m.py": "ab"}}))

    assert changes.inputs_of(tmp_path) == {"m.py": "ab"}
