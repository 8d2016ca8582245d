"""Freshness is computed: every cause is named, and what is no input leaves evidence fresh."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.judgement import freshness
from harness.judgement.declaration import load_project
from harness.records import DatasetRecord, QuarantineRecord
from harness.runner.workflow import RunOutcome
from tests.builders import hubs


@pytest.fixture
def made(tmp_path: Path) -> tuple[Project, RunOutcome]:
    project = hubs.project(tmp_path, tiny=hubs.suite(max_age_days=2))
    return project, hubs.run(project)


def causes(made: tuple[Project, RunOutcome], **keys: object) -> list[str]:
    project, outcome = made
    project = load_project(project.root)
    moment = dataclasses.replace(freshness.Now(instant=datetime.now(UTC)), **keys)  # type: ignore[arg-type]
    state = freshness.check(project, outcome.hub, outcome.record, moment)
    assert all(cause.cure for cause in state.causes)
    return [cause.kind for cause in state.causes]


def test_unchanged_tree_is_fresh(made: tuple[Project, RunOutcome]) -> None:
    """Straight after a run, and after an edit of what is no input, evidence is fresh."""
    (made[0].root / "README.md").write_text("words\n")

    assert causes(made) == []


def test_changed_source_is_named(made: tuple[Project, RunOutcome]) -> None:
    """An edit, an addition and a removal of inputs are told file by file."""
    project, outcome = made
    (project.root / "source/model.py").write_text("GAIN = 2\n")
    (project.root / "source/new.py").write_text("NEW = 1\n")

    state = freshness.check(project, outcome.hub, outcome.record)

    assert [cause.kind for cause in state.causes] == ["source"]
    assert state.causes[0].items == ("source/model.py", "source/new.py")
    assert "harness run tiny" in state.causes[0].cure


def test_content_decides_not_time(made: tuple[Project, RunOutcome]) -> None:
    """Writing the same bytes again, or committing them, changes nothing."""
    path = made[0].root / "source/model.py"
    path.write_text(path.read_text())
    hubs.commit(made[0].root)

    assert causes(made) == []


def test_changed_declaration(made: tuple[Project, RunOutcome]) -> None:
    """A moved bound is a cause; another suite's declaration is none."""
    root = made[0].root
    hubs.declare(root, tiny=hubs.suite(max_age_days=2), other=hubs.suite())
    assert causes(made) == []

    hubs.declare(root, tiny=hubs.suite(max_age_days=2, guards=[{**hubs.FLOOR, "min": 2.0}]))
    assert causes(made) == ["config"]


def test_suite_that_is_gone(made: tuple[Project, RunOutcome]) -> None:
    """Evidence of a suite that is not declared any more is stale."""
    hubs.declare(made[0].root, other=hubs.suite())

    assert causes(made) == ["config"]


def test_other_causes(made: tuple[Project, RunOutcome]) -> None:
    """Golden, dataset, age and environment are causes of their own."""
    later = datetime.now(UTC) + timedelta(days=3)
    golden = {"golden_sha256": "0" * 64, "is_golden_known": True}

    assert causes(made, instant=later) == ["age"]
    assert causes(made, **golden) == ["golden"]
    assert causes(made, datasets={"train": "0" * 64}) == ["dataset"]

    project, outcome = made
    elsewhere = {**outcome.record.environment, "torch": "1.0", "cpu_count": "999"}
    record = dataclasses.replace(outcome.record, environment=elsewhere)
    causes_ = freshness.check(project, outcome.hub, record).causes
    assert [cause.kind for cause in causes_] == ["environment"]
    assert "torch 1.0" in causes_[0].what
    assert "999" not in causes_[0].what


def test_newer_run_supersedes(made: tuple[Project, RunOutcome]) -> None:
    """A later run of the suite makes the older one stale and is named."""
    project, outcome = made
    record = outcome.record
    newer = project.hubs / "tiny/29990101T000000Z-abcdef"
    newer.mkdir()

    causes_ = freshness.check(project, outcome.hub, record).causes

    assert [cause.kind for cause in causes_] == ["newer-run"]
    assert newer.name in causes_[0].cure


@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_changed_files_are_counted_and_some_are_named(
    made: tuple[Project, RunOutcome], count: int
) -> None:
    """All are items; five stand in the sentence, and the others are a number."""
    project, outcome = made
    names = [f"source/new{number}.py" for number in range(count)]
    for name in names:
        (project.root / name).write_text(f"NEW = {name!r}\n")

    (cause,) = freshness.check(project, outcome.hub, outcome.record).causes

    assert cause.items == tuple(names)
    noun = "1 input file changed" if count == 1 else f"{count} input files changed"
    more = " and 1 more" if count > 5 else ""
    assert cause.what == f"{noun}: {', '.join(names[:5])}{more}"


def test_each_edit_is_named_whichever_digest_is_greater(
    made: tuple[Project, RunOutcome],
) -> None:
    """Digests are compared for being the same, not for their order; a removal is a change."""
    project, outcome = made
    path = project.root / "source/model.py"
    for number in range(2, 12):
        path.write_text(f"GAIN = {number}\n")
        (cause,) = freshness.check(project, outcome.hub, outcome.record).causes
        assert cause.items == ("source/model.py",)

    path.rename(path.with_name("other.py"))
    (cause,) = freshness.check(project, outcome.hub, outcome.record).causes
    assert cause.items == ("source/model.py", "source/other.py")


def test_inputs_that_cannot_be_compared_are_a_cause(made: tuple[Project, RunOutcome]) -> None:
    """No file that the glob names, no plan that can be read, no meaning that is known."""
    project, outcome = made

    def find_cause(**changes: str) -> freshness.Cause:
        record = dataclasses.replace(outcome.record, **changes)  # type: ignore[arg-type]
        (cause,) = freshness.check(project, outcome.hub, record).causes
        return cause

    unknown = find_cause(inputs_meaning="code-99")
    assert (unknown.kind, "'code-99'" in unknown.what) == ("source", True)
    shutil.move(outcome.hub / "plan", project.root / "plan")
    lost = find_cause(inputs_sha256="0" * 64)
    assert (lost.kind, lost.items) == ("source", ("source/model.py",))
    shutil.rmtree(project.root / "source")
    empty = find_cause()
    assert (empty.kind, empty.what.startswith("inputs: ")) == ("source", True)


def test_dataset_that_is_the_same_is_no_cause(made: tuple[Project, RunOutcome]) -> None:
    """Of the data of a comparison, those are named that differ or were not there."""
    project, outcome = made
    train = DatasetRecord(role="train", name="t", sha256="a" * 64, size=1, generated=False)
    record = dataclasses.replace(outcome.record, datasets=(train,))

    def items(**datasets: str) -> list[tuple[str, ...]]:
        moment = freshness.Now(instant=datetime.now(UTC), datasets=datasets)
        return [c.items for c in freshness.check(project, outcome.hub, record, moment).causes]

    assert items() == []
    assert items(train="a" * 64) == []
    assert items(train="b" * 64, test="c" * 64) == [("test", "train")]
    assert items(train="a" * 64, test="c" * 64) == [("test",)]


@pytest.mark.parametrize(("days", "is_stale"), [(1.99, False), (2.0, False), (2.01, True)])
def test_age_counts_from_the_end_of_the_run(
    made: tuple[Project, RunOutcome],
    days: float,
    is_stale: bool,  # noqa: FBT001 - a column
) -> None:
    """The last moment still counts, and the age is said in days."""
    project, outcome = made
    instant = datetime.fromisoformat(outcome.record.finished) + timedelta(days=days)

    state = freshness.check(
        project, outcome.hub, outcome.record, freshness.Now(instant=instant)
    )

    said = [cause.what for cause in state.causes]
    assert said == (["2.0 days old; at most 2 are allowed"] if is_stale else [])


@pytest.mark.parametrize(("minutes", "is_stale"), [(4, False), (6, True), (500_000, True)])
def test_run_from_the_future_has_no_age(
    made: tuple[Project, RunOutcome],
    minutes: int,
    is_stale: bool,  # noqa: FBT001 - a column
) -> None:
    """A run of a clock that was ahead would never be too old: one of the clocks is wrong."""
    project, outcome = made
    instant = datetime.fromisoformat(outcome.record.finished) - timedelta(minutes=minutes)

    state = freshness.check(
        project, outcome.hub, outcome.record, freshness.Now(instant=instant)
    )

    assert [cause.kind for cause in state.causes] == (["age"] if is_stale else [])


@pytest.mark.parametrize(
    ("state", "outcome", "days", "is_stale"),
    [
        ("active", "failed", 0, False),
        ("active", "failed", 1, True),
        ("active", "clean", 1, False),
        ("expired", "failed", 1, False),
    ],
)
def test_excuse_ends_with_its_day(
    made: tuple[Project, RunOutcome],
    state: str,
    outcome: str,
    days: int,
    is_stale: bool,  # noqa: FBT001 - a column
) -> None:
    """On its last day it still counts; only what was excused makes evidence stale."""
    project, run = made
    now = datetime.now(UTC)
    entry = QuarantineRecord(
        kind="guard",
        id="floor",
        owner="ada@example.org",
        reason="flickers",
        expires=(now - timedelta(days=days)).date().isoformat(),
        clean_runs=2,
        state=state,
        outcome=outcome,
        clean=0,
    )
    record = dataclasses.replace(run.record, quarantine=(entry,))

    state_ = freshness.check(project, run.hub, record, freshness.Now(instant=now))

    assert [c.kind for c in state_.causes] == (["quarantine"] if is_stale else [])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_newer_runs_are_counted_and_the_last_is_named(
    made: tuple[Project, RunOutcome], count: int
) -> None:
    """In their order; the last one is where to look."""
    project, outcome = made
    names = [f"2999010{number}T000000Z-abcdef" for number in range(1, count + 1)]
    for name in names:
        (project.hubs / "tiny" / name).mkdir()

    (cause,) = freshness.check(project, outcome.hub, outcome.record).causes

    assert cause.items == tuple(names)
    assert cause.what == f"{count} newer run{'s' if count > 1 else ''}, the last {names[-1]}"


def test_order_that_cannot_be_read_is_a_cause(made: tuple[Project, RunOutcome]) -> None:
    """Nobody knows then whether a newer run is red."""
    project, outcome = made
    ledger = project.work / "ledger.jsonl"
    ledger.write_bytes(b"{}\n" + ledger.read_bytes())

    (cause,) = freshness.check(project, outcome.hub, outcome.record).causes

    assert cause.kind == "newer-run"
    assert cause.what.startswith("the order of the runs cannot be read: ledger.jsonl line 1: ")


GOLDENS = [
    (None, False, "f" * 64, []),  # not asked for
    (None, True, "f" * 64, ["golden"]),
    ("f" * 64, True, "f" * 64, []),
    ("e" * 64, True, "f" * 64, ["golden"]),
    ("e" * 64, True, None, ["golden"]),
    (None, True, None, []),
]


@pytest.mark.parametrize(("now", "is_known", "then", "expected"), GOLDENS)
def test_another_golden_is_a_cause_where_it_is_known(
    made: tuple[Project, RunOutcome],
    *,
    now: str | None,
    is_known: bool,
    then: str | None,
    expected: list[str],
) -> None:
    """One that went, one that came, and one that changed."""
    project, outcome = made
    record = dataclasses.replace(outcome.record, golden_sha256=then)
    moment = freshness.Now(
        instant=datetime.now(UTC), golden_sha256=now, is_golden_known=is_known
    )
    state = freshness.check(project, outcome.hub, record, moment)
    assert [cause.kind for cause in state.causes] == expected


DATASETS_NOW: list[tuple[dict[str, str] | None, list[str]]] = [
    (None, []),
    ({}, []),
    ({"train": "a" * 64}, []),
    ({"train": "b" * 64}, ["dataset"]),
    ({"test": "a" * 64}, ["dataset"]),  # of a role that the run had not
    ({"train": "a" * 64, "test": "b" * 64}, ["dataset"]),
]


@pytest.mark.parametrize(("datasets", "expected"), DATASETS_NOW)
def test_another_dataset_is_a_cause_by_role_and_digest(
    made: tuple[Project, RunOutcome], datasets: dict[str, str] | None, expected: list[str]
) -> None:
    """Its name and size say nothing."""
    data = DatasetRecord(role="train", name="x", sha256="a" * 64, size=1, generated=False)
    record = dataclasses.replace(made[1].record, datasets=(data,))
    moment = freshness.Now(instant=datetime.now(UTC), datasets=datasets)
    state = freshness.check(made[0], made[1].hub, record, moment)
    assert [cause.kind for cause in state.causes] == expected


def test_inputs_are_those_of_a_suite_and_of_the_data_that_it_generates(tmp_path: Path) -> None:
    """Each glob once; what makes data that another suite uses is no input of this one."""
    generate = ["{python}", "-c", "pass", "{output}"]
    data = {
        "train": {"generate": generate, "inputs": ["source/**/*.py", "make/*.py"]},
        "test": {"generate": generate, "inputs": ["other/*.py"]},
    }
    suites = {"tiny": hubs.suite(datasets=["train"]), "plain": hubs.suite()}
    project = hubs.project(tmp_path, top={"datasets": data}, **suites)
    globs = {name: freshness.globs_of(suite) for name, suite in project.suites.items()}
    assert globs == {"tiny": ("source/**/*.py", "make/*.py"), "plain": ("source/**/*.py",)}
