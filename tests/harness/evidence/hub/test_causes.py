"""Root causes: the same cause has the same signature, and two causes have two."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import GuardSpec
from harness.evidence.hub import causes
from harness.judgement.guards.base import judge_interval
from harness.records import GuardResult, StageRecord
from harness.verdict import Verdict
from tests.builders import reports

TRACE = """step 12 of 40
Traceback (most recent call last):
  File "<root>/{file}", line {line}, in {function}
    raise {error}("{words}")
{error}: {words}
"""


def stage_record(reason: str = "exit code 1: x", **keys: Any) -> StageRecord:
    return reports.failed_stage(reason, **keys)


def stage(tmp_path: Path, log: str, **keys: Any) -> causes.Cause:
    (tmp_path / "cli").mkdir(exist_ok=True)
    (tmp_path / "cli/train.log").write_text(log)
    return causes.of_stage("tiny", stage_record(**keys), tmp_path)


def trace(**keys: object) -> str:
    plain = {
        "file": "a.py",
        "line": 3,
        "function": "fit",
        "error": "ValueError",
        "words": "loss 3.5e9 at 0x7f00",
    }
    return TRACE.format(**{**plain, **keys})


def test_numbers_do_not_make_a_new_cause(tmp_path: Path) -> None:
    """Line numbers, values and addresses move from run to run; the cause does not."""
    first = stage(tmp_path, trace())
    second = stage(tmp_path, "other words before\n" + trace(line=90, words="loss 1 at 0x1"))

    assert first.signature == second.signature


@pytest.mark.parametrize(
    "keys", [{"file": "b.py"}, {"function": "step"}, {"error": "KeyError"}, {"words": "shape"}]
)
def test_another_place_is_another_cause(tmp_path: Path, keys: dict[str, str]) -> None:
    """Another file, function, error or message is another cause."""
    assert stage(tmp_path, trace()).signature != stage(tmp_path, trace(**keys)).signature


def test_excerpt_ends_with_the_error(tmp_path: Path) -> None:
    """The excerpt holds the last lines of the log, and not all of a long one."""
    made = stage(tmp_path, "noise\n" * 5_000 + trace())

    assert made.excerpt.endswith("ValueError: loss 3.5e9 at 0x7f00")
    assert made.excerpt.count("\n") < 40


def test_missing_artifact_is_the_cause(tmp_path: Path) -> None:
    """Where a stage broke a promise, the promise is the cause, whatever its log says."""
    reason = "artifact out (out.json) is missing"
    first = stage(tmp_path, "all well 1\n", reason=reason)
    second = stage(tmp_path, "all well 2\nValueError: handled\n", reason=reason)

    assert first.signature == second.signature
    assert first.excerpt == reason


def test_failed_tests_are_named(tmp_path: Path) -> None:
    """The issue names the tests that failed."""
    log = "E   AssertionError: assert 1 == 2\nt.py:4: AssertionError\nFAILED t.py::test_x - x\n"

    assert "t.py::test_x" in stage(tmp_path, log).issue


@pytest.mark.parametrize(
    ("line", "test"),
    [
        ("FAILED a/t.py::test_x - assert 1 == 2", "a/t.py::test_x"),
        (
            "FAILED t.py::T::test_x[two words-3] - KeyError: 'a - b'",
            "t.py::T::test_x[two words-3]",
        ),
        ("FAILED t.py::test_x[two words]", "t.py::test_x[two words]"),
        ("ERROR a/t.py - ImportError: no module", "a/t.py"),
        ("ERROR a/t.py", "a/t.py"),
        ("FAILED notes.md::notes.md", "notes.md::notes.md"),
        ("ERROR the network died", None),
        ("FAILED to connect", None),
    ],
)
def test_whole_id_of_a_failed_test_is_read(tmp_path: Path, line: str, test: str | None) -> None:
    """Its parameters may hold spaces; what a program says of itself is no test."""
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/train.log").write_text(f"1 failed\n{line}\n1 failed in 0.1s\n")
    record = replace(reports.record(), stages=(stage_record(),))

    assert causes.list_failed_tests(record, tmp_path) == (() if test is None else (test,))


def guard(id_: str, value: float, **keys: Any) -> GuardResult:
    spec = GuardSpec(id=id_, kind="bound", remedy="Look.", **keys)
    return judge_interval(spec, "m:x", value, (1.0, 2.0))


def test_guard_is_one_cause_whatever_its_value() -> None:
    """A red guard is the same blocker for every value, in whatever suite."""
    first = causes.of_guard("tiny", guard("floor", 0.1), ())
    second = causes.of_guard("large", guard("floor", 0.2), ("x",))

    assert first.signature == second.signature


def test_set_and_direction_are_the_cause() -> None:
    """Another direction, one guard more, or another guard is another cause; order is not."""
    low, high, other = guard("floor", 0.1), guard("floor", 9.0), guard("other", 0.1)
    sets = [(low,), (high,), (low, other), (other,), (guard("floor", math.nan),)]

    made = {causes.of_guards("tiny", results, ()).signature for results in sets}

    assert len(made) == len(sets)
    assert causes.of_guards("tiny", (other, low), ()).signature in made


def test_a_sentence_does_not_begin_with_a_scratch_folder() -> None:
    """What a program says of its file is said first; other paths stay."""
    place = "<root>/.harness/work/20261130T072255Z-609e8d/parity.json"

    assert causes.shorten(f"error: {place}: not equal") == "error: parity.json: not equal"
    assert causes.shorten("error: <root>/data/a.npz: gone") == "error: <root>/data/a.npz: gone"
    assert causes.shorten("a/work/x.py: no") == "a/work/x.py: no"


def test_one_failure_in_two_suites_is_one_cause(tmp_path: Path) -> None:
    """Not three blockers: which suite met it, and when, is no part of what broke."""
    record = stage_record("exit code 1: x")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/train.log").write_text(trace())
    suites = [causes.of_stage(suite, record, tmp_path) for suite in ("tiny", "large")]

    assert suites[0].signature == suites[1].signature
    assert [one.suite for one in suites] == ["tiny", "large"]


@pytest.mark.parametrize(
    "keys",
    [
        {"id": "infer"},
        {"outcome": "timeout"},
        {"reason": "artifact out (out.json) is missing"},
    ],
)
def test_another_stage_or_outcome_is_another_cause(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    """Which stage broke, and in what way, identifies a cause beside the place."""
    assert stage(tmp_path, trace()).signature != stage(tmp_path, trace(), **keys).signature


def test_what_one_reason_ended_in_is_part_of_the_cause(tmp_path: Path) -> None:
    """One sentence about a stage that failed and about one that ran out of time: two causes."""
    ends = ("timeout", "interrupted", "unfinished", "no-tests")
    made = {stage(tmp_path, "", outcome=end, reason="it ended").signature for end in ends}
    assert len(made) == len(ends)


DIRECTIONS = [
    (0.5, 1.0, 2.0, "below"),
    (2.5, 1.0, 2.0, "above"),
    (0.5, 1.0, None, "below"),
    (2.5, None, 2.0, "above"),
    (1.0, 1.0, 2.0, "off"),
    (2.0, 1.0, 2.0, "off"),
    (0.5, None, 2.0, "off"),
    (2.5, 1.0, None, "off"),
]


@pytest.mark.parametrize(("value", "low", "high", "direction"), DIRECTIONS)
def test_direction_is_the_side_on_which_a_number_lies(
    value: float, low: float | None, high: float | None, direction: str
) -> None:
    """On a bound is no side; an open side has no beyond."""
    result = replace(guard("floor", 0.1), value=value, low=low, high=high)
    assert causes.direction(result) == direction


@pytest.mark.parametrize("word", ["nan", "inf", "-inf"])
def test_what_is_not_finite_has_a_direction_of_its_own(word: str) -> None:
    """Neither below nor above."""
    result = replace(guard("floor", 0.1), value=None, found=word)
    assert causes.direction(result) == causes.NOT_FINITE


SIZES: list[tuple[str, float | None, float | None]] = [
    ("8 records", None, 8.0),
    ("70 of 72 numbers differ", None, 70.0),
    ("1,234 records", None, 1234.0),
    ("-2.5e3 of it", None, -2500.0),
    ("nan", None, None),
    ("nothing", None, None),
    ("3 records", 0.5, 0.5),
]


@pytest.mark.parametrize(("found_text", "value", "size"), SIZES)
def test_size_is_the_number_that_a_red_guard_met(
    found_text: str, value: float | None, size: float | None
) -> None:
    """Its own number, or the one that its finding begins with; a green guard has none."""
    red = replace(guard("floor", 0.1), found=found_text, value=value)
    assert causes.sizes([red]) == ({} if size is None else {"floor": size})
    assert causes.sizes([replace(red, verdict=Verdict.GREEN)]) == {}
