"""Patience with single tests: a bound on their time, retries, and quarantine.

The bound is on set-up, call and tear-down of each test, each for itself. A retry runs a failed
test again from the ground up: its fixtures of every scope are made anew. Quarantine lets a
failure be reported as skipped, with its reason. Subtests share the fate of their test. Nothing
of it is silent: each failed attempt is kept in the report of the test, and told at the end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from harness.runner.child_plugin.journal import FLAKY, QUARANTINE, QUARANTINED

ATTEMPT = "harness: failed attempt"
_AGAIN_S = 1.0
_LONGEST = 64 << 10


class Patience:
    """Runs each test, in the process where it is run: a worker's under pytest-xdist."""

    def __init__(
        self, config: pytest.Config, settings: Mapping[str, Any], original: Mapping[int, str]
    ) -> None:
        """Take what is allowed, and the ids that items had when they were collected."""
        self._timeout_s = float(settings.get("timeout_s") or 0.0)
        self._retries = int(settings.get("retries") or 0)
        self._quarantine = {str(name): str(why) for name, why in settings["quarantine"]}
        self._start, self._original = config.invocation_params.dir, original

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run a test until it passes or was tried often enough; report the last attempt."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        attached = len(item.user_properties)
        failures: list[str] = []
        while True:
            with _hold_subtests(item) as subtests:
                phases = runtestprotocol(item, log=False, nextitem=nextitem)
            # In the order in which they came: a subtest ends before the call around it.
            reports = [*phases[:1], *subtests, *phases[1:]]
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
        texts = list(failures)
        if name is not None:
            notes.append((QUARANTINE, name))
            if failed:
                notes.append((QUARANTINED, self._quarantine[name]))
                texts.append(_write_failures(reports))
            for report in failed:
                _excuse(report, self._quarantine[name])
            _forget_subtests(item)
        for report in reports:
            report.user_properties.extend(notes)
        reports[-1].sections += [(f"{ATTEMPT} {i}", text) for i, text in enumerate(texts, 1)]

    def _name(self, item: pytest.Item) -> str | None:
        """Return the declared id that names a test: itself, its class, its file or folder."""
        known = self._original.get(id(item), item.nodeid)
        rest = known.partition("::")[2]
        path = Path(os.path.relpath(item.path, self._start)).as_posix()
        # The narrowest one, so that a file's quarantine does not take its test's.
        for name in sorted(self._quarantine, key=len, reverse=True):
            for one in (known, f"{path}::{rest}"):
                if one == name or one.startswith((f"{name}[", f"{name}::", f"{name}/")):
                    return name
        return None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, None]:
        """Bound the set-up of a test."""
        with self._bound("set-up"):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, Any, None]:
        """Bound the call of a test."""
        with self._bound("call"):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, None]:
        """Bound the tear-down of a test."""
        with self._bound("tear-down"):
            yield

    @contextlib.contextmanager
    def _bound(self, phase: str) -> Iterator[None]:
        """Ring an alarm at the bound, and again each second should a test swallow it."""
        if not self._timeout_s:
            yield
            return
        if threading.current_thread() is not threading.main_thread():
            pytest.fail(
                "a bound on their time needs tests to run in the main thread", pytrace=False
            )

        def ring(_number: int, _frame: FrameType | None) -> None:
            pytest.fail(f"{phase} still running after {self._timeout_s:g} s")

        before = signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, self._timeout_s, _AGAIN_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class _Held:
    """The hooks of a test, but for reports of its subtests: these wait for its end."""

    def __init__(self, hooks: Any, held: list[pytest.TestReport]) -> None:
        self._hooks, self._held = hooks, held

    def __getattr__(self, name: str) -> Any:
        return self._hold if name == "pytest_runtest_logreport" else getattr(self._hooks, name)

    def _hold(self, report: pytest.TestReport) -> None:
        if is_subtest(report):
            self._held.append(report)
        else:
            self._hooks.pytest_runtest_logreport(report=report)


@contextlib.contextmanager
def _hold_subtests(item: pytest.Item) -> Iterator[list[pytest.TestReport]]:
    """Keep the reports of subtests back: a test that is tried again has none of them."""
    held: list[pytest.TestReport] = []
    hooks_of = item.session.gethookproxy
    vars(item.session)["gethookproxy"] = lambda path: _Held(hooks_of(path), held)
    try:
        yield held
    finally:
        vars(item.session).pop("gethookproxy")


def is_subtest(report: pytest.TestReport) -> bool:
    """Say whether a report is of a part of a test."""
    return "context" in vars(report) and type(report).__name__.lower() == "subtestreport"


def _forget_subtests(item: pytest.Item) -> None:
    """Let pytest forget failed subtests, for which it would make a passed test fail."""
    module = sys.modules.get("_pytest.subtests")
    if module is not None:
        item.config.stash[vars(module)["failed_subtests_key"]].clear()


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
    _forget_subtests(item)
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
    properties = {name: str(value) for name, value in report.user_properties}
    if QUARANTINE in properties:
        test["quarantine"] = properties[QUARANTINE]
    if QUARANTINED in properties and test["outcome"] == "skipped":
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
