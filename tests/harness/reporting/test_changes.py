"""Comparisons of two runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.reporting import changes
from harness.verdict import Verdict
from tests.builders import goldens, reports


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

    moves = {(m.name, m.before, m.after) for m in changes.compare(before, after).metrics}

    assert moves == {("old", 1.0, None), ("new", None, 1.0)}


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

    (change,) = changes.compare(before, after).guards

    assert (change.before, change.after) == ("green", "red")


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


def test_broken_metric_comes_before_a_larger_movement() -> None:
    """A metric whose guard turned red is ranked first, however little it moved."""
    names = {"loss": "out:loss", "jitter": "out:jitter"}
    before = reports.record(
        metrics={"out:loss": 1.0, "out:jitter": 1.0},
        guards=tuple(reports.guard(k, metric=v) for k, v in names.items()),
    )
    after = reports.record(
        metrics={"out:loss": 1.3, "out:jitter": 900.0},
        guards=(
            reports.guard("loss", Verdict.RED, metric="out:loss"),
            reports.guard("jitter", metric="out:jitter"),
        ),
    )

    assert [m.name for m in changes.compare(before, after).metrics] == [
        "out:loss",
        "out:jitter",
    ]


@pytest.mark.parametrize(
    ("scale", "mean", "sd", "old", "new", "z", "shift"),
    [
        ("linear", 2.0, 0.5, 2.5, 4.0, 4.0, 3.0),
        ("log10", -3.0, 0.25, 1e-3, 1e-5, -8.0, -8.0),
    ],
)
def test_golden_turns_a_movement_into_deviations(
    scale: str, mean: float, sd: float, old: float, new: float, z: float, shift: float
) -> None:
    """The z is (value − mean) / sd on the golden's own scale, and ranks before a mere ratio."""
    before = reports.record(metrics={"m": old, "other": 1.0})
    after = reports.record(metrics={"m": new, "other": 1.2})
    sets = goldens.golden_set(after, "m", scale=scale, mean=mean, sd=sd)

    first = changes.compare(before, after, golden=sets).metrics[0]

    assert (first.name, first.z, first.shift) == ("m", pytest.approx(z), pytest.approx(shift))


def test_golden_of_other_data_gives_no_deviation() -> None:
    """A golden of other bytes says nothing about this run."""
    record = reports.record(metrics={"m": 1.0})
    other = replace(record.datasets[0], sha256="77" * 32)
    sets = goldens.golden_set(replace(record, datasets=(other,)), "m")

    compared = changes.compare(record, reports.record(metrics={"m": 2.0}), golden=sets)

    assert compared.metrics[0].z is None


def test_run_is_compared_with_the_centre_of_its_golden() -> None:
    """Against the golden, only metrics that have one are told."""
    record = reports.record(metrics={"m": 3.0, "other": 1.0})
    sets = goldens.golden_set(record, "m", mean=2.0, sd=0.5)

    (move,) = changes.against_golden(sets, record).metrics

    assert (move.name, move.before, move.after, move.z) == ("m", 2.0, 3.0, 2.0)


WAS_IS: list[tuple[float, float, float | None]] = [
    (1.0, 2.0, 2.0),
    (-1.0, -2.0, 2.0),
    (-1.0, 2.0, None),
    (1.0, -2.0, None),
    (0.0, 2.0, None),
    (2.0, 0.0, None),
    (float("inf"), 2.0, None),
    (2.0, float("inf"), None),
    (1e-300, 1e300, None),  # no float holds it
]


@pytest.mark.parametrize(("old", "new", "ratio"), WAS_IS)
def test_a_ratio_is_of_two_finite_numbers_of_one_sign(
    old: float, new: float, ratio: float | None
) -> None:
    """Anything else has none, and is a movement all the same."""
    before, after = reports.record(metrics={"m": old}), reports.record(metrics={"m": new})
    (move,) = changes.compare(before, after).metrics
    assert (move.before, move.after, move.ratio) == (old, new, ratio)


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_a_number_without_a_place_on_the_scale_has_no_deviation(value: float) -> None:
    """No logarithm, no z; nor a z that is not finite."""
    before, after = reports.record(metrics={"m": 1.0}), reports.record(metrics={"m": value})
    sets = goldens.golden_set(after, "m", scale="log10", mean=0.0, sd=1.0)
    (move,) = changes.compare(before, after, golden=sets).metrics
    assert (move.z, move.shift) == (None, None)


GREEN, OPEN, RED = Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED
TURNS = [(GREEN, RED, True), (OPEN, RED, True), (RED, RED, False), (GREEN, OPEN, False)]


@pytest.mark.parametrize(("was", "now", "is_broken"), TURNS)
def test_a_metric_is_broken_by_this_change_alone(
    was: Verdict, now: Verdict, *, is_broken: bool
) -> None:
    """Its guard is red now, and was not before."""
    records = [
        reports.record(metrics={"m": value}, guards=(reports.guard("g", verdict, metric="m"),))
        for value, verdict in ((1.0, was), (2.0, now))
    ]
    (move,) = changes.compare(*records).metrics
    assert move.is_broken is is_broken


def test_metrics_that_did_not_move_are_those_of_both_runs() -> None:
    """What is in one run alone is counted among neither."""
    before = reports.record(metrics={"same": 1.0, "moved": 1.0, "gone": 1.0, "also": 0.0})
    after = reports.record(metrics={"same": 1.0, "moved": 2.0, "new": 1.0, "also": 0.0})
    compared = changes.compare(before, after)
    assert compared.metrics_same == 2
    assert {move.name for move in compared.metrics} == {"moved", "gone", "new"}


def test_each_part_of_the_source_is_compared() -> None:
    """Commit, uncommitted changes, declaration and golden."""
    before = reports.record()
    stamp = replace(before.stamp, commit="0" * 40, diff_sha256="1" * 64)
    after = replace(before, stamp=stamp, config_sha256="2" * 64, golden_sha256="3" * 64)
    differs = {d.name: (d.before, d.after) for d in changes.compare(before, after).source}
    assert differs == {
        "commit": (before.stamp.commit, "0" * 40),
        "uncommitted changes": ("none", "1" * 64),
        "declaration": (before.config_sha256, "2" * 64),
        "golden": ("none", "3" * 64),
    }
