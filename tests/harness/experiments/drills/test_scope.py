"""What a guard looks at, and which guards were never seen red."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.project import Project
from harness.errors import ConfigError
from harness.experiments.drills import drill as drills
from harness.experiments.drills import scope
from harness.experiments.drills.drill import Drill, DrillOutcome
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


def make_outcome(name: str, suite: str, *red: str, is_clean: bool = False) -> DrillOutcome:
    """Make the outcome of a drill, or of a run without a defect."""
    patch = None if is_clean else Path(f"{name}.patch")
    made = Drill(name=name, suite=suite, patch=patch)
    return DrillOutcome(drill=made, outcome=drills.CAUGHT, red=red, duration_s=1.0)


IDLE: list[tuple[list[DrillOutcome], tuple[str, ...]]] = [
    ([], ("tiny: floor", "tiny: log", "tiny: time")),
    ([make_outcome("a", "tiny", "floor")], ("tiny: log", "tiny: time")),
    # Red without a defect is a false alarm: it proves nothing of the guard.
    (
        [make_outcome("clean", "tiny", "floor", is_clean=True)],
        ("tiny: floor", "tiny: log", "tiny: time"),
    ),
    (
        [
            make_outcome("clean", "tiny", "floor", is_clean=True),
            make_outcome("a", "tiny", "log"),
        ],
        ("tiny: floor", "tiny: time"),
    ),
    ([make_outcome("a", "tiny")], ("tiny: floor", "tiny: log", "tiny: time")),
    (
        [make_outcome("a", "tiny", "floor"), make_outcome("b", "tiny", "log", "time")],
        (),
    ),
    ([make_outcome("a", "other", "log", "stage:make")], ("tiny: floor", "tiny: time")),
]


@pytest.mark.parametrize(("outcomes", "idle"), IDLE)
def test_a_guard_that_no_drill_turned_red_is_reported(
    project: Project, outcomes: list[DrillOutcome], idle: tuple[str, ...]
) -> None:
    """Red in whichever drill, and never by a run without a defect."""
    assert drills.idle_guards(project, outcomes) == idle


SHARED: list[tuple[dict[str, object], bool]] = [
    ({"min": 2.0}, True),
    ({"max": 9.0}, True),
    ({"severity": "warn"}, False),
    ({"metric": "out:other"}, False),
    ({"id": "lower"}, False),
    ({"remedy": "Otherwise."}, True),
]


@pytest.mark.parametrize(("changes", "is_one"), SHARED)
def test_guards_are_one_where_only_bounds_and_words_differ(
    tmp_path: Path, changes: dict[str, object], *, is_one: bool
) -> None:
    """Another metric or severity is another guard, which its own drill must turn red."""
    first = hubs.suite(hubs.writing("3"), guards=[hubs.FLOOR])
    second = hubs.suite(hubs.writing("3"), guards=[{**hubs.FLOOR, **changes}])
    project = hubs.project(tmp_path, one=first, two=second)
    idle = scope.undrilled_guards(project, {"one": ["floor"]})
    assert (idle == ()) is is_one


@pytest.mark.parametrize("count", [0, 1, 3])
def test_clean_runs_have_each_a_seed_of_their_own(count: int) -> None:
    """As many as were asked for, none of them a drill."""
    made = drills.clean_runs("tiny", count)
    assert len({run.seed for run in made}) == len({run.name for run in made}) == count
    assert all((run.suite, run.patch) == ("tiny", None) for run in made)


HEADS = [
    ("Suite: tiny\nGuard: floor\nDefect: It is lower.\n", True),
    ("Suite: tiny\nGuard: \nDefect: It is lower.\n", False),
    ("Suite:\nGuard: floor\nDefect: It is lower.\n", False),
    ("Suite: tiny\nGuard: floor\nDefect:\n", False),
    ("Suite: tiny\nGuard: floor\n", False),
]


@pytest.mark.parametrize(("head", "is_drill"), HEADS)
def test_a_drill_says_what_it_plants_and_who_must_see_it(
    tmp_path: Path, head: str, *, is_drill: bool
) -> None:
    """A line without words is no line."""
    path = tmp_path / "d.patch"
    path.write_text(f"{head}\ndiff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n")
    if is_drill:
        assert drills.read_drill(path).defect == "It is lower."
    else:
        with pytest.raises(ConfigError):
            drills.read_drill(path)
