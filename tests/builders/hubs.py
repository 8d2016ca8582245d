"""Small real projects whose stages are inline Python, run to real sealed hubs."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from harness.config.project import Project
from harness.judgement.declaration import load_project
from harness.runner import workflow
from harness.runner.workflow import RunOptions, RunOutcome

WRITE = (
    "import json, sys; json.dump({'value': float(sys.argv[2])}, open(sys.argv[1], 'w'));"
    "print('wrote', sys.argv[2])"
)
FLOOR: dict[str, Any] = {
    "id": "floor",
    "kind": "bound",
    "metric": "out:value",
    "min": 1.0,
    "remedy": "Make the value larger.",
}
OUT: dict[str, Any] = {"id": "out", "path": "out.json"}


def command(id_: str, code: str, *arguments: str, **keys: Any) -> dict[str, Any]:
    """Declare a command stage that runs inline Python."""
    argv = ["{python}", "-I", "-c", code, *arguments]
    return {"id": id_, "kind": "command", "argv": argv, "timeout_s": 30, **keys}


def writing(value: str = "{value}", **keys: Any) -> dict[str, Any]:
    """Declare the stage that writes the artifact ``out`` with a value."""
    return command("make", WRITE, "{work}/out.json", value, artifacts=[OUT], **keys)


def suite(*stages: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """Declare a suite; without stages it writes 3 and has a floor of 1."""
    plain = {
        "description": "A value and its floor.",
        "inputs": ["source/**/*.py"],
        "parameters": {"value": "3"},
        "stages": list(stages) or [writing()],
    }
    guards = {} if stages else {"guards": [FLOOR]}
    return {**plain, **guards, **keys}


def declare(root: Path, *, top: dict[str, Any] | None = None, **suites: dict[str, Any]) -> Path:
    """Write a project with one source file and the given suites."""
    (root / "source").mkdir(parents=True, exist_ok=True)
    (root / "source/model.py").write_text("GAIN = 1\n")
    values = {"schema": 1, "name": "tiny", **(top or {}), "suites": suites or {"tiny": suite()}}
    lines = [f"{key} = {toml(value)}" for key, value in values.items()]
    (root / "harness.toml").write_text("\n".join(lines) + "\n")
    return root


def project(root: Path, **keys: Any) -> Project:
    """Write and load a project."""
    return load_project(declare(root, **keys))


def run(made: Project, name: str = "tiny", **options: Any) -> RunOutcome:
    """Run a suite without anybody watching."""
    return workflow.run_suite(made, name, RunOptions(**{"grace_s": 0.3, **options}))


def kill_in_a_stage(made: Project, begun: Path) -> None:
    """Run suite ``tiny`` in another process, and kill that once its stage has made a file."""
    pid = os.fork()
    if pid == 0:
        try:
            run(made)
        finally:
            os._exit(99)
    wait_for(begun)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def wait_for(path: Path) -> None:
    """Wait until a file is there, half a minute at most."""
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def commit(root: Path, message: str = "state") -> str:
    """Commit everything in a work tree (made on the first call) and return the commit."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet", "--initial-branch=main")
        (root / ".gitignore").write_text(".harness/\n__pycache__/\n")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(root, "rev-parse", "HEAD")


def git(root: Path, *arguments: str) -> str:
    """Run git as somebody, with no settings of this machine."""
    who = {
        f"GIT_{role}_{key}": value
        for role in ("AUTHOR", "COMMITTER")
        for key, value in (("NAME", "Tess"), ("EMAIL", "tess@example.org"))
    }
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],  # noqa: S607 - the one of the machine
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, **who},
    )
    return done.stdout.strip()


def toml(value: Any) -> str:
    """Write a value as inline TOML."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(key)} = {toml(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return json.dumps(value)
