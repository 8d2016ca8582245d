"""The pytest plugin for sessions by hand: outcomes, metrics and files of tests as evidence.

``pytest -p harness.runner.pytest_plugin --harness-evidence DIR`` writes ``DIR/evidence.json``
and copies what tests attach to ``DIR/files``. A session in which no test ran, or in which not
all ran that were collected, is never a success: it exits with 5, and with 1 where fewer tests
than ``--harness-least-tests`` were collected or passed. A stage of a suite needs none of this:
its process is handed the same plugin as a file of its own.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.files import real_path
from harness.runner.child_plugin import plugin
from harness.runner.child_plugin.journal import Listed
from harness.runner.child_plugin.plugin import evidence, harness_evidence
from harness.runner.session import evidence_file, notes, verdict
from harness.verdict import Verdict

__all__ = ["evidence", "harness_evidence"]
_FOLDER, _LEAST = "--harness-evidence", "--harness-least-tests"
_TIMEOUT, _RETRIES = "--harness-test-timeout", "--harness-test-retries"
_QUARANTINE = "--harness-quarantine"
_JUDGED = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("harness", "evidence of a regression harness")
    group.addoption(_FOLDER, metavar="DIR", help="Write evidence.json and attached files here.")
    group.addoption(
        _LEAST,
        metavar="N",
        type=int,
        default=0,
        help="Fail when fewer tests than this were collected or passed.",
    )
    group.addoption(
        _TIMEOUT,
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="Fail a test whose set-up, call or tear-down takes longer.",
    )
    group.addoption(
        _RETRIES,
        metavar="N",
        type=int,
        default=0,
        help="Run a failed test again up to N times; it is told as flaky when it passes then.",
    )
    group.addoption(
        _QUARANTINE,
        metavar="ID|WHY",
        action="append",
        default=[],
        help="Report failures of this test, class or file as skipped, and say why.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start to record where it is asked for; workers of xdist only report."""
    folder = _folder(config)
    settings = {
        "folder": None if folder is None else str(folder),
        "retries": config.getoption(_RETRIES),
        "timeout_s": config.getoption(_TIMEOUT),
        "quarantine": [split_quarantine(one) for one in config.getoption(_QUARANTINE)],
    }
    if not any((*settings.values(), config.getoption(_LEAST))):
        return
    # Not by the environment: a session that a test starts inherits it and is no worker.
    if "workerinput" in vars(config):
        plugin.start(config, settings, None)
        return
    events = Listed()
    plugin.start(config, settings, events)
    config.pluginmanager.register(SessionJudge(config, folder, events))


class SessionJudge:
    """Judges a session in its own process and writes its evidence."""

    def __init__(self, config: pytest.Config, folder: Path | None, events: Listed) -> None:
        """Begin; ``folder`` is None when only the number of tests is asked for."""
        self._config, self._folder, self._events = config, folder, events
        self._started, self._began = datetime.now(UTC), time.monotonic()
        self._unknown: list[str] = []
        self.verdict, self.reason = "inconclusive", "the session did not end"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """Judge the session, correct a too friendly exit code, and write the evidence."""
        exit_code = int(session.exitstatus)
        stopped = str(session.shouldstop or session.shouldfail or "")
        session_notes = notes.SessionNotes()
        notes.take(session_notes, self._events.events)
        session_notes.finish = {"status": exit_code, "before": exit_code, "stopped": stopped}
        least = int(self._config.getoption(_LEAST))
        self.verdict, self.reason, session.exitstatus = judge(exit_code, session_notes, least)
        named = [split_quarantine(one)[0] for one in self._config.getoption(_QUARANTINE)]
        self._unknown = verdict.find_unknown(named, session_notes)
        if self._unknown and not stopped and exit_code in _JUDGED:
            self.verdict, self.reason = "red", "a quarantine names no test that ran"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        try:
            return (yield)
        finally:
            if self._folder is not None:
                self._write(int(session.exitstatus))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where the evidence is and what it is worth."""
        for line in self._unknown:
            terminalreporter.write_line(f"ERROR: not found: quarantined {line}")
        where = "" if self._folder is None else f"{self._folder / evidence_file.NAME}: "
        terminalreporter.write_line(f"evidence: {where}{self.verdict}, {self.reason}")

    def _write(self, exit_code: int) -> None:
        session_notes = notes.SessionNotes()
        notes.take(session_notes, self._events.events)
        frame: dict[str, Any] = {
            "started": self._started.isoformat(timespec="milliseconds"),
            "duration_s": round(time.monotonic() - self._began, 4),
            "exit_code": exit_code,
            "verdict": self.verdict,
            "reason": self.reason,
        }
        evidence_file.write(self._folder or Path(), session_notes, frame)


def judge(
    exit_code: int, session_notes: notes.SessionNotes, least: int
) -> tuple[str, str, int]:
    """Return verdict, reason and exit code of a session.

    Args:
        exit_code: What pytest would exit with.
        session_notes: What the session noted.
        least: Tests that were promised.
    """
    counts = evidence_file.counts(session_notes)
    collected, passed = counts["collected"], counts["passed"]
    bad = counts["failed"] + counts["error"]
    failed, none = int(pytest.ExitCode.TESTS_FAILED), int(pytest.ExitCode.NO_TESTS_COLLECTED)
    if exit_code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return "red", f"{bad} of {collected} tests did not pass", exit_code
    against = verdict.judge(session_notes, exit_code) if collected else None
    if against is not None and against[0] is Verdict.RED:
        return "red", against[1], failed
    quarantined = counts.get("quarantined", 0)
    if collected < least or (passed + quarantined < least and passed):
        few = f"{collected} tests collected and {passed} passed; {least} were promised"
        return "red", few, failed
    if against is not None:
        return "inconclusive", against[1], none
    if not collected:
        return "inconclusive", "no test was collected", none
    if not passed:
        skipped = f"all {collected} tests were skipped"
        if quarantined:
            skipped = f"no test passed, {quarantined} of {collected} failed in quarantine"
        return "inconclusive", skipped, none
    remark = f", {quarantined} failed in quarantine" if quarantined else ""
    return "green", f"{passed} of {collected} tests passed{remark}", exit_code


def split_quarantine(mark: str) -> tuple[str, str]:
    """Split ``ID|WHY``; the id of a parametrised test may hold the sign itself."""
    end = mark.rfind("]|") + 1
    at = end or mark.find("|")
    return (mark, "no reason given") if at < 0 else (mark[:at], mark[at + 1 :])


def _folder(config: pytest.Config) -> Path | None:
    folder = config.getoption(_FOLDER)
    return None if folder is None else real_path(config.invocation_params.dir / str(folder))
