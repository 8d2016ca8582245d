"""A rerun with the packages of the run: from the lock that it recorded, or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as program
from harness.evidence.ledger.log import Ledger
from harness.experiments.commits import environment
from harness.experiments.reproduce import rerun
from harness.judgement.declaration import load_project
from tests.builders import hubs

_MODEL = """\
import json, sys, gain
json.dump({"value": 2.0 * gain.GAIN}, open(sys.argv[1] + "/out.json", "w"))
"""
_PYTHON = ".harness/env/bin/python"  # where git does not look


def wheel(folder: Path, version: str) -> None:
    """Make a wheel of the package ``gain``, whose constant is its version."""
    info = f"gain-{version}.dist-info"
    files = {
        "gain.py": f"GAIN = {version}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: gain\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for name, text in files.items():
        sha256 = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
        rows.append(f"{name},sha256={sha256.rstrip(b'=').decode()},{len(text)}\n")
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"])
    with zipfile.ZipFile(folder / f"gain-{version}-py3-none-any.whl", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)


def install(root: Path, version: str) -> None:
    """Let the project's own environment hold a version of the package."""
    pip = [sys.executable, "-m", "pip", "--python", str(root / _PYTHON), "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", f"gain=={version}"], check=True)


@dataclass(frozen=True, slots=True)
class Locked:
    """A project whose commit holds a lock, and the hub of a run with those packages."""

    root: Path
    hub: Path

    def reproduce(self, *words: str) -> int:
        """Ask for a rerun; return the exit code."""
        argv = ["-C", str(self.root), "reproduce", "--hub", str(self.hub), *words]
        return program.main(argv)

    @property
    def reruns(self) -> list[dict[str, Any]]:
        """What was logged of reruns."""
        entries = Ledger(self.root / ".harness/ledger.jsonl").walk()
        return [dict(entry.body) for entry in entries if entry.kind == "reproduction"]


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Locked:
    """Lock version 1.0, run with it, and let the project's environment move on to 2.0."""
    wheels, root = tmp_path / "wheels", tmp_path / "p"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        wheel(wheels, version)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    argv = ["{python}", "{root}/source/model.py", "{work}"]
    make = {"id": "make", "kind": "command", "argv": argv, "timeout_s": 30}
    make["artifacts"] = [hubs.OUT]
    inputs = ["source/*.py", "requirements.lock"]
    guard = {**hubs.FLOOR, "min": 0.5}
    suite = hubs.suite(make, inputs=inputs, guards=[guard], python=_PYTHON, packages=["gain"])
    hubs.declare(root, tiny=suite)
    (root / "source/model.py").write_text(_MODEL)
    (root / "requirements.lock").write_text("gain==1.0\n")
    hubs.commit(root)
    environment_ = [sys.executable, "-m", "venv", "--without-pip", str(root / ".harness/env")]
    subprocess.run(environment_, check=True)
    install(root, "1.0")
    outcome = hubs.run(load_project(root))
    assert outcome.record.verdict == "green"
    install(root, "2.0")
    return Locked(root, outcome.hub)


@pytest.mark.long
def test_a_rerun_has_the_packages_of_the_lock(
    locked: Locked, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment moved on: the lock gives the same bits, the present one does not."""
    assert locked.reproduce("--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["answer"], answer["environment"]) == ("bit-identical", [])
    assert answer["packages"].startswith("of requirements.lock, ")

    assert locked.reproduce("--present") == 1
    said = capsys.readouterr().out
    assert "gain 1.0 then, 2.0 now" in said
    assert "packages: those present; the commit names the run's in requirements.lock" in said
    assert [one["answer"] for one in locked.reruns] == ["bit-identical", "changed"]


@pytest.mark.long
def test_a_lock_that_cannot_be_had_is_refused(
    locked: Locked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A package that no index has: one line names it, exit code 2, and nothing is logged."""
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    capsys.readouterr()

    assert locked.reproduce() == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert "gain==1.0" in line
    assert "--present" in line
    assert locked.reruns == []


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("requirements.lock", "2.7.18", "no python2.7"),
        ("poetry.lock", "", "a kind of lock that is not read"),
        ("uv.lock", "", "no program uv"),
    ],
)
def test_what_is_not_here_is_said_before_anything_is_installed(
    name: str, version: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another Python, a lock of a tool that is not here: refused by name."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / name).write_text("")
    here = version or f"{sys.version_info.major}.{sys.version_info.minor}.0"

    with (
        pytest.raises(environment.ConfigError) as caught,
        environment.from_lock(tmp_path / name, here),
    ):
        pytest.fail("there is no such environment")

    assert caught.value.found == words


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "./package",
        "gain @ https://example.org/gain.whl",
        "--index-url https://example.org/simple",
        "-r more.txt",
        "gain>=1.0",
        "gain==1.*",
        "gain",
    ],
)
def test_a_lock_that_says_more_than_versions_is_refused(line: str, tmp_path: Path) -> None:
    """Folders, addresses, options and open versions are no lock: nothing is installed."""
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"# packages\nclick==8.1.0 ; python_version > '3'\n{line}\n")
    here = f"{sys.version_info.major}.{sys.version_info.minor}.0"

    with pytest.raises(environment.ConfigError) as caught, environment.from_lock(lock, here):
        pytest.fail("there is no such environment")

    assert (caught.value.where, caught.value.found) == ("requirements.lock:3", line)


def test_locks_of_the_common_tools_are_pinned() -> None:
    """Ours, and lines as pip-compile and uv write them, with markers, extras and digests."""
    lines = (
        "torch==2.13.0",
        "uvicorn[standard,x]==0.30.1",
        "colorama==0.4.6 ; sys_platform == 'win32' \\",
        f"    --hash=sha256:{'4f' * 32}",
        f"six==1.16.0 --hash=sha256:{'1e' * 32}",
        "torch==2.13.0+cpu  # via -r requirements.in",
    )
    root = Path(__file__).parents[4]
    ours = (root / "requirements.lock").read_text().splitlines()

    environment.require_pinned("\n".join([*lines, *ours]), "requirements.lock")


@pytest.mark.long
def test_a_lock_that_is_not_the_one_of_the_run_is_refused(
    locked: Locked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hub that names another lock than its commit holds is not run with either."""
    true = rerun.plan.read_plan(locked.hub)
    other = replace(true, inputs={**true.inputs, "requirements.lock": "0" * 64})
    monkeypatch.setattr(rerun.plan, "read_plan", lambda _: other)
    monkeypatch.setattr(rerun, "_require_whole", lambda *_: None)  # as of a well-sealed forgery
    capsys.readouterr()

    assert locked.reproduce() != 0

    (line,) = capsys.readouterr().err.splitlines()
    assert "requirements.lock" in line
    assert locked.reruns == []
