"""Retries and quarantine meet subtests, odd ids and the workers of pytest-xdist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import sessions

pytestmark = [pytest.mark.road, pytest.mark.slow]
_SUB = """
import unittest
def test_parts(subtests):
    for i in range(3):
        with subtests.test(i=i):
            assert i != 1, "the second part"
class TestOld(unittest.TestCase):
    def test_old(self):
        for i in range(2):
            with self.subTest(i=i):
                self.assertEqual(i, 0, "the old part")
def test_fine(): pass
"""
_IDS = """
import pytest
@pytest.mark.xdist_group("g")
@pytest.mark.parametrize("x", ["a|b", "c::d", "[e]", "fine"])
def test_it(x): assert x == "fine"
"""
_XDIST = ("-p", "xdist", "-n", "2")


def quarantine(*names: str) -> dict[str, str]:
    """List tests in quarantine as the harness hands them to a stage."""
    return {"quarantine:tests": json.dumps([[name, "ada: a | b"] for name in names])}


@pytest.mark.parametrize("words", [(), _XDIST], ids=["alone", "xdist"])
def test_subtests_share_the_quarantine(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Failed parts of a test in quarantine are excused with it, and told."""
    result, said = sessions.run(
        tmp_path,
        {"test_it.py": _SUB},
        (*words, "test_it.py"),
        values=quarantine("test_it.py::test_parts", "test_it.py::TestOld"),
    )

    assert (str(result.verdict), result.tests["quarantined"]) == ("green", 2), said
    assert result.quarantined == {
        "test_it.py::test_parts": "failed",
        "test_it.py::TestOld": "failed",
    }
    assert "the second part" in said


def test_subtests_share_the_retries(tmp_path: Path) -> None:
    """A part that fails at first makes the whole test run again, and then counts no more."""
    text = """
import pathlib
P = pathlib.Path("n")
def test_parts(subtests):
    n = int(P.read_text()) if P.exists() else 0
    P.write_text(str(n + 1))
    with subtests.test("early"):
        assert n > 0
    with subtests.test("late"):
        pass
"""
    result, said = sessions.run(tmp_path, {"test_it.py": text}, test_retries=1)

    assert (str(result.verdict), result.flaky) == (
        "green",
        ("test_it.py::test_parts: 1 retry",),
    )
    assert "FLAKY test_it.py::test_parts" in said


def test_subtests_that_never_pass_stay_red(tmp_path: Path) -> None:
    """Retries that do not help leave the failure of the part."""
    result, said = sessions.run(tmp_path, {"test_it.py": _SUB}, test_retries=1)

    assert (str(result.verdict), result.tests["failed"]) == ("red", 2), said


@pytest.mark.parametrize(
    "words", [(), (*_XDIST, "--dist", "loadgroup")], ids=["alone", "groups"]
)
def test_ids_are_taken_whole(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A sign in an id or a group behind it hides no quarantine and excuses nobody else."""
    odd = [f"test_it.py::test_it[{x}]" for x in ("a|b", "c::d", "[e]")]

    result, said = sessions.run(
        tmp_path, {"test_it.py": _IDS}, (*words, "test_it.py"), values=quarantine(*odd)
    )
    other, _ = sessions.run(
        tmp_path, {"test_it.py": _IDS}, (*words, "test_it.py"), values=quarantine(*odd[:2])
    )

    assert (str(result.verdict), result.tests["quarantined"]) == ("green", 3), said
    assert result.quarantined == dict.fromkeys(odd, "failed")
    assert (str(other.verdict), other.tests["failed"]) == ("red", 1)


def test_quarantine_that_names_nothing_is_red(tmp_path: Path) -> None:
    """A parameter that is not collected is a mistake, told with the nearest test."""
    result, _ = sessions.run(
        tmp_path, {"test_it.py": _IDS}, values=quarantine("test_it.py::test_it[finer]")
    )

    assert (result.outcome, str(result.verdict)) == ("failed", "red")


def test_undeclared_quarantine_excuses_nothing(tmp_path: Path) -> None:
    """A test that says itself to be in quarantine has failed."""
    text = """
def test_a(): pass
def test_bad(request):
    request.node.user_properties.append(("harness-quarantine", "test_it.py::test_bad"))
    request.node.user_properties.append(("harness-quarantined", "by myself"))
    assert 0
"""
    conftest = (
        "import pytest\n@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n    r = yield\n    r = r.get_result()\n"
        "    if call.when == 'call' and r.failed:\n"
        "        r.outcome = 'skipped'; r.longrepr = ('x', 1, 'y')\n"
    )
    result, said = sessions.run(tmp_path, {"test_it.py": text, "conftest.py": conftest})

    assert str(result.verdict) == "red", said


def test_large_junit_file_changes_no_verdict(tmp_path: Path) -> None:
    """A JUnit file beyond its bound is not kept and said; the tests count as they went."""
    text = "def test_a(): print('x' * (70 << 20))\ndef test_b(): pass\n"

    result, _ = sessions.run(
        tmp_path, {"test_it.py": text}, ("test_it.py", "-o", "junit_logging=all")
    )
    failed, _ = sessions.run(
        tmp_path,
        {"test_it.py": text.replace("b(): pass", "b(): assert 0")},
        ("test_it.py", "-o", "junit_logging=all"),
    )

    assert (str(result.verdict), result.attachments) == ("green", {})
    assert "2 of 2 tests passed; its JUnit file of" in result.reason
    assert (str(failed.verdict), failed.reason[:31]) == (
        "red",
        "1 of 2 tests did not pass; its ",
    )
