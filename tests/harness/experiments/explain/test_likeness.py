"""Likeness: a run looks like the drill that turned the same red, on the same side, as far."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.experiments.drills import drill as drills
from harness.experiments.drills import outcome_cache, runs
from harness.experiments.drills.outcome_cache import OutcomeCache
from harness.experiments.execute.inline import InlineExecutor
from harness.experiments.explain import likeness, suspects
from harness.experiments.explain.likeness import Redness
from harness.judgement.declaration import load_project
from harness.runner.stages.child import Stop
from harness.verdict import Verdict
from tests.builders import hubs
from tests.harness.experiments.explain.test_explain import declare, plant


def keep_drill(
    project: Project,
    name: str,
    *red: str,
    sides: dict[str, str] | None = None,
    values: dict[str, float] | None = None,
    tests: tuple[str, ...] = (),
) -> None:
    """Write a drill and the outcome that was kept of it."""
    folder = project.root / "drills"
    folder.mkdir(exist_ok=True)
    head = f"Suite: tiny\nGuard: {red[0]}\nDefect: It is {name}.\n\n"
    diff = "--- a/source/model.py\n+++ b/source/model.py\n@@ -1 +1 @@\n-GAIN = 1\n+GAIN = 0\n"
    (folder / f"{name}.patch").write_text(head + diff)
    cache = OutcomeCache(
        schema=outcome_cache.SCHEMA,
        name=name,
        outcome="caught",
        red=red,
        duration_s=1.0,
        reason="",
        sides=sides or {},
        values=values or {},
        tests=tests,
    )
    outcome_cache.keep(project, name, cache)


def test_drill_of_the_same_pattern_comes_first(tmp_path: Path) -> None:
    """The drill whose red guards are those of the run is the one that it looks like."""
    project = declare(tmp_path)
    keep_drill(project, "too-large", "high")
    keep_drill(project, "too-small", "floor", "twice")
    keep_drill(project, "crash", "stage:make")
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")

    made = suspects.explain(project, hubs.run(project).hub)

    assert [(d.drill, d.equal, d.total) for d in made.drills][:1] == [("too-small", 2, 2)]
    assert "the drill too-small plants its defect there" in made.suspects[0].evidence


def test_direction_tells_drills_apart(tmp_path: Path) -> None:
    """Of two drills with the same red guards, that on the same side of them is likelier."""
    project = declare(tmp_path)
    both = ("floor", "twice")
    keep_drill(project, "a-too-large", *both, sides=dict.fromkeys(both, "above"))
    keep_drill(project, "z-too-small", *both, sides=dict.fromkeys(both, "below"))
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")

    made = suspects.explain(project, hubs.run(project).hub)

    assert [(d.drill, d.equal, d.total) for d in made.drills][:2] == [
        ("z-too-small", 2, 2),
        ("a-too-large", 0, 2),
    ]


def test_drill_is_known_with_a_guard_left_out(tmp_path: Path) -> None:
    """Whichever guard of its pattern a run lacks, the drill is still the likeliest."""
    project = declare(tmp_path)
    keep_drill(project, "too-large", "high")
    keep_drill(project, "too-small", "floor", "twice")
    keep_drill(project, "crash", "stage:make", "default:out")
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    record = hubs.run(project).record
    suite = project.suites["tiny"]

    for left_out in ("floor", "twice"):
        guards = tuple(guard for guard in record.guards if guard.id != left_out)
        departure = likeness.compare_drills(project, suite, replace(record, guards=guards))
        assert (departure[0].drill, departure[0].equal, departure[0].total) == (
            "too-small",
            1,
            1,
        )


def test_what_was_not_judged_is_not_compared(tmp_path: Path) -> None:
    """A guard that could not be judged speaks neither for a drill nor against it."""
    project = declare(tmp_path)
    keep_drill(project, "too-small", "floor", "twice")
    keep_drill(project, "one-of-them", "twice")
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    record = hubs.run(project).record
    suite = project.suites["tiny"]

    def rank(verdict: Verdict) -> list[tuple[str, int, int]]:
        guards = [replace(g, verdict=verdict) if g.id == "floor" else g for g in record.guards]
        likely = likeness.compare_drills(project, suite, replace(record, guards=(*guards,)))
        return sorted((one.drill, one.equal, one.total) for one in likely)

    assert rank(Verdict.RED) == [("one-of-them", 1, 2), ("too-small", 2, 2)]
    assert rank(Verdict.GREEN) == [("one-of-them", 1, 1), ("too-small", 1, 2)]
    assert rank(Verdict.INCONCLUSIVE) == [("one-of-them", 1, 1), ("too-small", 1, 1)]


def test_rare_guard_says_more_than_one_that_most_drills_turn_red(tmp_path: Path) -> None:
    """Of two drills that share one guard with a run, that with the rarer one is likelier."""
    project = declare(tmp_path)
    for name in ("one", "two", "three"):
        keep_drill(project, name, "twice", "high")
    keep_drill(project, "rare", "floor", "high")
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", "GAIN = 0")
    suite, record = project.suites["tiny"], hubs.run(project).record

    likely = likeness.compare_drills(project, suite, record)

    assert likely[0].drill == "rare"
    assert {one.share for one in likely} == {1 / 3}  # by counting alone they are the same


@pytest.mark.parametrize("nearest", ["near", "far"])
def test_number_that_is_as_far_off_tells_drills_apart(tmp_path: Path, nearest: str) -> None:
    """The same guards on the same sides: the drill whose numbers were the run's is likelier."""
    project = declare(tmp_path)
    gain = {"near": 0.25, "far": 0.001}
    for name, factor in gain.items():
        keep_drill(
            project,
            name,
            "floor",
            "twice",
            sides={"floor": "below", "twice": "below"},
            values={"floor": 3 * factor, "twice": 6 * factor},
        )
    hubs.run(project)
    plant(tmp_path, "GAIN = 1", f"GAIN = {gain[nearest]}")
    suite, record = project.suites["tiny"], hubs.run(project).record

    likely = likeness.compare_drills(project, suite, record)

    assert [(one.drill, one.score == 1.0) for one in likely] == [
        (nearest, True),
        (*{*gain} - {nearest}, False),
    ]


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        (Redness(), Redness("below", 2.0), 1.0),
        (Redness("above", 2.0), Redness("below", 2.0), 0.0),
        (Redness("off", 2.0), Redness("off", 2.0), 1.0),
        (Redness("off", 1.0), Redness("off", 4.0), 0.625),
        (Redness("off", -1.0), Redness("off", 1.0), 0.5),
        (Redness("off", 0.0), Redness("off", 5.0), 0.5),
        (Redness("off", 0.0), Redness("off", 0.0), 1.0),
    ],
)
def test_nearness_of_two_findings(one: Redness, other: Redness, near: float) -> None:
    """Other sides are strangers; numbers count by the smaller as a part of the larger."""
    assert one.nearness(other) == other.nearness(one) == near


@pytest.mark.slow
def test_tests_that_fail_tell_drills_apart(tmp_path: Path) -> None:
    """Drills that only tests see are told apart by which of them fail, as they were kept."""
    tests = {"id": "tests", "kind": "pytest", "selectors": ["tests"], "timeout_s": 60}
    hubs.declare(tmp_path, tiny=hubs.suite(tests))
    (tmp_path / "source/model.py").write_text("GAIN, OFFSET = 1, 0\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_model.py").write_text(
        "import sys\nsys.path.insert(0, 'source')\nimport model\n\n"
        "def test_gain():\n    assert model.GAIN == 1\n\n"
        "def test_offset():\n    assert model.OFFSET == 0\n"
    )
    folder = tmp_path / "drills"
    folder.mkdir()
    changed = {"gain-lost": "0, 0", "offset-added": "1, 9"}
    for name, values in changed.items():
        (folder / f"{name}.patch").write_text(
            f"Suite: tiny\nGuard: stage:tests\nDefect: It is {name}.\n\n"
            "--- a/source/model.py\n+++ b/source/model.py\n@@ -1 +1 @@\n"
            f"-GAIN, OFFSET = 1, 0\n+GAIN, OFFSET = {values}\n"
        )
    hubs.commit(tmp_path)
    project = load_project(tmp_path)
    planted = [drills.read_drill(folder / f"{name}.patch") for name in changed]
    done = runs.run_all(
        runs.ground(project), planted, InlineExecutor(1), Stop(), lambda _done: None
    )
    hubs.run(project)
    plant(tmp_path, "OFFSET = 1, 0", "OFFSET = 1, 4")

    made = suspects.explain(project, hubs.run(project).hub)

    assert [one.tests for one in done] == [
        ("tests/test_model.py::test_gain",),
        ("tests/test_model.py::test_offset",),
    ]
    assert [(one.drill, one.equal, one.total) for one in made.drills] == [
        ("offset-added", 2, 2),
        ("gain-lost", 1, 3),
    ]
