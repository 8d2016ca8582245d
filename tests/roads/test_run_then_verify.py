"""The road of evidence: run, seal, verify, go red, follow the blocker, and come back green."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.config.project import Project
from harness.evidence.hub.blockers import Register
from harness.judgement import verify
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from tests.builders import hubs

SOURCE = """import json, sys
print("gain from", __file__)
json.dump({"value": 3.0 * GAIN}, open(sys.argv[1], "w"))
"""
MAKE = {
    "id": "make",
    "kind": "command",
    "argv": ["{python}", "source/model.py", "{work}/out.json"],
    "timeout_s": 30,
    "artifacts": [hubs.OUT],
}
TESTS = {
    "id": "tests",
    "kind": "pytest",
    "selectors": ["source/test_gain.py"],
    "needs": ["make"],
    "timeout_s": 60,
}
SUITE = hubs.suite(MAKE, guards=[hubs.FLOOR])
TESTED = hubs.suite(MAKE, TESTS, guards=[hubs.FLOOR])


def write(root: Path, gain: float) -> None:
    (root / "source/model.py").write_text(f"GAIN = {gain}\n{SOURCE}")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = hubs.declare(tmp_path / "project", tiny=SUITE, tested=TESTED)
    (root / "source/test_gain.py").write_text("def test_gain():\n    assert True\n")
    write(root, 1.0)
    hubs.commit(root)
    return load_project(root)


def paste(root: Path, command: str) -> int:
    """Run a command as a person would paste it at the root of the project."""
    scripts = str(Path(sys.executable).parent)
    environment = {
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "HOME": os.environ.get("HOME", "/"),
    }
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=root,
        env=environment,
        check=False,
        capture_output=True,
    ).returncode


def commands(note: Path) -> list[str]:
    """Return the retry commands of a blocker note."""
    return note.read_text().split("```sh\n")[1].split("```")[0].strip().splitlines()


@pytest.mark.road
def test_green_run_verifies(project: Project) -> None:
    """What a run sealed is proven again from its files alone, in a copy as well."""
    outcome = hubs.run(project, "tested")

    assert outcome.record.verdict is Verdict.GREEN
    assert outcome.record.stages[1].tests["passed"] == 1
    assert not outcome.record.stamp.dirty
    assert verify.verify(project, outcome.hub).exit_code == 0

    copy = project.root.parent / "copy"
    shutil.copytree(project.root, copy)
    there = copy / outcome.hub.relative_to(project.root)
    assert verify.verify(load_project(copy), there).exit_code == 0


@pytest.mark.road
def test_changed_byte_is_damage(project: Project) -> None:
    """One changed byte of the stored artifact is exit 4, though the guard would pass."""
    hub = hubs.run(project).hub
    stored = hub / "analysis/make/out.json"
    stored.chmod(0o644)
    stored.write_text('{"value": 5.0}')
    stored.chmod(0o444)

    report = verify.verify(project, hub)

    assert report.exit_code == 4
    assert any("out.json" in f"{row.found} {row.remedy}" for row in report.rows)


@pytest.mark.road
def test_moved_bound_is_red_today(project: Project) -> None:
    """With today's bound out of reach the old evidence is red: exit 1."""
    hub = hubs.run(project).hub
    moved = {**SUITE, "guards": [{**hubs.FLOOR, "min": 100.0}]}
    hubs.declare(project.root, tiny=moved)
    write(project.root, 1.0)

    assert verify.verify(load_project(project.root), hub).exit_code == 1


@pytest.mark.road
def test_defect_blocks_until_it_is_gone(project: Project) -> None:
    """A defect makes one blocker however often it is seen; green runs in a row close it."""
    register = Register(project.hubs)
    hubs.run(project)
    write(project.root, 0.1)

    red = [hubs.run(project) for _ in range(2)]

    assert [o.exit_code for o in red] == [1, 1]
    (blocker,) = register.entries()
    assert (blocker.guard, blocker.status, blocker.occurrences) == ("floor", "open", 2)
    assert blocker.first_seen == red[0].record.finished
    assert blocker.last_seen == red[1].record.finished

    write(project.root, 1.0)
    for expected in ("open", "open", "closed"):
        hubs.run(project)
        assert register.entries()[0].status == expected

    write(project.root, 0.1)
    hubs.run(project)
    (again,) = register.entries()
    assert (again.status, again.occurrences, again.green_runs) == ("open", 3, 0)


@pytest.mark.road
def test_retry_of_a_guard_works_when_pasted(project: Project) -> None:
    """The command in a guard's blocker runs the suite: red with the defect, green without."""
    write(project.root, 0.1)
    hub = hubs.run(project).hub
    (note,) = (hub / "red").glob("blocked_*_guard-floor.md")

    (command,) = commands(note)

    assert paste(project.root, command) == 1
    write(project.root, 1.0)
    assert paste(project.root, command) == 0


@pytest.mark.road
def test_retry_of_a_stage_works_when_pasted(project: Project) -> None:
    """A failing stage's own command fails alike when pasted, and succeeds once repaired."""
    (project.root / "source/model.py").write_text("raise ValueError('no gain')\n")
    hub = hubs.run(project).hub
    (note,) = (hub / "red").glob("blocked_*_stage-make.md")

    suite, stage = commands(note)

    assert "ValueError: no gain" in note.read_text()
    assert str(project.root) not in note.read_text()
    assert paste(project.root, stage) == 1
    write(project.root, 1.0)
    assert paste(project.root, stage) == 0
    assert paste(project.root, suite) == 0


def said_by(project: Project) -> str:
    """Return what the waiting stage wrote so far."""
    logs = project.hubs.glob("slow/.tmp-*/cli/wait.log")
    return "".join(log.read_text() for log in logs)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.road
def test_killed_run_is_cleared_by_the_next(project: Project) -> None:
    """After a kill in the midst of a stage the next run starts clean and leaves one hub."""
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    hubs.declare(project.root, tiny=SUITE, slow=hubs.suite(hubs.command("wait", code)))
    write(project.root, 1.0)
    script = (
        "import sys; from pathlib import Path;"
        "from harness.judgement.declaration import load_project;"
        "from harness.runner import workflow;"
        "workflow.run_suite(load_project(Path(sys.argv[1])), 'slow', workflow.RunOptions())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(project.root)],
        cwd=Path(__file__).parents[2],
    )
    while not (said := said_by(project)):
        assert child.poll() is None
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert is_alive(int(said))

    outcome = hubs.run(load_project(project.root))

    assert outcome.record.verdict is Verdict.GREEN
    assert not is_alive(int(said))
    assert not list(project.hubs.glob("slow/.tmp-*"))
    assert not list((project.work / "work").glob("*"))
