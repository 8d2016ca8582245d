"""A bar for commands that make many runs: redrawn in place on a terminal, absent elsewhere."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TextIO

from harness.reporting import text

_ERASE_LINE = "\r\x1b[2K"
_PERIOD_S = 0.5
_WIDTH = 24


class Bar:
    """How many of a number of things are done, below the lines that tell of each.

    Without ``is_live`` only the lines are written.
    """

    def __init__(
        self,
        stream: TextIO,
        total: int,
        *,
        is_live: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start at nothing."""
        self._stream, self._total, self._is_live, self._clock = stream, total, is_live, clock
        self._done, self._began = 0, clock()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        """Show the bar."""
        if self._is_live:
            self._draw()
            self._ticker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away and leave the lines."""
        self._over.set()
        if self._is_live:
            self._ticker.join()
            self._stream.write(_ERASE_LINE)
            self._stream.flush()

    def advance(self, line: str) -> None:
        """Count one more and write the line that tells of it."""
        with self._lock:
            self._done += 1
            self._stream.write((_ERASE_LINE if self._is_live else "") + line + "\n")
            self._stream.flush()
        if self._is_live:
            self._draw()

    def render(self) -> str:
        """Return the bar as it stands, cut to the terminal."""
        filled = _WIDTH * self._done // max(1, self._total)
        spent = self._clock() - self._began
        words = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {self._done}/{self._total}"
        words += f"  {text.duration(spent)}"
        if self._done:
            left = spent / self._done * (self._total - self._done)
            words += f", about {text.duration(left)} to go"
        # A line that wraps could not be erased by going back to its beginning.
        return words[: shutil.get_terminal_size().columns - 1]

    def _draw(self) -> None:
        with self._lock:
            self._stream.write(_ERASE_LINE + self.render())
            self._stream.flush()

    def _tick(self) -> None:
        while not self._over.wait(_PERIOD_S):
            self._draw()
