"""What a run shows while it goes: redrawn lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from harness.config.project import StageSpec, SuiteSpec
from harness.records import GuardResult, HubRecord, StageRecord
from harness.reporting import terminal, text
from harness.reporting.terminal import Palette

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PERIOD_S = 0.2
_ERASE_LINE = "\r\x1b[2K"
_UP = "\x1b[1A"


class Plain:
    """One line per event, for logs and CI; verbose adds the output of the stages."""

    def __init__(self, stream: TextIO, palette: Palette, *, is_verbose: bool = False) -> None:
        """Write to ``stream``."""
        self._stream, self._palette, self._is_verbose = stream, palette, is_verbose
        self._place = ""

    def _say(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._stream.flush()

    def run_started(self, suite: SuiteSpec, run_id: str, stages: int) -> None:
        """Name the run."""
        self._say(_opening_line(suite, run_id, stages, self._palette))

    def note(self, text: str) -> None:
        """Say what the harness itself is doing."""
        self._say(f"  {text}")

    def stage_started(self, stage: StageSpec, index: int, count: int) -> None:
        """Say that a stage begins."""
        self._place = f"[{index}/{count}]"
        self._say(f"{self._place} {stage.id}: started")

    def log_line(self, stage: str, line: str) -> None:
        """Pass on output, marked with its stage, when that is asked for."""
        if self._is_verbose:
            self._say(f"{stage} | {text.visible(line)}")

    def stage_finished(self, record: StageRecord) -> None:
        """Say how a stage went."""
        self._say(f"{self._place} {stage_line(record, self._palette)}")

    def guard_judged(self, result: GuardResult) -> None:
        """Say nothing: the table at the end says it."""

    def run_sealed(self, hub: Path, record: HubRecord) -> None:
        """Say nothing: the end of the run says it."""

    def close(self) -> None:
        """Do nothing: a plain line needs no tidying."""


class Live:
    """Finished stages stay; the running one shows its time and its last line, redrawn in place.

    A thread redraws while a silent stage runs. ``close`` leaves the terminal as it was.
    """

    def __init__(
        self,
        stream: TextIO,
        palette: Palette,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Write to ``stream``, a terminal."""
        self._stream, self._palette, self._clock = stream, palette, clock
        # The same thread draws within what it holds already, hence one that can be taken
        # again.
        self._lock = threading.RLock()
        self._stage, self._place, self._last = "", "", ""
        self._began, self._drawn, self._frame = 0.0, 0, 0
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="live view", daemon=True)
        self._ticker.start()

    def _tick(self) -> None:
        while not self._closed.wait(_PERIOD_S):
            with self._lock:
                if self._stage:
                    self._draw()

    def _erase(self) -> None:
        if self._drawn:
            # From the last line upwards: the cursor stands behind it, without a line end.
            self._stream.write(_ERASE_LINE + (_UP + _ERASE_LINE) * (self._drawn - 1))
            self._drawn = 0

    def _draw(self) -> None:
        """Redraw the running stage; the cursor stays at the end of the last line drawn."""
        columns = max(20, shutil.get_terminal_size().columns - 1)
        self._frame = (self._frame + 1) % len(_FRAMES)
        elapsed = text.duration(self._clock() - self._began)
        head = f"{_FRAMES[self._frame]} {self._place} {self._stage}  {elapsed}"
        lines = [terminal.clip(head, columns)]
        if self._last:
            lines.append(self._palette.soft(terminal.clip(f"    {self._last}", columns)))
        self._erase()
        self._stream.write("\n".join(lines))
        self._stream.flush()
        self._drawn = len(lines)

    def _keep(self, line: str) -> None:
        """Print a line that stays, above whatever is redrawn."""
        with self._lock:
            self._erase()
            self._stream.write(line + "\n")
            self._stream.flush()

    def run_started(self, suite: SuiteSpec, run_id: str, stages: int) -> None:
        """Name the run."""
        self._keep(_opening_line(suite, run_id, stages, self._palette))

    def note(self, text: str) -> None:
        """Say what the harness itself is doing."""
        self._keep(self._palette.soft(f"  {text}"))

    def stage_started(self, stage: StageSpec, index: int, count: int) -> None:
        """Begin to redraw the lines of this stage."""
        with self._lock:
            self._stage, self._place, self._last = stage.id, f"[{index}/{count}]", ""
            self._began = self._clock()
            self._draw()

    def log_line(self, stage: str, line: str) -> None:
        """Remember the last line; the ticker shows it, however fast lines come."""
        line_ = text.visible(line).strip()
        if line_ and stage == self._stage:
            self._last = line_

    def stage_finished(self, record: StageRecord) -> None:
        """Leave one line about the stage."""
        with self._lock:
            self._stage = ""
            self._keep(stage_line(record, self._palette))

    def guard_judged(self, result: GuardResult) -> None:
        """Say nothing: the table at the end says it."""

    def run_sealed(self, hub: Path, record: HubRecord) -> None:
        """Stop redrawing."""
        del hub, record
        self.close()

    def close(self) -> None:
        """Erase what is redrawn and stop; safe to call twice, and after an interruption."""
        self._closed.set()
        with self._lock:
            self._stage = ""
            self._erase()
            self._stream.flush()


def _opening_line(suite: SuiteSpec, run_id: str, stages: int, palette: Palette) -> str:
    many = f"{stages} stage{'' if stages == 1 else 's'}"
    return f"{palette.bold(suite.name)}  {run_id}  {many}"


def stage_line(record: StageRecord, palette: Palette) -> str:
    """Write one line about a finished stage."""
    verdict = palette.verdict(record.verdict, record.outcome)
    parts = (f"{record.id}: {verdict} in {text.duration(record.duration_s)}", text.note(record))
    return "  ".join(part for part in parts if part)


def watcher(*, is_live: bool, has_colour: bool, is_verbose: bool) -> Plain | Live:
    """Choose how to show a run on standard error's neighbour, standard output."""
    palette = Palette(has_colour)
    if is_live and not is_verbose:
        return Live(sys.stdout, palette)
    return Plain(sys.stdout, palette, is_verbose=is_verbose)
