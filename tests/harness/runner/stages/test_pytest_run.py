"""Tests counted and judged: what was collected, passed, failed, skipped or promised."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.project import StageSpec
from harness.runner.stages import pytest_run
from harness.verdict import Verdict

JUNIT = """<testsuites><testsuite>
<testcase classname="t" name="a"/>
<testcase classname="t" name="b"><failure message="x"/></testcase>
<testcase classname="t" name="b"><error message="teardown"/></testcase>
<testcase classname="t" name="c"><skipped/></testcase>
<testcase classname="t" name="d"><error/></testcase>
</testsuite></testsuites>"""


def test_each_test_is_counted_once(tmp_path: Path) -> None:
    """A test that fails and errs in its teardown is one test that did not pass."""
    (tmp_path / "j.xml").write_text(JUNIT)

    counts = pytest_run.count(tmp_path / "j.xml")

    assert counts == {"collected": 4, "passed": 1, "failed": 1, "errors": 1, "skipped": 1}


@pytest.mark.parametrize("content", ["", "<testsuites>", "no xml"])
def test_unreadable_junit_counts_nothing(tmp_path: Path, content: str) -> None:
    """A broken JUnit file proves no test."""
    (tmp_path / "j.xml").write_text(content)

    assert pytest_run.count(tmp_path / "j.xml") == {}


def counts(passed: int, failed: int = 0, skipped: int = 0) -> dict[str, int]:
    total = passed + failed + skipped
    return {
        "collected": total,
        "passed": passed,
        "failed": failed,
        "errors": 0,
        "skipped": skipped,
    }


TABLE = [
    (0, counts(3), 3, "passed", Verdict.GREEN),
    (0, counts(3, skipped=2), 3, "passed", Verdict.GREEN),
    (0, counts(3), 4, "failed", Verdict.RED),
    (0, counts(2, skipped=3), 3, "failed", Verdict.RED),
    (0, counts(0, skipped=3), 3, "no-tests", Verdict.INCONCLUSIVE),
    (0, {}, 1, "no-tests", Verdict.INCONCLUSIVE),
    (5, counts(0), 1, "no-tests", Verdict.INCONCLUSIVE),
    (1, counts(3, failed=1), 1, "failed", Verdict.RED),
    (1, counts(3), 1, "failed", Verdict.RED),
    (2, counts(1), 1, "failed", Verdict.RED),
    (3, counts(1), 1, "failed", Verdict.RED),
    (4, {}, 1, "failed", Verdict.RED),
]


def stage(**changes: int) -> StageSpec:
    return StageSpec(id="tests", kind="pytest", **changes)


@pytest.mark.parametrize(("code", "tests", "least", "outcome", "verdict"), TABLE)
def test_verdict_table(
    tmp_path: Path, code: int, tests: dict[str, int], least: int, outcome: str, verdict: Verdict
) -> None:
    """Nothing but enough passed tests and exit code 0 is green; nothing tested never is."""
    (tmp_path / "log").write_text("ERROR: not found: tests/x.py::test_gone\n")

    judgement = pytest_run.judge(code, tests, stage(min_tests=least), tmp_path / "log")

    assert judgement[:2] == (outcome, verdict)
    assert code != 4 or "tests/x.py::test_gone" in judgement[2]


@pytest.mark.parametrize(
    ("tests", "verdict"),
    [
        (counts(5), Verdict.GREEN),
        (counts(3, skipped=2), Verdict.GREEN),
        (counts(6), Verdict.GREEN),
        (counts(4), Verdict.RED),
        (counts(3, skipped=1), Verdict.RED),
        (counts(2, skipped=3), Verdict.RED),
    ],
)
def test_a_test_that_went_is_missed(
    tmp_path: Path, tests: dict[str, int], verdict: Verdict
) -> None:
    """Where five are promised and three must pass, four are too few, however many pass."""
    spec = stage(min_tests=3, min_collected=5)

    assert pytest_run.judge(0, tests, spec, tmp_path / "log")[1] is verdict
