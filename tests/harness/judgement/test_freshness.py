"""Freshness is computed: every cause is named, and what is no input leaves evidence fresh."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.judgement import freshness
from harness.judgement.declaration import load_project
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
