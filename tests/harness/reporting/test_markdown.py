"""The summary of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.reporting import markdown, view
from harness.verdict import Verdict
from tests.builders import reports


def test_summary_says_what_was_found() -> None:
    """Verdict, each guard with found and expected, and the remedy of what failed."""
    written = markdown.summary(reports.red_record())

    assert written.startswith("# ✗ RED — forward-parity\n")
    assert "| inference-variance | 3.1e+07 | 0.001 … 0.01 | ✗ red |" in written
    assert "- **First cause:** guard inference-variance: Above the golden band." in written
    assert written.count("Training and inference disagree") == 1
    assert "- **Not judged:** 1 guard (frc-floor): metrics.json was not written." in written


def test_summary_says_what_changed(tmp_path: Path) -> None:
    """Files touched since the last run come from the two frozen plans."""
    store = tmp_path / "hubs"
    before = reports.record(run_id=reports.BEFORE, metrics={"m": 1.0})
    reports.write(store, before, inputs={"model.py": "a" * 64, "same.py": "b" * 64})
    after = reports.record(previous=reports.BEFORE, metrics={"m": 4.0})
    hub = reports.write(store, after, inputs={"model.py": "c" * 64, "same.py": "b" * 64})

    written = markdown.of_view(view.read_view(hub))

    assert "| model.py | aaaaaaaaaaaa | cccccccccccc |" in written
    assert "same.py" not in written
    assert "| m | 1 | 4 | 4 |" in written


def test_next_command_is_the_last_line() -> None:
    """The summary ends with what to type."""
    written = markdown.summary(reports.record())

    hub = f"hubs/forward-parity/{reports.RUN}"
    assert f"## Next\n\n```\nharness verify --hub {hub}\n" in written


def test_foreign_text_is_no_markup() -> None:
    """Neither table, link nor HTML can be smuggled in by a reason."""
    guard = replace(reports.guard("x", Verdict.RED), found="a|b <b> [l](u)\nc `d`")

    written = markdown.summary(reports.record(guards=(guard,)))

    row = next(line for line in written.splitlines() if line.startswith("| x"))
    assert r"a\|b &lt;b&gt; \[l\](u) c \`d\`" in row


def test_first_run_has_nothing_to_compare() -> None:
    """Without an earlier run the summary says so."""
    assert "There is no earlier run of this suite." in markdown.summary(reports.record())
