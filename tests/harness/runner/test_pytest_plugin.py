"""The plugin records what tests did and attached, and takes no silence for success."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from harness.files import sha256_bytes
from tests.builders import hubs

ROOT = Path(__file__).parents[3]
# Other plugins cost each child half its start; stages of hubs below load all there are.
CHILD = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
_TESTS = """
import warnings, pytest

@pytest.mark.parametrize("seed", [3, 5])
def test_drawn(evidence, tmp_path, seed):
    (tmp_path / "curve.csv").write_text(f"{seed}\\n")
    evidence.seed(seed)
    evidence.metric("loss", seed / 10)
    evidence.file(tmp_path / "curve.csv")

def test_warns(evidence):
    warnings.warn("beware", UserWarning)
    evidence.metric("wild", float("nan"))

@pytest.mark.skip
def test_skipped():
    pass

def test_teardown_breaks(broken):
    pass

@pytest.fixture
def broken():
    yield
    raise ValueError("late")
"""


def call(folder: Path, tests: str, *words: str) -> tuple[int, dict[str, Any]]:
    """Run pytest on one file in a child and read the evidence."""
    (folder / "test_it.py").write_text(tests)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "harness.runner.pytest_plugin"]
    done = subprocess.run(
        [*argv, "-p", "no:cacheprovider", "--harness-evidence", "out", *words, "test_it.py"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": "7", **CHILD},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (folder / "out/evidence.json").is_file(), done.stdout + done.stderr
    evidence: dict[str, Any] = json.loads((folder / "out/evidence.json").read_text())
    assert f"evidence: {folder / 'out/evidence.json'}: {evidence['verdict']}" in done.stdout
    return done.returncode, evidence


@pytest.mark.road
@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_everything_attached_arrives(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Outcomes, metrics, files, seeds and warnings are the same with and without workers."""
    code, evidence = call(tmp_path, _TESTS, *words)

    assert (code, evidence["exit_code"], evidence["verdict"]) == (1, 1, "red")
    assert evidence["counts"] == {
        "collected": 5,
        "passed": 3,
        "failed": 0,
        "error": 1,
        "skipped": 1,
    }
    outcomes = {test["id"].partition("::")[2]: test["outcome"] for test in evidence["tests"]}
    assert outcomes["test_teardown_breaks"] == "error"
    assert all(test["duration_s"] >= 0 for test in evidence["tests"])
    metrics = [(m["name"], m["value"]) for m in evidence["metrics"]]
    assert metrics[:2] == [("loss", 0.3), ("loss", 0.5)]
    assert math.isnan(metrics[2][1])
    assert [seed["value"] for seed in evidence["seeds"]] == [3, 5]
    assert [w["message"] for w in evidence["warnings"]] == ["beware"]
    assert evidence["hash_seed"] == "7"
    first, second = evidence["files"]
    assert (first["name"], first["sha256"]) == ("curve.csv", sha256_bytes(b"3\n"))
    assert (tmp_path / "out" / second["path"]).read_text() == "5\n"


@pytest.mark.road
@pytest.mark.parametrize(
    ("tests", "words", "code", "verdict"),
    [
        ("def test_a(): pass\n", (), 0, "green"),
        ("x = 1\n", (), 5, "inconclusive"),
        ("import pytest\n@pytest.mark.skip\ndef test_a(): pass\n", (), 5, "inconclusive"),
        ("def test_a(): pass\n", ("--harness-least-tests", "2"), 1, "red"),
        ("def test_a(): assert 0\n", (), 1, "red"),
        ("import nothing_like_this\n", (), 2, "red"),
    ],
    ids=["passed", "none", "all-skipped", "too-few", "failed", "unimportable"],
)
def test_silence_is_no_success(
    tmp_path: Path, tests: str, words: tuple[str, ...], code: int, verdict: str
) -> None:
    """No test, only skipped tests and fewer than promised are not green."""
    returned, evidence = call(tmp_path, tests, *words)

    assert (returned, evidence["verdict"]) == (code, verdict)
    assert evidence["reason"]


@pytest.mark.road
def test_attached_metric_is_judged_by_a_guard(tmp_path: Path) -> None:
    """What a test attaches is an artifact of the hub, and a guard reads its number."""
    stage = {
        "id": "tests",
        "kind": "pytest",
        "selectors": ["source/test_loss.py"],
        "timeout_s": 60,
        "artifacts": [{"id": "evidence", "path": "tests/evidence.json"}],
    }
    ceiling = {
        "id": "loss",
        "kind": "bound",
        "metric": "evidence:metrics.[name=loss].value",
        "aggregate": "max",
        "max": 0.4,
        "remedy": "Look at the loss.",
    }
    made = hubs.project(tmp_path / "p", tiny=hubs.suite(stage, guards=[ceiling]))
    text = "def test_loss(evidence):\n    evidence.metric('loss', {value})\n"
    path = made.root / "source/test_loss.py"

    path.write_text(text.format(value=0.3))
    green = hubs.run(made)
    path.write_text(text.format(value=0.9))
    red = hubs.run(made)

    assert (green.exit_code, green.record.reason) == (0, "every stage and guard passed")
    assert [g.id for g in red.record.guards if g.verdict.exit_code == 1] == ["loss"]


@pytest.mark.road
def test_a_session_within_a_worker_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session that a test of a parallel session starts is no worker: it writes its own."""
    monkeypatch.setitem(CHILD, "PYTEST_XDIST_WORKER", "gw0")

    code, evidence = call(tmp_path, "def test_a(): pass\n")

    assert (code, evidence["counts"]["passed"]) == (0, 1)


def test_file_name_stays_in_the_evidence(tmp_path: Path) -> None:
    """A name with folders is refused, so nothing is written elsewhere."""
    tests = "def test_a(evidence):\n    evidence.file(__file__, '../outside.py')\n"

    code, evidence = call(tmp_path, tests)

    assert (code, evidence["files"]) == (1, [])
    assert not list(tmp_path.glob("**/outside.py"))


def test_plugin_is_no_entry_point() -> None:
    """No session of an environment loads anything of the harness unless it is asked for."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert "pytest11" not in declared.get("entry-points", {})
