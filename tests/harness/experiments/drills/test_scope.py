"""What a guard looks at, and which guards were never seen red."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.project import Project
from harness.experiments.drills import scope
from tests.builders import hubs

LOG = {"id": "log", "kind": "log", "stage": "last", "must_not": ["Traceback"], "remedy": "R."}
TIME = {
    "id": "time",
    "kind": "bound",
    "metric": "@stages:last.duration_s",
    "max": 9.0,
    "remedy": "R.",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three stages in a row and one apart; a second suite with another bound."""
    stages = [
        hubs.command("first", "pass"),
        hubs.writing("3", needs=["first"]),
        hubs.command("last", "pass", needs=["make"]),
        hubs.command("apart", "pass"),
    ]
    guards = [hubs.FLOOR, LOG, TIME]
    other = {"extends": "tiny", "guards": [{**hubs.FLOOR, "min": 2.0}]}
    return hubs.project(tmp_path, tiny=hubs.suite(*stages, guards=guards), other=other)


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("floor", ("first", "make")),
        ("log", ("first", "make", "last")),
        ("time", ("first", "make", "last")),
        ("stage:apart", ("apart",)),
        ("default:out", ("first", "make")),
    ],
)
def test_stages_of_a_guard(project: Project, guard: str, expected: tuple[str, ...]) -> None:
    """A guard needs the stages that it reads, and those that these need, in order."""
    assert scope.stages_for(project.suites["tiny"], guard) == expected


def test_shared_guards_count_once(project: Project) -> None:
    """A guard that another suite inherits is proved there too, whatever its bounds."""
    assert scope.undrilled_guards(project, {"other": ["floor"]}) == ("tiny: log", "tiny: time")
    assert scope.undrilled_guards(project, {"tiny": ["floor", "log", "time"]}) == ()
