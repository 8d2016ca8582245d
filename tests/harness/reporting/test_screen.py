"""The screen after a run: whatever went wrong, it is read without scrolling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.records import CauseRecord, QuarantineRecord
from harness.reporting import screen, terminal
from harness.verdict import Verdict
from tests.builders import reports

PLAIN = terminal.Palette(is_on=False)
COLOURED = terminal.Palette(is_on=True)
WORDS = "a loss that is not finite after a step that was too long for its curvature; " * 9


def cause(number: int) -> CauseRecord:
    return CauseRecord(
        verdict=Verdict.RED,
        stage=f"stage-{number}",
        guards=(),
        sentence=f"stage stage-{number}: {WORDS}",
        remedy=WORDS,
        follows=tuple(f"a-guard-with-a-long-name-{i}" for i in range(40)),
        unjudged=tuple(f"guard-{number}-{i}" for i in range(9)),
    )


def quarantined(number: int) -> QuarantineRecord:
    return QuarantineRecord(
        kind="guard",
        id=f"guard-{number}",
        reason=WORDS,
        owner="somebody",
        expires="2026-12-31",
        clean_runs=3,
        state="active",
        outcome="failed",
        clean=0,
    )


def crowded(**keys: Any) -> Any:
    """Make a record in which everything goes wrong at once, at length."""
    stages = tuple(
        reports.stage(
            f"stage-{i}",
            i,
            verdict=Verdict.RED,
            outcome="failed",
            reason=WORDS,
            undeclared=tuple(f"a/folder/of/files/{i}-{j}.json" for j in range(30)),
        )
        for i in range(12)
    )
    open_ = tuple(
        reports.guard(f"guard-{i}-{j}", Verdict.INCONCLUSIVE, reason=f"{i}{WORDS}")
        for i in range(9)
        for j in range(9)
    )
    warned = tuple(reports.guard(f"warned-{i}", Verdict.RED, severity="warn") for i in range(9))
    made = reports.red_record()
    return replace(
        made,
        **{
            "stages": stages,
            "guards": (*open_, *warned),
            "causes": tuple(cause(i) for i in range(9)),
            "quarantine": tuple(quarantined(i) for i in range(9)),
            **keys,
        },
    )


@pytest.mark.parametrize("palette", [PLAIN, COLOURED], ids=["plain", "coloured"])
def test_everything_wrong_at_once_is_one_screen(palette: terminal.Palette) -> None:
    """Nine causes, twelve failed stages and pages of words take 24 rows of 80 columns."""
    written = screen.final(crowded(), "hubs/x/20260102T030405Z-a1b2c3", palette)

    assert screen.count_rows(written) <= 24
    assert "stage stage-0: a loss that is not finite" in written
    assert "hubs/x/20260102T030405Z-a1b2c3" in written
    assert "and 8 more causes: see the report" in written


def test_few_causes_keep_their_remedies() -> None:
    """Where there is room, each cause has its remedy."""
    short = [replace(cause(i), sentence=f"s{i}", remedy=f"do {i}", follows=()) for i in (1, 2)]

    lines = screen.final(
        crowded(causes=tuple(short), stages=(), quarantine=(), guards=()), "hubs/x/1", PLAIN
    ).splitlines()

    assert [line for line in lines if "→" in line] == ["  → do 1", "  → do 2"]


@pytest.mark.parametrize(
    ("outcome", "command"),
    [("interrupted", "harness run forward-parity"), ("passed", "harness explain")],
)
def test_next_of_what_proves_nothing(outcome: str, command: str) -> None:
    """An interrupted run is run again; one that could not be judged is explained."""
    stages = (reports.stage("train", 0, outcome=outcome, verdict=Verdict.INCONCLUSIVE),)
    record = replace(reports.red_record(), verdict=Verdict.INCONCLUSIVE, stages=stages)

    last = screen.final(record, "hubs/x/1", PLAIN).splitlines()[-1]

    assert last.startswith(f"next  {command}")


def test_rows_of_a_terminal_are_counted() -> None:
    """A line of 81 columns takes two rows, an empty one takes one, colour none."""
    assert screen.count_rows("x" * 80) == 1
    assert screen.count_rows("x" * 81) == 2
    assert screen.count_rows("a\n\nb") == 3
    assert screen.count_rows("\x1b[31m" + "x" * 80 + "\x1b[0m") == 1
