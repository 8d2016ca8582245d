"""Patience with single tests: a bound on their time, retries, and quarantine.

``--test-timeout`` bounds set-up, call and tear-down of each test, each for itself.
``--test-retries`` runs a failed test again from the ground up: its fixtures of every scope are
made anew. ``--quarantine`` lets a failure be reported as skipped, with its reason. Nothing of
it is silent: each failed attempt is kept in the report of the test, and told at the end.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

FLAKY = "harness-flaky"
QUARANTINE = "harness-quarantine"
QUARANTINED = "harness-quarantined"
ATTEMPT = "harness: failed attempt"
_AGAIN_S = 1.0
_LONGEST = 64 << 10


def add_options(group: pytest.OptionGroup) -> None:
    """Declare the options."""
    group.addoption(
        "--test-timeout",
        metavar="SECONDS",
        type=float,
        default=0.0,
        help="Fail a test whose set-up, call or tear-down takes longer.",
    )
    group.addoption(
        "--test-retries",
        metavar="N",
        type=int,
        default=0,
        help="Run a failed test again up to N times; it is told as flaky when it passes then.",
    )
    group.addoption(
        "--quarantine",
        metavar="ID|WHY",
        action="append",
        default=[],
        help="Report failures of this test, class or file as skipped, and say why.",
    )


def entries(config: pytest.Config) -> dict[str, str]:
    """Return why a test is in quarantine, by declared id."""
    given = [str(entry).rpartition("|") for entry in config.getoption("--quarantine")]
    return {name or why: why if name else "no reason given" for name, _, why in given}


def is_asked(config: pytest.Config) -> bool:
    """Say whether any of the options is used."""
    names = ("--test-timeout", "--test-retries", "--quarantine")
    return any(config.getoption(name) for name in names)


class TestTimeouts:
    """Runs each test, in the process where it is run: a worker's under pytest-xdist."""

    def __init__(self, config: pytest.Config) -> None:
        """Take what is allowed."""
        self._timeout_s = float(config.getoption("--test-timeout"))
        self._retries = int(config.getoption("--test-retries"))
        self._quarantine = entries(config)
        self._start = config.invocation_params.dir

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test until it passes or was tried often enough; report the last attempt."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        attached = len(item.user_properties)
        failures: list[str] = []
        while True:
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
            if not any(report.failed for report in reports) or self._is_over(item, failures):
                break
            failures.append(_write_failures(reports) + _start_over(item, attached))
        self._mark(item, reports, failures)
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _is_over(self, item: pytest.Item, failures: Sequence[str]) -> bool:
        session = item.session
        return len(failures) >= self._retries or bool(session.shouldstop or session.shouldfail)

    def _mark(
        self, item: pytest.Item, reports: Sequence[pytest.TestReport], failures: Sequence[str]
    ) -> None:
        """Tell retries and quarantine in the reports; a failure in quarantine is skipped."""
        name = self._name(item)
        failed = [report for report in reports if report.failed]
        notes = [(FLAKY, f"{len(failures)} retried")] if failures else []
        kept = list(failures)
        if name is not None:
            notes.append((QUARANTINE, name))
            if failed:
                notes.append((QUARANTINED, self._quarantine[name]))
                kept.append(_write_failures(reports))
            for report in failed:
                _excuse(report, self._quarantine[name])
        for report in reports:
            report.user_properties.extend(notes)
        reports[-1].sections += [(f"{ATTEMPT} {i}", text) for i, text in enumerate(kept, 1)]

    def _name(self, item: pytest.Item) -> str | None:
        """Return the declared id that names a test: itself, its class, its file or folder."""
        rest = item.nodeid.partition("::")[2]
        path = Path(os.path.relpath(item.path, self._start)).as_posix()
        for known in (item.nodeid, f"{path}::{rest}"):
            for name in self._quarantine:
                if known == name or known.startswith((f"{name}[", f"{name}::", f"{name}/")):
                    return name
        return None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Iterator[None]:
        """Bound the set-up of a test."""
        with self._bound("set-up"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """Bound the call of a test."""
        with self._bound("call"):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """Bound the tear-down of a test."""
        with self._bound("tear-down"):
            return (yield)

    @contextlib.contextmanager
    def _bound(self, phase: str) -> Iterator[None]:
        """Ring an alarm at the bound, and again each second should a test swallow it."""
        if not self._timeout_s:
            yield
            return
        if threading.current_thread() is not threading.main_thread():
            pytest.fail("--test-timeout needs tests to run in the main thread", pytrace=False)

        def ring(_number: int, _frame: FrameType | None) -> None:
            pytest.fail(f"{phase} still running after {self._timeout_s:g} s")

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, self._timeout_s, _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _excuse(report: pytest.TestReport, why: str) -> None:
    path, line, _ = report.location
    report.outcome = "skipped"
    report.longrepr = (path, line or 0, f"quarantined: {why}")


def _write_failures(reports: Sequence[pytest.TestReport]) -> str:
    """Write what failed in an attempt, its captured output included."""
    parts = []
    for report in reports:
        if report.failed:
            parts += [f"{report.when} failed", report.longreprtext]
            parts += [f"{title}\n{content}" for title, content in report.sections]
    return "\n".join(parts)[-_LONGEST:]


def _start_over(item: pytest.Item, attached: int) -> str:
    """Tear everything down, so that the next attempt finds nothing of the last one.

    Returns:
        What failed while doing so, else nothing.
    """
    del item.user_properties[attached:]
    item._report_sections.clear()  # noqa: SLF001 - pytest has no public way to forget them
    call = pytest.CallInfo.from_call(
        lambda: item.session._setupstate.teardown_exact(None),  # noqa: SLF001 - likewise
        when="teardown",
        reraise=(KeyboardInterrupt, SystemExit),
    )
    return (
        "" if call.excinfo is None else f"\nfixtures failed to close: {call.excinfo.exconly()}"
    )


def take(test: dict[str, Any], report: pytest.TestReport) -> None:
    """Note retries and quarantine of a test from the report of one of its phases."""
    noted = {name: str(value) for name, value in report.user_properties}
    if QUARANTINE in noted:
        test["quarantine"] = noted[QUARANTINE]
    if QUARANTINED in noted and test["outcome"] == "skipped":
        test["outcome"] = "quarantined"
    if texts := [text for title, text in report.sections if title.startswith(ATTEMPT)]:
        test["attempts"] = texts


def tell(tests: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write what patience hides from pytest's own summary: every failed attempt.

    The lines of an attempt are marked, so that nobody takes them for the failure of the run.
    """
    for test in tests:
        attempts = test.get("attempts", [])
        if attempts:
            words = {"passed": "FLAKY", "quarantined": "QUARANTINED"}
            word = words.get(test["outcome"], "RETRIED")
            times = f"{len(attempts)} failed attempt{'' if len(attempts) == 1 else 's'}"
            yield f"{word} {test['id']}: {times}"
        for attempt in attempts:
            yield from (f"  | {line}" for line in attempt.splitlines())
            yield "  |"


def unseen(config: pytest.Config, tests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which quarantines named no test that ran, each with the nearest that did."""
    tests = list(tests)
    met = {test.get("quarantine") for test in tests}
    told = []
    for name in entries(config):
        if name not in met:
            near = difflib.get_close_matches(
                name, [str(t["id"]) for t in tests], n=1, cutoff=0.5
            )
            told.append(name + (f"; did you mean {near[0]!r}?" if near else ""))
    return told
