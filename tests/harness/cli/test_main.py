"""The program from outside: what is typed, what is printed, what it exits with."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import harness
from harness.cli import main

ROOT = Path(__file__).parents[3]
_WAITING = """
import sys
sys.stdin.read()
from harness.cli import main
sys.exit(main.main(["--help"]))
"""


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["rnu"], "harness: No such command 'rnu'; did you mean 'run'?"),
        (["--vresion"], "harness: No such option '--vresion'; did you mean '--version'?"),
        (["run"], "harness run: Missing argument 'SUITE'."),
        (["run", "quick", "--if-stal"], "did you mean '--if-stale'?"),
        (["report", "--format", "pdf"], "harness report: Invalid value for '--format'"),
        (["blockers", "shwo"], "harness blockers: No such command 'shwo'"),
        (["diff", "a", "b", "c"], "harness diff: Got unexpected extra argument (c)."),
        (["status", "-C", "no-such-folder"], "harness status: Invalid value for '-C'"),
    ],
)
def test_mistyped_command_is_one_line(
    typed: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word is answered by the nearest right one, and where to read more."""
    assert main.main(typed) == 2

    output = capsys.readouterr()
    assert said in output.err
    assert "--help" in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The version is that of the package."""
    assert main.main(["--version"]) == 0
    assert capsys.readouterr().out == f"harness {harness.__version__}\n"


def test_version_starts_at_once() -> None:
    """A fresh process tells its version in a tenth of a second of CPU time."""
    spent = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "harness", "--version"], cwd=ROOT, check=True)
        after = os.times()
        spent.append(
            after.children_user
            + after.children_system
            - before.children_user
            - before.children_system
        )

    assert min(spent) < 0.2  # the house value is 0.1 on a quiet machine


@pytest.mark.parametrize("typed", [[], ["--help"], ["-h"]])
def test_help_lists_every_command(typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Help names each command, and no command means help."""
    assert main.main(typed) == 0

    output = capsys.readouterr().out
    assert all(f"  {name} " in output for name in main.COMMANDS)


@pytest.mark.parametrize("command", ["status", "run quick", "blockers list", "diff", "report"])
def test_no_project_is_exit_ten(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Outside a project a command says so and what to do."""
    monkeypatch.chdir(tmp_path)

    assert main.main(command.split()) == 10
    assert "harness init" in capsys.readouterr().err


def test_closed_pipe_is_quiet() -> None:
    """A reader that goes away ends the program without a word."""
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            _WAITING,
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stderr is not None
    with child:
        child.stdout.close()
        child.stdin.close()
        error_text = child.stderr.read()

    assert error_text == b""
    assert child.returncode in {0, 141}


def test_shell_completion_is_offered(capfd: pytest.CaptureFixture[str]) -> None:
    """The script that bash sources is printed on request."""
    environment = {**os.environ, "_HARNESS_COMPLETE": "zsh_source"}

    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "harness"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert "_HARNESS_COMPLETE=zsh_complete" in done.stdout
    assert time.monotonic() - began < 30
    assert capfd.readouterr().err == ""
