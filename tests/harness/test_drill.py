"""Drills in scratch worktrees of a small project."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import drill
from harness.cli.main import group
from harness.config import Project
from harness.errors import ConfigError, NothingSelectedError
from harness.stages.child import Stop
from tests.builders import hubs

SOURCE = "GAIN = 1\n"
STAGE = (
    "import json, runpy, sys; gain = runpy.run_path('source/model.py')['GAIN'];"
    "json.dump({'value': 3 * gain, 'sign': 1.5 * gain}, open(sys.argv[1], 'w'))"
)
CEILING = {**hubs.FLOOR, "id": "ceiling", "max": 9.0}
CEILING.pop("min")


def patch(root: Path, name: str, after: str, guard: str = "floor", suite: str = "tiny") -> None:
    """Write a drill that replaces the source file."""
    lines = difflib.unified_diff(
        SOURCE.splitlines(keepends=True),
        after.splitlines(keepends=True),
        "a/source/model.py",
        "b/source/model.py",
    )
    head = f"Suite: {suite}\nGuard: {guard}\nDefect: The gain is wrong.\n\n"
    diff = "diff --git a/source/model.py b/source/model.py\n" + "".join(lines)
    (root / "drills").mkdir(exist_ok=True)
    (root / "drills" / f"{name}.patch").write_text(head + diff)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A committed project whose guards hold its value between 1 and 9."""
    stage = hubs.command("make", STAGE, "{work}/out.json", artifacts=[hubs.OUT])
    spec = hubs.suite(stage, parameters={"seed": "1"}, guards=[hubs.FLOOR, CEILING])
    made = hubs.project(tmp_path / "p", tiny=spec)
    hubs.commit(made.root)
    return made


@pytest.fixture
def stop() -> Iterator[Stop]:
    """Nobody asks to stop."""
    asked = Stop()
    yield asked
    asked.close()


@pytest.mark.parametrize(
    ("after", "guard", "expected"),
    [
        ("GAIN = 0\n", "floor", "caught"),
        ("GAIN = 9\n", "floor", "wrong guard"),
        ("GAIN = 2\n", "floor", "missed"),
        ("GAIN = 1 / 0\n", "stage:make", "caught"),
        ("GAIN = float('nan')\n", "default:out", "caught"),
    ],
)
def test_outcome_names_the_guard(
    project: Project, stop: Stop, after: str, guard: str, expected: str
) -> None:
    """A defect is caught, missed, or caught by another guard than the one named."""
    patch(project.root, "gain", after, guard)
    (planned,) = drill.select(project, None, [])

    assert drill.run(project, planned, stop).outcome == expected


def test_tree_is_left_alone(project: Project, stop: Stop) -> None:
    """Uncommitted work stays as it is, and no worktree is left registered."""
    patch(project.root, "gain", "GAIN = 0\n")
    (project.root / "source/model.py").write_text("GAIN = 77\n")
    (planned,) = drill.select(project, "tiny", ["gain"])

    outcome = drill.run(project, planned, stop)

    assert outcome.outcome == "caught"
    assert (project.root / "source/model.py").read_text() == "GAIN = 77\n"
    assert len(hubs.git(project.root, "worktree", "list").splitlines()) == 1
    assert not project.hubs.exists()


def test_patch_that_does_not_apply_is_stale(project: Project, stop: Stop) -> None:
    """A stale patch is neither caught nor missed: it proves nothing and says so."""
    patch(project.root, "gain", "GAIN = 0\n")
    (project.root / "source/model.py").write_text("RENAMED = 1\n")
    hubs.commit(project.root)
    (planned,) = drill.select(project, None, [])

    outcome = drill.run(project, planned, stop)

    assert outcome.outcome == "stale"
    assert outcome.reason


@pytest.mark.parametrize(
    "content",
    [
        "",
        "Suite: tiny\nGuard: floor\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n",
        "Suite: tiny\nGuard: floor\nDefect: Nothing follows.\n",
        "Suite: tiny\nGuard: flor\nDefect: Typing.\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n",
        "Suite: tinny\nGuard: floor\nDefect: Typing.\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n",
    ],
)
def test_bad_header_is_refused(project: Project, content: str) -> None:
    """A drill without a guard, a suite or a change is a mistake, found before any run."""
    (project.root / "drills").mkdir()
    (project.root / "drills/bad.patch").write_text(content)

    with pytest.raises(ConfigError):
        drill.select(project, None, [])


@pytest.mark.parametrize("names", [[], ["unknown"]])
def test_nothing_selected_is_said(project: Project, names: list[str]) -> None:
    """No drill, or an unknown one, is not a success."""
    with pytest.raises(NothingSelectedError):
        drill.select(project, None, names)


@pytest.mark.slow
def test_command_counts_and_reports_idle_guards(project: Project) -> None:
    """The command shows each outcome, the clean runs, and guards that nothing turned red."""
    patch(project.root, "gain", "GAIN = 0\n")
    page = project.root / "docs/power.md"
    page.parent.mkdir()
    words = ["-C", str(project.root), "drill", "--clean", "2", "--json", "--report", str(page)]

    done = [CliRunner().invoke(group, words, standalone_mode=False) for _ in range(2)]

    answers = [json.loads(run.output) for run in done]
    assert [run.return_value for run in done] == [0, 0]
    assert [[item["outcome"] for item in answer["drills"]] for answer in answers] == [
        ["caught", "quiet", "quiet"]
    ] * 2
    assert [item["recalled"] for item in answers[1]["drills"]] == [True] * 3
    assert answers[0]["idle_guards"] == ["tiny: ceiling"]
    assert "**1 of 1**" in page.read_text()
    assert "- tiny: ceiling" in page.read_text()


def test_changed_code_is_drilled_again(project: Project, stop: Stop) -> None:
    """What is kept of a drill is forgotten with the code, the patch or the guard it names."""
    patch(project.root, "gain", "GAIN = 0\n")
    (planned,) = drill.select(project, None, [])
    drill.run(project, planned, stop)
    kept = drill.run(project, planned, stop)
    (project.root / "source/other.py").write_text("WORD = 1\n")
    hubs.commit(project.root)

    again = drill.run(project, planned, stop)

    assert kept.is_recalled
    assert not again.is_recalled
    assert kept.red == again.red


def test_only_what_the_guard_sees_is_run(tmp_path: Path, stop: Stop) -> None:
    """A drill of one stage leaves the others out, until its guard has missed the defect."""
    marks = [
        hubs.command(
            name,
            STAGE + ";open(sys.argv[2], 'a').write(sys.argv[3])",
            "{work}/out.json" if name == "make" else "{work}/other.json",
            str(tmp_path / "marks"),
            name[0],
            artifacts=[hubs.OUT] if name == "make" else [],
        )
        for name in ("make", "other")
    ]
    spec = hubs.suite(*marks, parameters={"seed": "1"}, guards=[hubs.FLOOR, CEILING])
    made = hubs.project(tmp_path / "p", tiny=spec)
    hubs.commit(made.root)
    patch(made.root, "caught", "GAIN = 0\n")
    patch(made.root, "missed", "GAIN = 2\n")

    outcomes = [drill.run(made, planned, stop) for planned in drill.select(made, None, [])]

    assert [item.outcome for item in outcomes] == ["caught", "missed"]
    assert (tmp_path / "marks").read_text() == "m" + "m" + "mo"


def test_a_warning_is_caught_as_one(tmp_path: Path, stop: Stop) -> None:
    """A guard that only warns has done its part when it is red."""
    stage = hubs.command("make", STAGE, "{work}/out.json", artifacts=[hubs.OUT])
    spec = hubs.suite(
        stage, parameters={"seed": "1"}, guards=[{**hubs.FLOOR, "severity": "warn"}]
    )
    made = hubs.project(tmp_path / "p", tiny=spec)
    hubs.commit(made.root)
    patch(made.root, "gain", "GAIN = 0\n")
    (planned,) = drill.select(made, None, [])

    assert drill.run(made, planned, stop).outcome == "caught"
