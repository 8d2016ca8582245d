"""Drills in scratch worktrees of a small project."""

from __future__ import annotations

import difflib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.main import group
from harness.config.project import Project
from harness.errors import ConfigError, NothingSelectedError
from harness.experiments.drills import drill, runs
from harness.experiments.execute.inline import InlineExecutor
from harness.judgement.declaration import load_project
from harness.runner.stages.child import Stop
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

    assert runs.run_drill(runs.ground(project), planned, stop).outcome == expected


def test_tree_is_left_alone(project: Project, stop: Stop) -> None:
    """Uncommitted work stays as it is, and no worktree is left registered."""
    patch(project.root, "gain", "GAIN = 0\n")
    (project.root / "source/model.py").write_text("GAIN = 77\n")
    (planned,) = drill.select(project, "tiny", ["gain"])

    outcome = runs.run_drill(runs.ground(project), planned, stop)

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

    outcome = runs.run_drill(runs.ground(project), planned, stop)

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


def test_unknown_suite_is_a_mistake(project: Project) -> None:
    """A suite that nobody declared is not one without drills."""
    patch(project.root, "gain", "GAIN = 0\n")

    with pytest.raises(ConfigError) as caught:
        drill.select(project, "tinny", [])

    assert caught.value.remedy == "Did you mean 'tiny'?"


def test_drill_may_be_named_alone(project: Project) -> None:
    """A drill's name says which suite it belongs to."""
    patch(project.root, "gain", "GAIN = 0\n")
    patch(project.root, "loss", "GAIN = 2\n")

    assert [one.name for one in drill.select(project, "gain", [])] == ["gain"]


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
    runs.run_drill(runs.ground(project), planned, stop)
    cached = runs.run_drill(runs.ground(project), planned, stop)
    (project.root / "source/other.py").write_text("WORD = 1\n")
    hubs.commit(project.root)

    again = runs.run_drill(runs.ground(project), planned, stop)

    assert cached.is_cached
    assert not again.is_cached
    assert cached.red == again.red


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

    outcomes = [
        runs.run_drill(runs.ground(made), planned, stop)
        for planned in drill.select(made, None, [])
    ]

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

    assert runs.run_drill(runs.ground(made), planned, stop).outcome == "caught"


def test_suite_without_its_module_proves_nothing(tmp_path: Path, stop: Stop) -> None:
    """Where a suite cannot run, its drills are not run rather than missed, and it says why."""
    stage = hubs.command("make", STAGE, "{work}/out.json", artifacts=[hubs.OUT])
    spec = hubs.suite(
        stage,
        parameters={"seed": "1"},
        guards=[hubs.FLOOR],
        requires={"nowhere_to_be_found": "pip install nowhere"},
    )
    made = hubs.project(tmp_path / "p", tiny=spec)
    hubs.commit(made.root)
    patch(made.root, "gain", "GAIN = 0\n")
    (planned,) = drill.select(made, None, [])

    outcome = runs.run_drill(runs.ground(made), planned, stop)

    assert outcome.outcome == drill.NOT_RUN
    assert outcome.reason == "module nowhere_to_be_found is not installed: pip install nowhere"


def test_drills_stand_on_one_commit(project: Project, stop: Stop) -> None:
    """What is committed or declared after the call began changes neither run nor judgement."""
    patch(project.root, "gain", "GAIN = 0\n")
    ground = runs.ground(project)
    (planned,) = drill.select(ground.project, None, [])
    (project.root / "source/model.py").write_text("RENAMED = 1\n")
    hubs.commit(project.root)

    assert runs.run_drill(ground, planned, stop).outcome == "caught"
    assert runs.run_drill(runs.ground(project), planned, stop).outcome == "stale"


def test_the_commit_declares_what_is_drilled(project: Project, stop: Stop) -> None:
    """A bound that is not committed yet has no say; once it has, it was really run."""
    patch(project.root, "gain", "GAIN = 2\n")
    declared = project.root / "harness.toml"
    declared.write_text(declared.read_text().replace('"min" = 1.0', '"min" = 7.0'))
    (planned,) = drill.select(load_project(project.root), None, [])

    before = runs.run_drill(runs.ground(project), planned, stop)
    hubs.commit(project.root)
    after = runs.run_drill(runs.ground(project), planned, stop)

    assert [before.outcome, after.outcome] == ["missed", "caught"]
    assert not after.is_cached


def test_nothing_committed_is_said(tmp_path: Path) -> None:
    """Without a commit, or without a declaration in it, there is nothing to drill."""
    made = hubs.project(tmp_path / "p")
    with pytest.raises(ConfigError) as no_repository:
        runs.ground(made)
    (made.root / "harness.toml").rename(tmp_path / "aside")
    hubs.commit(made.root)
    with pytest.raises(ConfigError) as no_declaration:
        runs.ground(made)

    assert no_repository.value.exit_code == no_declaration.value.exit_code == 2
    assert "harness.toml" in no_declaration.value.where


@pytest.mark.slow
def test_clean_runs_of_two_suites_are_told_apart(tmp_path: Path, stop: Stop) -> None:
    """A false alarm of one suite does not hide behind the quiet run of another."""
    stage = hubs.command("make", STAGE, "{work}/out.json", artifacts=[hubs.OUT])
    spec = hubs.suite(stage, parameters={"seed": "1"}, guards=[hubs.FLOOR])
    strict = {"extends": "tiny", "guards": [{**hubs.FLOOR, "min": 5.0}]}
    made = hubs.project(tmp_path / "p", tiny=spec, strict=strict)
    hubs.commit(made.root)
    ground = runs.ground(made)
    clean = [*drill.clean_runs("strict", 1), *drill.clean_runs("tiny", 1)]

    outcomes = runs.run_all(ground, clean, InlineExecutor(2), stop, lambda _: None)

    assert [item.drill.suite for item in outcomes] == ["strict", "tiny"]
    assert [item.outcome for item in outcomes] == ["false alarm", "quiet"]


@pytest.mark.long
def test_report_says_what_has_not_run(project: Project) -> None:
    """Reporting what is kept runs nothing, names what is missing, and is no success."""
    for name in ("first", "second"):
        patch(project.root, name, "GAIN = 0\n")
    page = project.root / "power.md"
    program = ["-C", str(project.root), "drill"]
    ran = CliRunner().invoke(group, [*program, "tiny", "first"], standalone_mode=False)

    arguments = [*program, "--clean", "3", "--kept", "--json", "--report", str(page)]
    cached = CliRunner().invoke(group, arguments, standalone_mode=False)

    assert (ran.return_value, cached.return_value) == (0, 3)
    outcomes = [item["outcome"] for item in json.loads(cached.output)["drills"]]
    assert outcomes == ["caught", *["not run"] * 4]
    text = page.read_text()
    assert "**1 of 2**" in text
    assert "Not all drills were run." in text
    assert "**Incomplete: 4 of the runs asked for have not run.**" in text
    assert "Drills without an outcome: `second`." in text
    assert "Clean runs without an outcome: 3." in text
    assert "0 clean runs with fresh seeds raised 0 alarms." in text


def test_interrupted_drill_is_not_kept(project: Project) -> None:
    """What was asked to stop leaves no outcome behind, so that the next call runs it."""
    patch(project.root, "gain", "GAIN = 0\n")
    ground = runs.ground(project)
    (planned,) = drill.select(project, None, [])
    stop = Stop()
    stop.request(2)

    (outcome,) = runs.run_all(ground, [planned], InlineExecutor(1), stop, lambda _: None)
    stop.close()

    assert outcome.outcome == "not run"
    assert runs.load_outcome(ground, planned).outcome == "not run"
    assert not (project.work / "drills").exists()


def test_runs_share_the_cores(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs side by side get their share of threads, unless a person said how many."""
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert "OMP_NUM_THREADS" not in runs.ground(project).environ
    assert runs.ground(project, 4).environ["OMP_NUM_THREADS"] == "2"

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert runs.ground(project, 4).environ["OMP_NUM_THREADS"] == "3"
