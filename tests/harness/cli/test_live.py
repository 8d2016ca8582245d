"""What a run shows, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re

from harness.cli.live import Live, Plain
from harness.config.project import StageSpec
from harness.reporting.terminal import Palette
from harness.verdict import Verdict
from tests.builders import reports

_STAGE = StageSpec(id="train", kind="command", argv=("x",))
_PLAIN = Palette(is_on=False)


def _screen(written: str) -> list[str]:
    """Play terminal output onto lines, as a terminal would."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", written):
        if piece == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif piece == "\r":
            column = 0
        elif piece == "\x1b[2K":
            lines[row] = ""
        elif piece == "\x1b[1A":
            row -= 1
        elif not piece.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + piece
            column += len(piece)
    return lines


def test_plain_lines_hold_no_escape() -> None:
    """Outside a terminal each event is one plain line."""
    stream = io.StringIO()
    watcher = Plain(stream, _PLAIN)

    watcher.stage_started(_STAGE, 1, 2)
    watcher.log_line("train", "epoch 1")
    watcher.stage_finished(reports.stage("train", 0))

    assert stream.getvalue() == "[1/2] train: started\n[1/2] train: ✓ passed in 9.5 s\n"


def test_verbose_lines_name_their_stage() -> None:
    """Verbose output is marked with its stage, so that no line commands a CI system."""
    stream = io.StringIO()

    Plain(stream, _PLAIN, is_verbose=True).log_line("train", "::error::\x1b[2Jx")

    assert stream.getvalue().startswith("train | ")
    assert "\x1b" not in stream.getvalue()


def test_live_view_leaves_finished_stages() -> None:
    """When a run ends, the screen holds one line per stage and nothing half-drawn."""
    stream = io.StringIO()
    watcher = Live(stream, _PLAIN, clock=lambda: 0.0)

    watcher.stage_started(_STAGE, 1, 2)
    watcher.log_line("train", "epoch 1")
    watcher.stage_finished(reports.stage("train", 0))
    watcher.stage_started(StageSpec(id="infer", kind="command", argv=("x",)), 2, 2)
    failed = reports.stage("infer", 0, outcome="failed", verdict=Verdict.RED)
    watcher.stage_finished(failed)
    watcher.close()

    lines = [line for line in _screen(stream.getvalue()) if line]
    assert lines == ["train: ✓ passed in 9.5 s", "infer: ✗ failed in 9.5 s"]


def test_interrupted_view_is_erased() -> None:
    """Closed in the middle of a stage, twice even, the screen is as before."""
    stream = io.StringIO()
    watcher = Live(stream, _PLAIN)
    watcher.stage_started(_STAGE, 1, 1)

    watcher.close()
    watcher.close()

    assert [line for line in _screen(stream.getvalue()) if line] == []
