"""Numbers, times and foreign text, as people read them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.reporting import text
from harness.verdict import Verdict
from tests.builders import reports


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10.0, "10 s"),
        (60.0, "1 min 00 s"),
        (3599.4, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (7440, "2 h 04 min"),
    ],
)
def test_durations_are_read_aloud(seconds: float, written: str) -> None:
    """A duration has at most two units."""
    assert text.duration(seconds) == written


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (None, "—"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (1 << 20, "1.0 MiB"),
        (3 << 30, "3.0 GiB"),
    ],
)
def test_sizes_have_binary_units(count: int | None, written: str) -> None:
    """A size is written with the binary unit that it fills."""
    assert text.size(count) == written


@pytest.mark.parametrize(
    ("back", "written"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 min ago"),
        (timedelta(minutes=60), "1 h ago"),
        (timedelta(hours=24), "1 day ago"),
        (timedelta(minutes=5, seconds=3), "5 min ago"),
        (timedelta(hours=23), "23 h ago"),
        (timedelta(days=1, hours=5), "1 day ago"),
        (timedelta(days=12), "12 days ago"),
    ],
)
def test_age_has_one_unit(back: timedelta, written: str) -> None:
    """An age is told in the largest unit that it fills."""
    now = datetime(2026, 3, 1, tzinfo=UTC)

    assert text.age((now - back).isoformat(), now) == written


def test_sparkline_reaches_both_ends() -> None:
    """The least value is the lowest bar and the greatest the highest."""
    assert text.sparkline([1.0, 3.0, 8.0]) == "▁▃█"


def test_sparkline_is_logarithmic() -> None:
    """Equal factors are equal steps once values span over two decades."""
    assert text.sparkline([1e-7, 1.0, 1e7]) == "▁▅█"


def test_sparkline_marks_what_is_not_finite() -> None:
    """A value that is not finite is marked and does not flatten the others."""
    assert text.sparkline([1.0, math.nan, 2.0, math.inf]) == "▁×█×"


def test_equal_values_are_one_line() -> None:
    """Values that do not move lie on one line, zero included."""
    assert len(set(text.sparkline([0.0, 0.0, 0.0]))) == 1


@pytest.mark.parametrize("bad", ["\x1b[2J", "\x07", "\u202e", "\u200b", "\x9b31m", "\r"])
def test_foreign_text_controls_no_terminal(bad: str) -> None:
    """Neither control characters nor direction marks reach a terminal."""
    output = text.visible(f"a{bad}b")

    assert output.isprintable()


@pytest.mark.parametrize("line", ["::error::x", "  ::add-mask::x", "##[group]x"])
def test_foreign_text_commands_no_ci(line: str) -> None:
    """A line of a log is no command to a CI system."""
    output = text.visible(line).lstrip()

    assert not output.startswith("::")
    assert "##[" not in output


def test_open_bounds_are_told() -> None:
    """A one-sided bound is written as an inequality."""
    assert text.interval(1e-6, None) == "≥ 1e-06"
    assert text.interval(None, 2.0) == "≤ 2"
    assert text.interval(1.0, 2.0) == "1 … 2"


def test_only_quiet_defaults_are_folded() -> None:
    """A guard on by default steps back while it is green and stands out when it is not."""
    declared = reports.guard("train-variance")
    quiet = reports.guard("default:stats", kind="default")
    loud = reports.guard("default:grid", Verdict.RED, kind="default")

    listed, rest = text.fold([quiet, declared, loud])

    assert listed == (declared, loud)
    assert rest == 1
    assert "1 guard on by default" in text.describe_folded(rest)
    assert text.describe_folded(0) == ""


@pytest.mark.parametrize(
    ("parts", "sentences"),
    [
        (("found 3; expected ≥ 5", "Look here."), "found 3; expected ≥ 5. Look here."),
        (("", "Look here"), "Look here."),
        (("Really?", " Yes! "), "Really? Yes!"),
        (("", ""), ""),
    ],
)
def test_reason_and_remedy_are_two_sentences(parts: tuple[str, ...], sentences: str) -> None:
    """A full stop stands between texts that lack it, and none is doubled."""
    assert text.sentences(*parts) == sentences


def test_tests_are_told_once() -> None:
    """Counts say how many passed, so the reason does not; what else it says stays."""
    tests = {"collected": 252, "passed": 247, "failed": 0, "errors": 0, "skipped": 5}
    passed = reports.stage("a", 0, tests=tests, reason="247 of 252 tests passed")
    again = replace(passed, reason="247 of 252 tests passed; at the second attempt")
    failed = replace(passed, tests={"passed": 3, "failed": 2}, reason="2 of 5 did not pass")

    texts = [text.note(stage) for stage in (passed, again, failed, reports.stage("b", 0))]

    assert texts == [
        "247 passed, 5 skipped",
        "247 passed, 5 skipped; at the second attempt",
        "3 passed, 2 failed; 2 of 5 did not pass",
        "",
    ]


SCALES = [
    ([1.0, 100.0], False),
    ([1.0, 101.0], True),
    ([0.0, 1000.0], False),
    ([-1.0, 1000.0], False),
    ([1e-9, 1e-6], True),
]


@pytest.mark.parametrize(("values", "is_logarithmic"), SCALES)
def test_more_than_two_decades_want_a_logarithm(
    values: list[float], *, is_logarithmic: bool
) -> None:
    """Where every value has one."""
    assert text.is_logarithmic(values) is is_logarithmic


FAILED = reports.quarantined("guard", "floor")
BESIDES: list[tuple[dict[str, object], str]] = [
    ({}, "green"),
    ({"answer": "rounding"}, "green (rounding)"),
    ({"quarantine": (FAILED,)}, "green (1 quarantined)"),
    ({"answer": "rounding", "quarantine": (FAILED,)}, "green (rounding, 1 quarantined)"),
    ({"quarantine": (replace(FAILED, outcome="clean"),)}, "green"),
    (
        {"answer": "rounding", "expects": "changed", "expected_by": "--expect"},
        "green (rounding, at most changed by --expect)",
    ),
    ({"verdict": Verdict.INCONCLUSIVE}, "inconclusive"),
]


@pytest.mark.parametrize(("changes", "written"), BESIDES)
def test_a_verdict_says_what_it_leaves_out(changes: dict[str, object], written: str) -> None:
    """What did not count, how near the answer came, and what was declared of it."""
    assert text.describe_verdict(reports.record(**changes)) == written


NEXT = [
    (Verdict.GREEN, "passed", "harness verify --hub hubs/forward-parity/"),
    (Verdict.RED, "failed", "harness blockers list --suite forward-parity"),
    (Verdict.INCONCLUSIVE, "passed", "harness explain hubs/forward-parity/"),
    (Verdict.INCONCLUSIVE, "interrupted", "harness run forward-parity"),
    (Verdict.INCONCLUSIVE, "skipped", "harness run forward-parity"),
]


@pytest.mark.parametrize(("verdict", "outcome", "first"), NEXT)
def test_the_most_useful_command_comes_first(
    verdict: Verdict, outcome: str, first: str
) -> None:
    """What was not run is run; what was not judged is explained; what is red has blockers."""
    made = reports.record(verdict=verdict, stages=(reports.stage("a", 0, outcome=outcome),))
    assert text.next_commands(made)[0].startswith(first)
