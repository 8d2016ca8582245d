"""The journal of a session: one line an event, each bound to the one before by a keyed digest.

A test shares the process with whoever keeps the journal. What it writes into the file, cuts
from it or puts in its place breaks the chain, and a journal without its last event is that of
a session that did not end. The key is read once and its file removed before any test runs.
"""

from __future__ import annotations

import hmac
import json
import os
from pathlib import Path
from typing import Any

SETTINGS, KEY = "settings.json", "key"
# How a phase was seen to end, and the notes of patience in the properties of a report.
PASSED, FAILED, SKIPPED, XFAILED = "passed", "failed", "skipped", "xfailed"
NOT_CALLED = "not called"
FLAKY = "harness-flaky"
QUARANTINE = "harness-quarantine"
QUARANTINED = "harness-quarantined"


class Journal:
    """Appends events to the file that the parent made and holds open."""

    def __init__(self, path: str, key: bytes) -> None:
        """Take the file and the key of the chain.

        The functions are taken now: a test may replace those of the modules while it runs.
        """
        self._path, self._key, self._last = path, key, b""
        self._pid = os.getpid()
        self._getpid, self._dumps, self._digest = os.getpid, json.dumps, hmac.new
        self._open, self._write, self._close = os.open, os.write, os.close
        self._flags = os.O_WRONLY | os.O_APPEND  # never made anew: the parent's file or none
        self._is_broken = False

    def write(self, event: dict[str, Any]) -> None:
        """Append an event; a forked copy of the process writes nothing."""
        if self._is_broken or self._getpid() != self._pid:
            return
        text = self._dumps(event).encode()
        mark = self._digest(self._key, self._last + text, "sha256").hexdigest().encode()
        try:
            file = self._open(self._path, self._flags)
            try:
                self._write(file, text + b"\t" + mark + b"\n")
            finally:
                self._close(file)
        except OSError:
            # Tests go on; a journal that lacks its end is never taken for a whole one.
            self._is_broken = True
        self._last = mark


class Listed:
    """Keeps events in memory, for a session that is judged in its own process."""

    def __init__(self) -> None:
        """Begin empty."""
        self.events: list[dict[str, Any]] = []

    def write(self, event: dict[str, Any]) -> None:
        """Keep an event as it would be read from a file."""
        self.events.append(json.loads(json.dumps(event)))


def read_settings(folder: Path) -> dict[str, Any]:
    """Read what the parent asks for; empty where nobody handed anything over."""
    try:
        settings = json.loads((folder / SETTINGS).read_text("utf-8"))
    except OSError:
        return {}
    return dict(settings)


def take_key(folder: Path) -> bytes | None:
    """Read the key and remove its file; None where it was taken already."""
    path = folder / KEY
    try:
        key = path.read_bytes()
        path.unlink()
    except OSError:
        return None
    return key
