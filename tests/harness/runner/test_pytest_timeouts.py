"""Bounds, retries and quarantine of single tests, told by reports, evidence and JUnit."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.judgement import verify
from harness.runner.workflow import RunOutcome
from tests.builders import hubs

ROOT = Path(__file__).parents[3]
# Passes from the third attempt on; each attempt gets fixtures of its own.
_SHAKY = """
import pathlib, pytest
PLACE = pathlib.Path(__file__).with_name("attempts")

@pytest.fixture(scope="module")
def opened():
    with PLACE.open("a") as stream:
        stream.write("x")
    yield len(PLACE.read_text())

def test_shaky(opened, tmp_path, evidence):
    assert not list(tmp_path.iterdir())
    (tmp_path / "left").touch()
    evidence.metric("opened", opened)
    print("printed in attempt", opened)
    assert opened > 2

def test_steady():
    pass
"""


def call(folder: Path, tests: str, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run pytest on one file in a child; return exit code, evidence and output."""
    (folder / "test_it.py").write_text(tests)
    fixed = ("-q", "-p", "harness.runner.pytest_plugin", "-p", "no:cacheprovider")
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                *fixed,
                "--harness-evidence=out",
                "--junit-xml=j.xml",
            ),
            *words,
            "test_it.py",
        ],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # half of a child's start
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    evidence = json.loads((folder / "out/evidence.json").read_text())
    return done.returncode, evidence, done.stdout


def outcomes(evidence: dict[str, Any]) -> dict[str, str]:
    """Return the outcome of each test by its name."""
    return {test["id"].partition("::")[2]: test["outcome"] for test in evidence["tests"]}


@pytest.mark.road
def test_retried_test_is_flaky_not_green(tmp_path: Path) -> None:
    """A test that passes at its third attempt is told as flaky, its failures in full."""
    code, evidence, said = call(tmp_path, _SHAKY, "--harness-test-retries=2")

    shaky = next(test for test in evidence["tests"] if test["id"].endswith("shaky"))
    assert (code, outcomes(evidence)) == (0, {"test_shaky": "passed", "test_steady": "passed"})
    assert ["printed in attempt 1" in a for a in shaky["attempts"]] == [True, False]
    assert "assert 2 > 2" in shaky["attempts"][1]
    assert "FLAKY test_it.py::test_shaky: 2 failed attempts" in said
    assert [m["value"] for m in evidence["metrics"]] == [3.0]
    properties = {p.get("name"): p.get("value") for p in _junit(tmp_path).iter("property")}
    assert properties["harness-flaky"] == "2 retried"


def _junit(folder: Path) -> ET.Element:
    return ET.parse(folder / "j.xml").getroot()  # noqa: S314 - of our own child


@pytest.mark.road
def test_what_never_passes_stays_red(tmp_path: Path) -> None:
    """Retries that do not help leave a failure, with every attempt told."""
    code, evidence, said = call(tmp_path, _SHAKY, "--harness-test-retries=1")

    assert (code, outcomes(evidence)["test_shaky"]) == (1, "failed")
    assert "RETRIED test_it.py::test_shaky: 1 failed attempt" in said
    assert "  | " in said


_HANGS = """
import time, pytest

@pytest.fixture
def slow():
    yield
    time.sleep(60)

def test_call():
    try:
        time.sleep(60)
    except Exception:
        pass

def test_teardown(slow):
    pass

def test_quick():
    pass
"""


@pytest.mark.road
@pytest.mark.slow
def test_hanging_test_is_ended_alone(tmp_path: Path) -> None:
    """A test that hangs fails at its bound, says where it was, and the others still run."""
    began = time.monotonic()

    code, evidence, said = call(tmp_path, _HANGS, "--harness-test-timeout=0.3")

    assert time.monotonic() - began < 20
    wanted = {"test_call": "failed", "test_teardown": "error", "test_quick": "passed"}
    assert (code, outcomes(evidence)) == (1, wanted)
    assert "call still running after 0.3 s" in said
    assert "tear-down still running after 0.3 s" in said
    assert "time.sleep(60)" in said


_QUARANTINE = """
import pytest

class TestOld:
    def test_bad(self):
        assert 0, "the old one"

@pytest.mark.parametrize("n", [1, 2])
def test_many(n):
    assert n == 1

@pytest.fixture
def broken():
    raise ValueError("no fixture")

def test_fixture(broken):
    pass

def test_fine():
    pass
"""


@pytest.mark.road
def test_quarantined_failure_is_skipped(tmp_path: Path) -> None:
    """A class, a parametrised test and a broken fixture are excused, their failures kept."""
    named = ("TestOld", "test_many", "test_fixture")
    entries = [f"--harness-quarantine=test_it.py::{name}|ada: why {name}" for name in named]

    code, evidence, said = call(tmp_path, _QUARANTINE, *entries)

    assert (code, evidence["verdict"]) == (0, "green")
    assert evidence["reason"] == "2 of 5 tests passed, 3 failed in quarantine"
    assert outcomes(evidence) == {
        "TestOld::test_bad": "quarantined",
        "test_many[1]": "passed",
        "test_many[2]": "quarantined",
        "test_fixture": "quarantined",
        "test_fine": "passed",
    }
    skipped = [str(case.get("message")) for case in _junit(tmp_path).iter("skipped")]
    assert sorted(skipped) == [f"quarantined: ada: why {n}" for n in sorted(named)]
    assert "QUARANTINED test_it.py::TestOld::test_bad: 1 failed attempt" in said
    assert "the old one" in said
    bad = next(test for test in evidence["tests"] if test["id"].endswith("bad"))
    assert (bad["quarantine"], "the old one" in bad["attempts"][0]) == (
        "test_it.py::TestOld",
        True,
    )


@pytest.mark.road
def test_quarantine_excuses_nobody_else(tmp_path: Path) -> None:
    """What is not named fails as ever, a name that only begins alike included."""
    tests = "def test_a(): pass\ndef test_ab(): assert 0\n"

    code, evidence, _ = call(
        tmp_path, tests, "--harness-quarantine=test_it.py::test_a|ada: why"
    )

    assert (code, outcomes(evidence)["test_ab"]) == (1, "failed")


@pytest.mark.road
def test_unknown_quarantine_is_an_error(tmp_path: Path) -> None:
    """A quarantine that names no test that ran ends with exit code 4 and the nearest name."""
    entry = "--harness-quarantine=test_it.py::test_many[3]|ada: why"

    code, evidence, said = call(tmp_path, _QUARANTINE, entry)

    assert (code, evidence["verdict"]) == (4, "red")
    assert "ERROR: not found: quarantined test_it.py::test_many[3]; did you mean" in said


@pytest.mark.road
def test_only_quarantined_failures_prove_nothing(tmp_path: Path) -> None:
    """A session in which nothing passed is inconclusive, whatever excused it."""
    code, evidence, _ = call(
        tmp_path, "def test_a(): assert 0\n", "--harness-quarantine=test_it.py|ada: x"
    )

    assert (code, evidence["verdict"]) == (5, "inconclusive")


@pytest.mark.road
@pytest.mark.slow
def test_workers_tell_the_same(tmp_path: Path) -> None:
    """Under pytest-xdist retries, bounds and quarantine reach the one who records."""
    pytest.importorskip("xdist", reason="needs the extra dev")
    tests = _SHAKY + _QUARANTINE + "\ndef test_hangs():\n    import time; time.sleep(60)\n"
    named = ("TestOld", "test_many", "test_fixture", "test_hangs")
    words = [f"--harness-quarantine=test_it.py::{name}|ada: why" for name in named]

    code, evidence, said = call(
        tmp_path,
        tests,
        *words,
        "--harness-test-retries=2",
        "--harness-test-timeout=0.3",
        "-p",
        "xdist",
        "-n1",
    )

    attempts = {
        t["id"].partition("::")[2]: len(t.get("attempts", ())) for t in evidence["tests"]
    }
    assert code == 0
    assert [name for name, word in outcomes(evidence).items() if word == "quarantined"] == [
        "TestOld::test_bad",
        "test_fixture",
        "test_hangs",
        "test_many[2]",
    ]
    assert (attempts["test_shaky"], attempts["test_hangs"]) == (2, 3)
    assert "FLAKY test_it.py::test_shaky: 2 failed attempts" in said
    assert "call still running after 0.3 s" in said


def suite_run(folder: Path, tests: str, **keys: Any) -> RunOutcome:
    """Run a suite of one pytest stage; the retried quarantine entry is given as ``test``."""
    stage = {
        "id": "tests",
        "kind": "pytest",
        "selectors": ["source/test_it.py"],
        "timeout_s": 60,
        **keys.pop("stage", {}),
    }
    hubs.declare(folder, tiny=hubs.suite(stage, **keys))
    (folder / "source/test_it.py").write_text(tests)
    made = hubs.project(folder, tiny=hubs.suite(stage, **keys))
    outcome = hubs.run(made)
    assert verify.verify(made, outcome.hub, allow_stale=True).exit_code == outcome.exit_code
    return outcome


def entry(test: str) -> dict[str, Any]:
    """Declare a quarantine of a test."""
    soon = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9)
    return {"test": test, "owner": "ada", "reason": "shakes", "expires": soon, "clean_runs": 2}


@pytest.mark.road
@pytest.mark.slow
def test_flaky_test_is_visible_in_the_hub(tmp_path: Path) -> None:
    """The record, the reason and the evidence of a green run name the test and its retries."""
    outcome = suite_run(tmp_path, _SHAKY, stage={"test_retries": 2, "test_timeout_s": 30})

    record = outcome.record
    assert (outcome.exit_code, record.stages[0].is_flaky) == (0, True)
    assert record.stages[0].flaky == ("source/test_it.py::test_shaky: 2 retries",)
    assert "flaky: test source/test_it.py::test_shaky: 2 retries" in record.reason
    evidence = json.loads((outcome.hub / "green/tests.evidence.json").read_text())
    assert [len(t.get("attempts", ())) for t in evidence["tests"]] == [2, 0]
    assert "printed in attempt 1" in (outcome.hub / "green/tests.log").read_text()


@pytest.mark.road
@pytest.mark.slow
def test_quarantined_test_in_the_hub(tmp_path: Path) -> None:
    """It is counted apart, keeps the promise of ``min_tests``, and is lifted by clean runs."""
    bad = "import os\ndef test_a(): assert 0, 'as known'\ndef test_b(): pass\n"
    keys = {"quarantine": [entry("source/test_it.py::test_a")], "stage": {"min_tests": 2}}

    shaken = suite_run(tmp_path, bad, **dict(keys))
    clean = [suite_run(tmp_path, bad.replace("0, 'as known'", "1"), **dict(keys)) for _ in "12"]
    counted = suite_run(tmp_path, bad, **dict(keys))

    first, last = shaken.record.stages[0], counted.record
    assert (shaken.exit_code, first.tests["quarantined"], first.tests["passed"]) == (0, 1, 1)
    assert "as known" in (shaken.hub / "green/tests.log").read_text()
    assert [run.record.quarantine[0].clean for run in clean] == [1, 2]
    assert (counted.exit_code, last.quarantine[0].state) == (1, "lifted")


@pytest.mark.road
@pytest.mark.parametrize(
    ("name", "word"),
    [("test_aa", "'source/test_it.py::test_a'"), ("no.py::test_a", "source/test_it.py")],
)
def test_unknown_test_is_refused(tmp_path: Path, name: str, word: str) -> None:
    """A test that its file does not hold is a mistake before anything runs."""
    from harness.errors import ConfigError

    test = f"source/{name}" if "::" in name else f"source/test_it.py::{name}"
    with pytest.raises(ConfigError) as refused:
        suite_run(
            tmp_path,
            "def test_a(): pass\n",
            stage={"selectors": ["source"]},
            quarantine=[entry(test)],
        )

    assert word in str(refused.value)
