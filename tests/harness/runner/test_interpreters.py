"""The harness lives in one environment, the suite runs in another."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.config import interpreters
from harness.errors import ConfigError
from harness.evidence.hub import interpreter, plan, stamp
from harness.judgement import freshness
from tests.builders import hubs

_WHO = (
    "import json, os, sys;"
    "json.dump({'value': 3.0, 'who': os.environ.get('WHO', '')}, open(sys.argv[1], 'w'))"
)


def _write_wrapper(path: Path, who: str) -> Path:
    """Make an interpreter that says of which environment it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nWHO={who} exec "{sys.executable}" "$@"\n')
    path.chmod(0o755)
    return path


def _make(**keys: Any) -> dict[str, Any]:
    return hubs.command("make", _WHO, "{work}/out.json", artifacts=[hubs.OUT], **keys)


def _who(hub: Path) -> str:
    (path,) = hub.rglob("out.json")
    return path.read_text()


@pytest.mark.parametrize("level", ["project", "suite", "stage"])
def test_a_declared_interpreter_runs_the_stage(tmp_path: Path, level: str) -> None:
    """The nearest declaration counts; a path is one from the project's folder."""
    python = ".env/bin/python"
    _write_wrapper(tmp_path / python, "other")
    top = {"python": python} if level == "project" else {}
    suite = {"python": python} if level == "suite" else {}
    stage = {"python": python} if level == "stage" else {}
    made = hubs.project(tmp_path, top=top, tiny=hubs.suite(_make(**stage), **suite))

    outcome = hubs.run(made)

    assert '"who": "other"' in _who(outcome.hub)
    assert outcome.record.stages[0].argv[0].endswith(python)


def test_a_prefix_is_as_many_arguments(tmp_path: Path) -> None:
    """A command that starts an interpreter is spliced in: in run, plan and record."""
    prefix = ["env", "WHO=prefixed", sys.executable]
    made = hubs.project(tmp_path, tiny=hubs.suite(_make(), python=prefix))

    outcome = hubs.run(made)

    assert '"who": "prefixed"' in _who(outcome.hub)
    assert outcome.record.stages[0].argv[1] == "WHO=prefixed"
    assert plan.read_plan(outcome.hub).argv["make"][1] == "WHO=prefixed"


def test_a_prefix_within_an_argument_is_shell_text() -> None:
    """Within a longer argument the prefix is what a shell reads as these words."""
    command = ("conda", "run", "-n", "my env", "python")

    assert interpreters.join(command) == "conda run -n 'my env' python"
    assert interpreters.splice((interpreters.join(command), "-c", "1"), command) == (
        *command,
        "-c",
        "1",
    )
    assert interpreters.splice(("a b",), ("a b",)) == ("a b",)


def test_the_environment_is_that_of_the_interpreter(tmp_path: Path) -> None:
    """Version and packages are told by the interpreter itself, not by the harness's own."""
    fake = tmp_path / ".env/bin/python"
    fake.parent.mkdir(parents=True)
    answer = (
        '{"python": "3.9.18", "implementation": "cpython", "platform": "linux",'
        ' "machine": "m68k", "packages": {"tensorflow": "2.99.0"}, "absent": ["absent_one"]}'
    )
    fake.write_text(f"#!/bin/sh\necho noise of a .pth\necho '{answer}'\n")
    fake.chmod(0o755)
    made = hubs.project(
        tmp_path,
        tiny=hubs.suite(
            python=".env/bin/python",
            packages=["tensorflow"],
            requires={"absent_one": "pip install one"},
        ),
    )
    suite = made.suites["tiny"]

    recorded = stamp.environment_of(suite, made.root, may_start=True)

    assert recorded["python"] == "3.9.18"
    assert recorded["tensorflow"] == "2.99.0"
    assert recorded["machine"] == "m68k"
    assert "torch" not in recorded
    assert interpreter.absent_modules(suite, made.root) == (
        "module absent_one is not installed: pip install one"
    )


def test_declared_packages_are_recorded_where_absent_too(tmp_path: Path) -> None:
    """What a suite names is in its record; without names only what is installed is."""
    words = (sys.executable,)

    packages = ("click", "no-such-package")
    named = interpreter.describe(words, tmp_path, packages, may_start=True)
    usual = interpreter.describe(words, tmp_path, may_start=True)
    own = interpreter.describe((), tmp_path, ("click",), may_start=False)

    assert named["no-such-package"] == "none"
    assert named["click"] == own["click"] != "none"
    assert "none" not in usual.values()


def test_a_missing_interpreter_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, the path named, no hub left."""
    hubs.project(tmp_path, tiny=hubs.suite(python=".env/bin/python"))

    code = main.main(["-C", str(tmp_path), "run", "tiny", "--quiet"])
    said = capsys.readouterr().err.strip()

    assert code == 2
    assert str(tmp_path / ".env/bin/python") in said
    assert "\n" not in said
    assert list((tmp_path / "hubs").glob("tiny/2*")) == []


def test_what_does_not_answer_is_refused(tmp_path: Path) -> None:
    """A program that is no interpreter is named with what it said."""
    with pytest.raises(ConfigError) as caught:
        interpreter.describe(("false",), tmp_path, may_start=True)

    assert "exit code 1" in caught.value.found


def test_another_environment_is_stale(tmp_path: Path) -> None:
    """Evidence of one environment is not that of another, nor of one that went."""
    wrapper = _write_wrapper(tmp_path / ".env/bin/python", "x")
    made = hubs.project(tmp_path, tiny=hubs.suite(python=".env/bin/python"))
    outcome = hubs.run(made)
    suite, cache = made.suites["tiny"], freshness.cache_of(made)

    fresh = freshness.check(
        made, outcome.hub, outcome.record, freshness.now(made, suite), cache
    )
    wrapper.unlink()
    gone = freshness.check(made, outcome.hub, outcome.record, freshness.now(made, suite), cache)

    assert fresh.is_fresh
    assert [cause.kind for cause in gone.causes] == ["environment"]


@pytest.mark.parametrize("python", ["''", "[]", "['']", "3", "['a', 1]"])
def test_what_is_no_interpreter_is_refused(tmp_path: Path, python: str) -> None:
    """An empty or mistyped declaration is refused where it stands."""
    hubs.declare(tmp_path)
    path = tmp_path / "harness.toml"
    path.write_text(f"python = {python}\n{path.read_text()}")

    with pytest.raises(ConfigError, match="python"):
        hubs.load_project(tmp_path)


def test_a_scratch_checkout_finds_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments are not in git: a checkout uses the one of the project."""
    wrapper = _write_wrapper(tmp_path / "home/.env/bin/python", "x")
    monkeypatch.setitem(os.environ, interpreters.HOME, str(tmp_path / "home"))

    command = interpreters.locate((".env/bin/python",), tmp_path / "scratch")

    assert command == (str(wrapper),)
