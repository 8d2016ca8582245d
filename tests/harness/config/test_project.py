"""What a declaration means that leaves something out: the strict reading of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config.project import Project
from harness.errors import ConfigError
from tests.builders import hubs

TESTS = {"id": "tests", "kind": "pytest", "selectors": ["source"]}
BOUND = {"id": "floor", "kind": "bound", "metric": "out:value", "min": 1.0, "remedy": "Look."}
COMMAND = {"id": "make", "kind": "command", "argv": ["{python}"], "artifacts": [hubs.OUT]}


def declare(root: Path, **stage: Any) -> Project:
    """Declare a suite that says no more than it must, and this of its stage of tests."""
    suite = hubs.suite(COMMAND, {**TESTS, **stage}, guards=[BOUND])
    return hubs.project(root, tiny=suite)


def test_a_guard_fails_the_run_unless_it_says_that_it_warns(tmp_path: Path) -> None:
    """Guards decide; none has a policy that it does not name."""
    (guard,) = declare(tmp_path).suites["tiny"].guards
    assert (guard.severity, guard.policies) == ("fail", ())


def test_a_stage_is_bounded_and_run_once(tmp_path: Path) -> None:
    """Within a quarter of an hour; of its tests at least one is there and passes."""
    make, tests = declare(tmp_path).suites["tiny"].stages
    for stage in (make, tests):
        assert (stage.timeout_s, stage.retries, stage.test_retries) == (900.0, 0, 0)
        assert (stage.min_tests, stage.min_collected) == (1, 1)
        assert (stage.needs, stage.test_timeout_s) == ((), None)
    (artifact,) = make.artifacts
    assert (artifact.optional, artifact.external) == (False, False)


def test_a_verdict_stands_on_one_run_and_excuses_nothing(tmp_path: Path) -> None:
    """No quarantine, no age limit, no variables, goldens of its own."""
    suite = declare(tmp_path).suites["tiny"]
    assert (suite.runs, suite.quarantine, suite.max_age_days) == (1, (), None)
    assert (suite.environment, suite.python, suite.goldens_of) == ((), (), "")
    assert suite.judged_by == "tiny"


def test_a_project_lets_no_waiver_pass_that_nobody_signed(tmp_path: Path) -> None:
    """It trusts no key that it does not name, and reports reads without refusing them."""
    project = declare(tmp_path)
    assert (project.gate.unsigned_waivers, project.gate.signers) == (False, ())
    assert (project.trusted_keys, project.strict_inputs) == ((), False)
    assert project.shared_folder == project.work


BOUNDS: list[tuple[str, Any, bool]] = [
    ("min_tests", 1, True),
    ("min_tests", 0, False),
    ("min_collected", 1, True),
    ("min_collected", 0, False),
    ("min_collected", -1, False),
    ("timeout_s", 0.001, True),
    ("timeout_s", 0, False),
    ("timeout_s", -1, False),
    ("test_timeout_s", 0, False),
    ("retries", 0, True),
    ("retries", 5, True),
    ("retries", 6, False),
    ("retries", -1, False),
    ("test_retries", 5, True),
    ("test_retries", 6, False),
    ("test_retries", -1, False),
]


@pytest.mark.parametrize(("name", "value", "is_taken"), BOUNDS)
def test_what_would_prove_nothing_is_refused(
    tmp_path: Path, name: str, value: Any, *, is_taken: bool
) -> None:
    """No tests, no time, or attempts until it passes."""
    if is_taken:
        stage = declare(tmp_path, **{name: value}).suites["tiny"].stages[1]
        assert getattr(stage, name) == value
    else:
        with pytest.raises(ConfigError):
            declare(tmp_path, **{name: value})


@pytest.mark.parametrize("severity", ["info", "FAIL", "", "ignore"])
def test_a_severity_is_fail_or_warn(tmp_path: Path, severity: str) -> None:
    """Any other word would be a guard that nobody counts."""
    with pytest.raises(ConfigError):
        hubs.project(
            tmp_path, tiny=hubs.suite(COMMAND, guards=[{**BOUND, "severity": severity}])
        )


def test_goldens_of_another_suite_judge_where_that_is_said(tmp_path: Path) -> None:
    """A suite that is declared no more had its own."""
    project = hubs.project(tmp_path, tiny=hubs.suite(), small=hubs.suite(goldens_of="tiny"))
    assert project.goldens("small") == project.goldens("tiny") == project.golden / "tiny"
    assert project.goldens("gone") == project.golden / "gone"
