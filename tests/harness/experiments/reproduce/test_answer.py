"""The class of a second answer: what differs, by how much, and which of it is the worst."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.experiments.reproduce import answer
from harness.experiments.reproduce.answer import Run
from harness.records import GuardResult, HubRecord
from harness.verdict import AnswerClass, Verdict
from tests.builders import reports
from tests.builders.sealed import Store

SAME, ROUNDING = AnswerClass.IDENTICAL, AnswerClass.ROUNDING
STATISTICAL, CHANGED = AnswerClass.STATISTICAL, AnswerClass.CHANGED
GOLDEN = reports.guard(
    "golden", kind="golden", metric="stats:variance", value=0.75, low=0.7, high=0.8
)
EPSILON = 2.0**-23


@pytest.fixture
def run(pristine: Store) -> Run:
    """Return a sealed run whose statistics a golden judges too."""
    record = read_record(pristine.hub)
    judged = replace(record, guards=(*record.guards, GOLDEN))
    return Run(hub=pristine.hub, record=judged, root=pristine.root)


def repeat(
    run: Run,
    folder: Path,
    *,
    texts: dict[str, str] | None = None,
    guards: Callable[[GuardResult], GuardResult] = lambda one: one,
    **changes: Any,
) -> Run:
    """Return the same run once more, with other artifacts, guards or records."""
    hub = folder / "again"
    shutil.copytree(run.hub, hub, copy_function=shutil.copyfile)
    artifacts = []
    for one in run.record.artifacts:
        text = (texts or {}).get(one.id)
        if text is not None:
            (hub / one.path).write_text(text)
        artifacts.append(one if text is None else replace(one, sha256="0" * 64))
    record = replace(
        run.record,
        artifacts=tuple(artifacts),
        guards=tuple(map(guards, run.record.guards)),
    )
    return Run(hub=hub, record=replace(record, **changes), root=run.root)


def write_stats(variance: object, count: object = 3, **more: object) -> dict[str, str]:
    """Write the artifact that a guard and a golden judge."""
    return {"stats": json.dumps({"variance": variance, "count": count, **more})}


def move_golden(value: float) -> Callable[[GuardResult], GuardResult]:
    """Let the golden guard of the second run have met a value."""
    return lambda one: replace(one, value=value) if one.id == "golden" else one


def test_the_same_run_is_bit_identical(run: Run, tmp_path: Path) -> None:
    """Nothing differs, and nothing is said."""
    assert answer.compare_runs(run, repeat(run, tmp_path)) == (SAME, ())


NUMBERS: list[tuple[object, float, AnswerClass]] = [
    (0.75, 0.75, SAME),  # other bytes, the same number
    (0.75 * (1 + EPSILON), 0.75, ROUNDING),
    (0.75 * (1 + 7.9 * EPSILON), 0.75, ROUNDING),
    (0.75 * (1 - 7.9 * EPSILON), 0.75, ROUNDING),
    (0.75 * (1 + 8.5 * EPSILON), 0.75, STATISTICAL),
    (0.79, 0.79, STATISTICAL),
    (0.7, 0.7, STATISTICAL),
    (0.8, 0.8, STATISTICAL),
    (0.81, 0.81, CHANGED),
    (0.69, 0.69, CHANGED),
    (-0.75, 0.75, STATISTICAL),
    ("0.75", 0.75, STATISTICAL),
    (True, 0.75, STATISTICAL),
    (None, 0.75, STATISTICAL),
]


@pytest.mark.parametrize(("variance", "judged", "expected"), NUMBERS)
def test_a_number_is_the_same_rounded_tolerated_or_changed(
    run: Run, tmp_path: Path, variance: object, judged: float, expected: AnswerClass
) -> None:
    """By eight units in the last place, then by what the hub's own golden states."""
    again = repeat(run, tmp_path, texts=write_stats(variance), guards=move_golden(judged))
    worst, findings = answer.compare_runs(run, again)
    assert worst is expected
    assert [finding.answer for finding in findings] == [expected] * (expected is not SAME)


def test_a_floor_tolerates_nothing(run: Run, tmp_path: Path) -> None:
    """Between a floor and nothing anything could be typed in."""
    bare = replace(run, record=replace(run.record, guards=run.record.guards[:-1]))
    again = repeat(bare, tmp_path, texts=write_stats(0.76))
    assert answer.compare_runs(bare, again)[0] is CHANGED


ROWS = {
    ROUNDING: f"step,value\n1,{0.5 * (1 + EPSILON)!r}\n2,0.25\n3,1.5\n",
    CHANGED: "step,value\n1,0.6\n2,0.25\n3,1.5\n",
}
PAIRS: list[tuple[float, AnswerClass | None, AnswerClass]] = [
    (0.75 * (1 + EPSILON), None, ROUNDING),
    (0.79, None, STATISTICAL),
    (0.79, ROUNDING, STATISTICAL),  # the last of the alphabet is not the worst
    (0.75 * (1 + EPSILON), CHANGED, CHANGED),
    (0.79, CHANGED, CHANGED),
    (0.75, ROUNDING, ROUNDING),
    (0.75, CHANGED, CHANGED),
]


@pytest.mark.parametrize(("variance", "rows", "worst"), PAIRS)
def test_the_worst_difference_is_the_class_of_all(
    run: Run, tmp_path: Path, variance: float, rows: AnswerClass | None, worst: AnswerClass
) -> None:
    """Bit-identical before rounding before statistically the same before changed."""
    texts = write_stats(variance) | ({"rows": ROWS[rows]} if rows else {})
    again = repeat(run, tmp_path, texts=texts, guards=move_golden(variance))
    assert answer.compare_runs(run, again)[0] is worst


TIMES: list[tuple[str, object, object, AnswerClass]] = [
    ("fit_seconds", 1.0, 2.0, SAME),
    ("duration", 1.0, 2.0, SAME),
    ("elapsed", 1.0, 2.0, SAME),
    ("train_s", 1.0, 2.0, SAME),
    ("loss", 1.0, 2.0, STATISTICAL),
    ("losses", 1.0, 2.0, STATISTICAL),
    ("at", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05Z", SAME),
    ("at", "2026-01-02T03:04:05Z", "yesterday", STATISTICAL),
    ("word", "one", "two", STATISTICAL),
]


@pytest.mark.parametrize(("name", "was", "now", "expected"), TIMES)
def test_a_run_s_own_times_are_no_part_of_its_answer(
    run: Run, tmp_path: Path, name: str, was: object, now: object, expected: AnswerClass
) -> None:
    """By the names of durations, and by the form of an instant."""
    claimed = repeat(run, tmp_path / "a", texts=write_stats(0.75, **{name: was}))
    again = repeat(run, tmp_path / "b", texts=write_stats(0.75, **{name: now}))
    again = replace(again, record=replace(again.record, artifacts=run.record.artifacts))
    assert answer.compare_runs(claimed, again)[0] is expected


def change_stage(**changes: Any) -> Callable[[HubRecord], HubRecord]:
    """Change the one stage of a record."""
    return lambda record: replace(record, stages=(replace(record.stages[0], **changes),))


def change_guard(name: str, **changes: Any) -> Callable[[HubRecord], HubRecord]:
    """Change a guard of a record."""
    return lambda record: replace(
        record,
        guards=tuple(replace(g, **changes) if g.id == name else g for g in record.guards),
    )


RECORDS: list[tuple[Callable[[HubRecord], HubRecord], AnswerClass]] = [
    (change_stage(outcome="failed"), CHANGED),
    (change_stage(tests={"passed": 1}), CHANGED),
    (change_stage(duration_s=99.0), SAME),
    (lambda record: replace(record, stages=()), CHANGED),
    (change_guard("variance-floor", verdict=Verdict.RED), CHANGED),
    (change_guard("variance-floor", verdict=Verdict.INCONCLUSIVE), CHANGED),
    (lambda record: replace(record, guards=record.guards[1:]), CHANGED),
    (lambda record: replace(record, artifacts=record.artifacts[1:]), CHANGED),
    (
        lambda record: replace(record, guards=(*record.guards, reports.guard("new"))),
        CHANGED,
    ),
    (
        lambda record: replace(
            record, guards=(*record.guards, reports.guard("new", kind="default"))
        ),
        SAME,
    ),
]


@pytest.mark.parametrize(("change", "expected"), RECORDS)
def test_what_was_claimed_is_compared_and_not_what_was_measured_on_the_way(
    run: Run,
    tmp_path: Path,
    change: Callable[[HubRecord], HubRecord],
    expected: AnswerClass,
) -> None:
    """Stages, tests, verdicts and artifacts; no durations, no rules that came later."""
    again = repeat(run, tmp_path)
    again = replace(again, record=change(again.record))
    assert answer.compare_runs(run, again)[0] is expected


def test_a_guard_of_the_machine_may_fall_otherwise(run: Run, tmp_path: Path) -> None:
    """Time and memory are those of the machine."""
    claimed = replace(run, record=change_guard("golden", kind="resource")(run.record))
    again = repeat(claimed, tmp_path)
    red = change_guard("golden", verdict=Verdict.RED)(again.record)
    assert answer.compare_runs(claimed, replace(again, record=red))[0] is SAME


def test_other_data_are_another_answer(run: Run, tmp_path: Path) -> None:
    """By their digests; the name of the file says nothing."""
    (data,) = reports.record().datasets
    claimed = replace(run, record=replace(run.record, datasets=(data,)))
    renamed = repeat(run, tmp_path / "a", datasets=(replace(data, name="x.npz"),))
    other = repeat(run, tmp_path / "b", datasets=(replace(data, sha256="0" * 64),))
    missing = repeat(run, tmp_path / "c", datasets=())
    classes = [answer.compare_runs(claimed, one)[0] for one in (renamed, other, missing)]
    assert classes == [SAME, CHANGED, CHANGED]


TOLERANCES: list[tuple[dict[str, Any], float, AnswerClass]] = [
    ({}, 0.79, STATISTICAL),
    ({"value": 0.81}, 0.79, CHANGED),  # what was claimed lay outside itself
    ({"value": None}, 0.79, CHANGED),
    ({"low": None}, 0.79, STATISTICAL),
    ({"high": None}, 0.79, STATISTICAL),
    ({"low": None, "high": None}, 0.79, CHANGED),  # it tolerates everything: nothing is stated
    ({"metric": "other:variance"}, 0.79, CHANGED),
    ({"kind": "bound"}, 0.79, CHANGED),
]


@pytest.mark.parametrize(("changes", "variance", "expected"), TOLERANCES)
def test_only_a_stated_tolerance_that_holds_for_both_excuses(
    run: Run, tmp_path: Path, changes: dict[str, Any], variance: float, expected: AnswerClass
) -> None:
    """Of a golden of this very artifact, with a bound, for the claim as for the rerun."""
    claimed = replace(run, record=change_guard("golden", **changes)(run.record))
    again = repeat(claimed, tmp_path, texts=write_stats(variance), guards=move_golden(variance))
    assert answer.compare_runs(claimed, again)[0] is expected


LEAVES: list[tuple[dict[str, object], dict[str, object], AnswerClass]] = [
    ({"a": 1.0, "b": 1.0}, {"a": 1.0 + EPSILON, "b": 2.0}, STATISTICAL),
    ({"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 1.0 + EPSILON}, STATISTICAL),
    ({"a": 1.0, "b": 1.0}, {"a": 1.0 + EPSILON, "b": 1.0 - EPSILON}, ROUNDING),
    ({"a": True}, {"a": 1.0 + EPSILON}, STATISTICAL),
    ({"a": [1.0]}, {"a": [1.0, 2.0]}, STATISTICAL),
    ({"a": 1.0}, {}, STATISTICAL),
]


@pytest.mark.parametrize(("was", "now", "expected"), LEAVES)
def test_the_worst_number_of_an_artifact_is_its_class(
    run: Run,
    tmp_path: Path,
    was: dict[str, object],
    now: dict[str, object],
    expected: AnswerClass,
) -> None:
    """Wherever it stands; a switch is no number, and what is missing is no rounding."""
    claimed = repeat(run, tmp_path / "a", texts=write_stats(0.75, **was))
    again = repeat(run, tmp_path / "b", texts=write_stats(0.75, **now))
    again = replace(again, record=replace(again.record, artifacts=run.record.artifacts))
    assert answer.compare_runs(claimed, again)[0] is expected


def test_a_time_that_a_guard_judges_is_part_of_the_answer(run: Run, tmp_path: Path) -> None:
    """It was claimed."""
    record = change_guard("golden", metric="stats:fit_seconds", kind="bound")(run.record)
    claimed = repeat(replace(run, record=record), tmp_path / "a")
    claimed = repeat(claimed, tmp_path / "b", texts=write_stats(0.75, fit_seconds=1.0))
    again = repeat(claimed, tmp_path / "c", texts=write_stats(0.75, fit_seconds=2.0))
    again = replace(again, record=replace(again.record, artifacts=run.record.artifacts))
    assert answer.compare_runs(claimed, again)[0] is CHANGED


PLANS: list[tuple[dict[str, Any], AnswerClass]] = [
    ({}, SAME),
    ({"golden_sha256": "0" * 64}, CHANGED),
    ({"inputs": {}}, CHANGED),
    ({"inputs": {"source.py": "0" * 64}}, CHANGED),
    # Digests of another meaning never agree, and say nothing of the files.
    ({"inputs": {"source.py": "0" * 64}, "inputs_meaning": "bytes"}, SAME),
]


@pytest.mark.parametrize(("changes", "expected"), PLANS)
def test_what_both_were_made_from_is_compared(
    run: Run, tmp_path: Path, changes: dict[str, Any], expected: AnswerClass
) -> None:
    """Code, rules and golden, by the plans."""
    again = repeat(run, tmp_path)
    path = again.hub / "plan/plan.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    assert answer.compare_runs(run, again)[0] is expected
