"""The pytest plugin: outcomes, metrics and files of tests as evidence of a hub.

``--evidence DIR`` writes ``DIR/evidence.json`` and copies what tests attach to ``DIR/files``.
What a test attaches travels in its report, so it arrives under pytest-xdist as well. A session
in which no test ran is never a success: nothing collected and everything skipped exit with 5,
fewer tests than ``--least-tests`` with 1. Bounds, retries and quarantine of single tests are in
``pytest_patience``; what they did is recorded and told here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.files import sha256_file, write_text
from harness.runner import pytest_timeouts

SCHEMA = 1
NAME = "evidence.json"
_KEY = "harness-evidence"
_PLUGIN = "harness-evidence-recorder"
_PATIENCE = "harness-patience"
_LONGEST_WARNING = 400
_WARNINGS = 1000
_EXCUSED = "quarantined"
_JUDGED = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


class Evidence:
    """What one test attaches; given by the fixture ``evidence``."""

    def __init__(self, item: pytest.Item, folder: Path | None) -> None:
        """Take the test, and where files go (nowhere without ``--evidence``)."""
        self._item, self._folder = item, folder

    def metric(self, name: str, value: float) -> None:
        """Attach a number; NaN and ±inf are kept, for a guard to find."""
        self._attach({"kind": "metric", "name": name, "value": float(value)})

    def seed(self, value: int) -> None:
        """Attach the seed that the test drew from."""
        self._attach({"kind": "seed", "value": int(value)})

    def file(self, path: Path | str, name: str | None = None) -> Path | None:
        """Copy a file into the evidence.

        Args:
            path: The file.
            name: Its name in the evidence; its own name without it.

        Returns:
            Where the copy lies; None without ``--evidence``.

        Raises:
            OSError: The file cannot be read or copied.
            ValueError: The name is not the name of a file.
        """
        source = Path(path)
        name = source.name if name is None else name
        if Path(name).name != name or name in ("", ".", ".."):
            raise ValueError(f"evidence file name {name!r}: give a name without folders")
        if self._folder is None:
            return None
        place = self._folder / "files" / _slug(self._item.nodeid) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, place)
        relative = place.relative_to(self._folder).as_posix()
        self._attach({"kind": "file", "name": name, "path": relative})
        return place

    def _attach(self, what: dict[str, Any]) -> None:
        # As text: workers hand reports over in their own encoding, which knows no NaN.
        self._item.user_properties.append((_KEY, json.dumps(what)))


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Attach metrics, files and seeds of a test to the evidence."""
    return Evidence(request.node, _folder(request.config))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("harness", "evidence of a regression harness")
    group.addoption(
        "--evidence", metavar="DIR", help="Write evidence.json and attached files here."
    )
    group.addoption(
        "--least-tests",
        metavar="N",
        type=int,
        default=0,
        help="Fail when fewer tests than this were collected or passed.",
    )
    pytest_timeouts.add_options(group)


def pytest_configure(config: pytest.Config) -> None:
    """Start to record where evidence is asked for; workers of xdist only attach."""
    folder = _folder(config)
    # Not by the environment: a session that a test starts inherits it and is no worker.
    is_worker = "workerinput" in vars(config)
    is_patient = pytest_timeouts.is_asked(config)
    if is_patient:
        config.pluginmanager.register(pytest_timeouts.TestTimeouts(config), _PATIENCE)
    is_asked = folder is not None or config.getoption("--least-tests") or is_patient
    if not is_worker and is_asked:
        config.pluginmanager.register(Recorder(config, folder), _PLUGIN)


class Recorder:
    """Listens to the reports of a session and writes the evidence at its end."""

    def __init__(self, config: pytest.Config, folder: Path | None) -> None:
        """Begin; ``folder`` is None when only the number of tests is asked for."""
        self._config, self._folder = config, folder
        self._started, self._began = datetime.now(UTC), time.monotonic()
        self._tests: dict[str, dict[str, Any]] = {}
        self._attached: dict[str, list[dict[str, Any]]] = {}
        self._warnings: list[dict[str, str]] = []
        self._left_out = 0
        self._unseen: list[str] = []
        self.verdict, self.reason = "inconclusive", "the session did not end"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one phase of a test: the worst phase is its outcome, the sum its duration."""
        test = self._tests.setdefault(
            report.nodeid, {"id": report.nodeid, "outcome": "passed", "duration_s": 0.0}
        )
        test["duration_s"] = round(test["duration_s"] + report.duration, 6)
        if report.failed:
            test["outcome"] = "failed" if report.when == "call" else "error"
        elif report.skipped and test["outcome"] == "passed":
            test["outcome"] = "skipped"
        pytest_timeouts.take(test, report)
        found = [json.loads(str(value)) for key, value in report.user_properties if key == _KEY]
        self._attached[report.nodeid] = found  # the last phase knows all of them

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str
    ) -> None:
        """Take a warning."""
        if len(self._warnings) >= _WARNINGS:
            self._left_out += 1
            return
        self._warnings.append(
            {
                "category": warning_message.category.__name__,
                "message": str(warning_message.message)[:_LONGEST_WARNING],
                "test": nodeid,
                "when": when,
            }
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        """Judge the session, write the evidence, and correct a too friendly exit code."""
        counts = self._counts()
        least = int(self._config.getoption("--least-tests"))
        exit_code = int(session.exitstatus)
        self.verdict, self.reason, session.exitstatus = judge(exit_code, counts, least)
        is_whole = not (session.shouldstop or session.shouldfail)
        self._unseen = pytest_timeouts.unseen(self._config, self._tests.values())
        if self._unseen and is_whole and exit_code in _JUDGED:
            self.verdict, self.reason = "red", "a quarantine names no test that ran"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        try:
            return (yield)
        finally:
            if self._folder is not None:
                self._write(counts, int(session.exitstatus))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what patience did, where the evidence is and what it is worth."""
        for line in pytest_timeouts.tell(self._tests.values()):
            terminalreporter.write_line(line)
        for line in self._unseen:
            terminalreporter.write_line(f"ERROR: not found: quarantined {line}")
        where = "" if self._folder is None else f"{self._folder / NAME}: "
        terminalreporter.write_line(f"evidence: {where}{self.verdict}, {self.reason}")

    def _counts(self) -> dict[str, int]:
        outcomes = [test["outcome"] for test in self._tests.values()]
        named = {n: outcomes.count(n) for n in ("passed", "failed", "error", "skipped")}
        excused = outcomes.count(_EXCUSED)
        return {"collected": len(outcomes), **named, **({_EXCUSED: excused} if excused else {})}

    def _write(self, counts: dict[str, int], exit_code: int) -> None:
        folder = self._folder or Path()
        folder.mkdir(parents=True, exist_ok=True)
        tests = sorted(self._tests.values(), key=lambda test: str(test["id"]))
        attached = [
            (test["id"], one) for test in tests for one in self._attached.get(test["id"], [])
        ]
        files = [
            {"test": test, "name": one["name"], "path": one["path"]}
            for test, one in attached
            if one["kind"] == "file"
        ]
        for one in files:
            path = folder / one["path"]
            one |= {"sha256": sha256_file(path), "size": path.stat().st_size}
        content = {
            "schema": SCHEMA,
            "started": self._started.isoformat(timespec="milliseconds"),
            "duration_s": round(time.monotonic() - self._began, 4),
            "exit_code": exit_code,
            "verdict": self.verdict,
            "reason": self.reason,
            "counts": counts,
            "tests": tests,
            "metrics": [
                {"test": test, "name": one["name"], "value": one["value"]}
                for test, one in attached
                if one["kind"] == "metric"
            ],
            "files": files,
            "seeds": [
                {"test": test, "value": one["value"]}
                for test, one in attached
                if one["kind"] == "seed"
            ],
            "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
            "warnings": self._warnings,
            "warnings_left_out": self._left_out,
        }
        # NaN and ±inf stay what they are: a guard that reads them is red.
        write_text(folder / NAME, json.dumps(content, indent=2, sort_keys=True) + "\n")


def judge(exit_code: int, counts: dict[str, int], least: int) -> tuple[str, str, int]:
    """Return verdict, reason and exit code of a session.

    Args:
        exit_code: What pytest would exit with.
        counts: Tests by outcome, and how many were ``collected``.
        least: Tests that were promised.
    """
    collected, passed = counts["collected"], counts["passed"]
    bad = counts["failed"] + counts["error"]
    if exit_code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return "red", f"{bad} of {collected} tests did not pass", exit_code
    excused = counts.get(_EXCUSED, 0)
    if collected < least or (passed + excused < least and passed):
        few = f"{collected} tests collected and {passed} passed; {least} were promised"
        return "red", few, int(pytest.ExitCode.TESTS_FAILED)
    if not collected:
        return "inconclusive", "no test was collected", int(pytest.ExitCode.NO_TESTS_COLLECTED)
    if not passed:
        skipped = f"all {collected} tests were skipped"
        if excused:
            skipped = f"no test passed, {excused} of {collected} failed in quarantine"
        return "inconclusive", skipped, int(pytest.ExitCode.NO_TESTS_COLLECTED)
    told = f", {excused} failed in quarantine" if excused else ""
    return "green", f"{passed} of {collected} tests passed{told}", exit_code


def _folder(config: pytest.Config) -> Path | None:
    given = config.getoption("--evidence")
    return None if given is None else (config.invocation_params.dir / str(given)).resolve()


def _slug(nodeid: str) -> str:
    """Make a folder name of a test's id, readable and unique."""
    import hashlib  # noqa: PLC0415 - only where a file is attached

    mark = hashlib.sha256(nodeid.encode()).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", nodeid.rpartition("/")[2]).strip("-")
    return f"{readable[:60]}-{mark}"
