"""What stands on the terminal after a run."""

from __future__ import annotations

import pytest

from harness.reporting import changes, screen, terminal
from harness.reporting.terminal import Palette
from harness.verdict import Verdict
from tests.builders import reports

PLAIN, COLOURED = Palette(is_on=False), Palette(is_on=True)


def test_table_says_guard_value_expected_verdict() -> None:
    """Each guard is one row with value, bound and verdict."""
    written = terminal.guards(reports.red_record().guards, PLAIN)

    row = next(line for line in written.splitlines() if line.startswith("inference-variance "))
    assert row.split("  ")[0] == "inference-variance"
    assert "3.1e+07" in row
    assert "0.001 … 0.01" in row
    assert row.endswith("✗ red")


def test_red_run_says_its_cause() -> None:
    """A red run ends with its cause, the remedy of the cause alone, and what is not judged."""
    lines = screen.final(reports.red_record(), "hubs/x/1", PLAIN).splitlines()

    lines_of_cause = [line for line in lines if line.startswith(("cause", "  →", "not judged"))]
    assert lines_of_cause == [
        "cause  guard inference-variance: Above the golden band.",
        "  → Training and inference disagree on the scale: read it in the bundle.",
        "not judged  1 guard (frc-floor): metrics.json was not written.",
    ]
    assert len(lines) <= 24


def test_last_lines_say_hub_and_next() -> None:
    """A run ends with the path of its hub and the command to type."""
    lines = screen.final(reports.record(), "hubs/x/1", PLAIN).splitlines()

    assert lines[-2:] == ["hub   hubs/x/1", "next  harness verify --hub hubs/x/1"]


def test_colour_changes_no_column() -> None:
    """Coloured and plain tables are aligned alike, and plain ones hold no escape."""
    coloured = terminal.guards(reports.red_record().guards, COLOURED)
    plain = terminal.guards(reports.red_record().guards, PLAIN)

    widths = [terminal.width(line) for line in coloured.splitlines()]
    assert widths == [len(line) for line in plain.splitlines()]
    assert "\x1b" not in plain
    assert "\x1b[31m" in coloured


def test_verdict_is_readable_without_colour() -> None:
    """Each verdict has a mark of its own."""
    marks = {PLAIN.verdict(verdict)[0] for verdict in Verdict}

    assert len(marks) == 3


def test_warning_is_told_as_one() -> None:
    """A guard that only warns says so beside its name."""
    warned = reports.guard("x", Verdict.RED, severity="warn")

    assert "x (warn)" in terminal.guards([warned], PLAIN)


@pytest.mark.parametrize(("words", "columns"), [("abc", 3), ("abcd", 3), ("日本語", 4)])
def test_clipped_text_fits(words: str, columns: int) -> None:
    """Clipped text never takes more columns than there are."""
    assert terminal.width(terminal.clip(words, columns)) <= columns


def test_comparison_names_the_ratio() -> None:
    """A metric that moved is told with its factor."""
    before, after = (reports.record(metrics={"m": value}) for value in (2.0, 5.0))

    written = terminal.comparison(changes.compare(before, after), PLAIN)

    row = next(line for line in written.splitlines() if line.startswith("m "))
    assert row.split() == ["m", "2", "5", "×2.5", "—"]


def test_another_machine_comes_before_its_numbers() -> None:
    """Numbers of two numeric classes are read with that in mind: it is said before them."""
    before, after = (
        reports.record(metrics={"m": value}, environment={"numeric.isa": isa, "device": "cpu"})
        for value, isa in ((2.0, "AVX2"), (5.0, "AVX512"))
    )

    written = terminal.comparison(changes.compare(before, after), PLAIN)

    assert written.index("isa AVX2 → AVX512") < written.index("×2.5")
