"""Lines that must and must not be in a log, and the number in one."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

GREEN, RED, OPEN = Verdict.GREEN, Verdict.RED, Verdict.INCONCLUSIVE
PATTERN = "Loaded intensity_scale from bundle: ([0-9.eE+-]+)"


@pytest.mark.parametrize(
    ("log", "options", "expected"),
    [
        ("one\nready in 3 s\n", {"must": ["^ready in [0-9]+ s$"]}, GREEN),
        ("one\nstarting\n", {"must": ["^ready"]}, RED),
        ("one\nTraceback (most\n", {"must_not": ["Traceback"]}, RED),
        ("one\n", {"must_not": ["Traceback"]}, GREEN),
        ("", {"must": ["x"]}, RED),
    ],
)
def test_lines_are_found(
    tmp_path: Path, log: str, options: dict[str, Any], expected: Verdict
) -> None:
    """A required line that is missing and a forbidden one that is there are red."""
    run = evidence(tmp_path, logs={"train": log})

    spec = guard("log", stage="train", **options)

    assert registry.judge([spec], run, None)[0].verdict is expected


@pytest.mark.parametrize(
    ("line", "recorded", "expected"),
    [
        ("Loaded intensity_scale from bundle: 988.211769", 988.2117688, GREEN),
        ("Loaded intensity_scale from bundle: 1.000000", 988.2117688, RED),
        ("Loaded intensity_scale from bundle: 1.000000", 1.0, RED),
        ("Loaded intensity_scale from bundle: ...", 988.2, RED),
        ("Using intensity_scale 988.2", 988.2, RED),
        ("Loaded intensity_scale from bundle: 988.211769", None, OPEN),
    ],
)
def test_logged_number_is_the_recorded_one(
    tmp_path: Path, line: str, recorded: float | None, expected: Verdict
) -> None:
    """The number in the log equals the record and is not the default."""
    run = evidence(tmp_path, {"run.json": {"scale": recorded}}, {"infer": f"a\n{line}\nb\n"})
    spec = guard(
        "log", stage="infer", value=PATTERN, equals="run:scale", relative=1e-6, differs=1.0
    )

    assert registry.judge([spec], run, None)[0].verdict is expected


def test_absent_log_is_open(tmp_path: Path) -> None:
    """A stage that left no log proves nothing, not even that a line is absent."""
    spec = guard("log", stage="train", must_not=["Traceback"])

    assert registry.judge([spec], evidence(tmp_path), None)[0].verdict is OPEN


def test_hostile_log_takes_no_time(tmp_path: Path) -> None:
    """A log made to defeat a pattern costs seconds at most."""
    run = evidence(tmp_path, logs={"train": ("a" * 100_000 + "\n") * 5})
    started = time.monotonic()

    registry.judge([guard("log", stage="train", must=["a.*a.*b"])], run, None)

    assert time.monotonic() - started < 15


def test_value_in_a_long_line_is_found(tmp_path: Path) -> None:
    """A line is searched up to its first thousand characters."""
    run = evidence(tmp_path, logs={"train": "x" * 900 + "ready"})

    assert (
        registry.judge([guard("log", stage="train", must=["ready"])], run, None)[0].verdict
        is GREEN
    )
