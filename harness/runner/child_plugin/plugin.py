"""The hooks of a session: what tests attach, and every event of the session in its journal.

It notes and judges nothing: whoever reads the journal does, outside of this process.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import warnings
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from harness.runner.child_plugin.journal import Journal, read_settings, take_key
from harness.runner.child_plugin.outcomes import SEEN, OutcomeWatch, name_suspects
from harness.runner.child_plugin.patience import Patience, is_subtest, take, tell
from harness.runner.child_plugin.selection import CollectionWatch

ATTACHED = "harness-evidence"
COLLECTION = "harness_collection"
_FOLDER = "harness_evidence_folder"
_KEY = "harness_session_key"
_LONGEST_WARNING = 400
_WARNINGS = 1000


class Sink(Protocol):
    """Where events go."""

    def write(self, event: dict[str, Any]) -> None:
        """Take an event."""


class Evidence:
    """What one test attaches; given by the fixture ``evidence``."""

    def __init__(self, item: pytest.Item, folder: Path | None) -> None:
        """Take the test, and where files go (nowhere when nobody asks for evidence)."""
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
            Where the copy lies; None when nobody asks for evidence.

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
        place = self._folder / "files" / make_slug(self._item.nodeid) / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(source), str(place))
        relative = place.relative_to(self._folder).as_posix()
        self._attach({"kind": "file", "name": name, "path": relative})
        return place

    def _attach(self, what: dict[str, Any]) -> None:
        # As text: workers hand reports over in their own encoding, which knows no NaN.
        self._item.user_properties.append((ATTACHED, json.dumps(what)))


@pytest.fixture
def harness_evidence(request: pytest.FixtureRequest) -> Evidence:
    """Attach metrics, files and seeds of a test to the evidence."""
    return Evidence(request.node, vars(request.config).get(_FOLDER))


@pytest.fixture
def evidence(harness_evidence: Evidence) -> Evidence:
    """Attach metrics, files and seeds; a fixture of this name in a repository comes first."""
    return harness_evidence


class SessionStart:
    """Registers what watches the tests last of all, when every ``conftest.py`` is known."""

    def __init__(self, watch: CollectionWatch) -> None:
        """Take what knows the collected tests."""
        self._watch = watch

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, None]:
        """Watch the tests from here on."""
        outcomes = OutcomeWatch(session.config, self._watch.original, self._watch.functions)
        session.config.pluginmanager.register(outcomes)
        if "workeroutput" in vars(session.config):
            vars(session.config)["workeroutput"][COLLECTION] = self._watch.describe()
        yield


class Recorder:
    """Writes each event of a session into its journal; workers of xdist only report."""

    def __init__(self, config: pytest.Config, sink: Sink, watch: CollectionWatch) -> None:
        """Begin the journal."""
        self._config, self._sink, self._watch = config, sink, watch
        self._warnings = 0
        self._tests: dict[str, dict[str, Any]] = {}
        sink.write(
            {
                "event": "start",
                "python": ".".join(map(str, sys.version_info[:3])),
                "optimize": sys.flags.optimize,
                "pytest": pytest.__version__,
                "plugins": sorted(
                    f"{d.project_name}-{d.version}" for d in _distributions(config)
                ),
                "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
            }
        )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        """Note what was collected in this very process."""
        self._sink.write(self._watch.describe())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Note what a worker of pytest-xdist collected."""
        output = vars(node).get("workeroutput") or {}
        if COLLECTION in output:
            self._sink.write(output[COLLECTION])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of a test, as it was seen and as it is reported."""
        seen: Mapping[str, Any] = vars(report).get(SEEN) or {}
        test = self._tests.setdefault(report.nodeid, {"id": report.nodeid, "outcome": "passed"})
        if report.outcome in ("failed", "skipped") and test["outcome"] != "failed":
            test["outcome"] = report.outcome
        take(test, report)
        is_changed = bool(seen) and seen.get("final") != report.outcome
        hooks = name_suspects(self._config, "pytest_runtest_logreport") if is_changed else []
        self._sink.write(
            {
                "event": "report",
                "id": str(seen.get("id") or report.nodeid),
                "when": str(report.when),
                "outcome": str(report.outcome),
                "duration_s": float(report.duration),
                "subtest": is_subtest(report),
                "expected": "wasxfail" in vars(report),
                "seen": {**seen, "suspects": [*seen.get("suspects", ()), *hooks]}
                if seen
                else None,
                "notes": [
                    [name, str(value)]
                    for name, value in report.user_properties
                    if str(name).startswith("harness-")
                ],
                "attempts": test.get("attempts", []) if report.when == "teardown" else [],
            }
        )

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str
    ) -> None:
        """Note a warning."""
        self._warnings += 1
        if self._warnings <= _WARNINGS:
            self._sink.write(
                {
                    "event": "warning",
                    "category": warning_message.category.__name__,
                    "message": str(warning_message.message)[:_LONGEST_WARNING],
                    "test": nodeid,
                    "when": when,
                }
            )

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, None]:
        """Note how the session ends, after everybody has had a say."""
        before = int(session.exitstatus)
        yield
        self._sink.write(
            {
                "event": "finish",
                "status": int(session.exitstatus),
                "before": before,
                "suspects": name_suspects(self._config, "pytest_sessionfinish"),
                "stopped": str(session.shouldstop or session.shouldfail or ""),
                "warnings_left_out": max(0, self._warnings - _WARNINGS),
            }
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what patience hides."""
        for line in tell(self._tests.values()):
            terminalreporter.write_line(line)


def _distributions(config: pytest.Config) -> list[Any]:
    by_name = {d.project_name: d for _, d in config.pluginmanager.list_plugin_distinfo()}
    return list(by_name.values())


def make_slug(nodeid: str) -> str:
    """Make a folder name of a test's id, readable and unique."""
    mark = hashlib.sha256(nodeid.encode(errors="surrogatepass")).hexdigest()[:8]
    readable = re.sub(r"[^A-Za-z0-9]+", "-", nodeid.rpartition("/")[2]).strip("-")
    return f"{readable[:60]}-{mark}"


def start(config: pytest.Config, settings: Mapping[str, Any], sink: Sink | None) -> None:
    """Watch a session; ``sink`` is None in a worker of pytest-xdist, which only reports."""
    folder = settings.get("folder")
    vars(config)[_FOLDER] = None if folder is None else Path(str(folder))
    watch = CollectionWatch(config)
    config.pluginmanager.register(watch)
    config.pluginmanager.register(SessionStart(watch))
    if settings.get("quarantine") or settings.get("retries") or settings.get("timeout_s"):
        config.pluginmanager.register(Patience(config, settings, watch.original))
    if sink is not None:
        config.pluginmanager.register(Recorder(config, sink, watch))


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take the key away before any ``conftest.py`` is imported; there are no options."""
    key = take_key(Path(__file__).parent)
    if key is not None:
        vars(pluginmanager)[_KEY] = key


def pytest_configure(config: pytest.Config) -> None:
    """Begin where the parent handed over its wishes beside this file."""
    here = Path(__file__).parent
    settings = read_settings(here)
    if not settings:
        return
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    # Programs that tests start have no business with this folder.
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in path if p and Path(p) != here)
    if not os.environ["PYTHONPATH"]:
        del os.environ["PYTHONPATH"]
    # Not by the environment: a session that a test starts inherits it and is no worker.
    is_worker = "workerinput" in vars(config)
    key = vars(config.pluginmanager).pop(_KEY, None)
    if is_worker or key is not None:
        sink = None if key is None else Journal(str(settings["journal"]), key)
        start(config, settings, sink)
