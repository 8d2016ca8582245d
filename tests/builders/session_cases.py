"""Sessions that look like success and are none, and healthy ones that look odd.

Each is a small repository: its files, the selectors of the stage, and what must be said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

GOOD = "def test_a(): pass\ndef test_b(): pass\n"
BAD = "def test_a(): pass\ndef test_bad(): assert 0\n"
RED, OPEN, GREEN = "red", "inconclusive", "green"


@dataclass(frozen=True)
class Case:
    """One session: what it must be judged, and a word that the reason must hold."""

    name: str
    verdict: str
    word: str
    files: Mapping[str, str]
    selectors: tuple[str, ...] = ("test_it.py",)
    environment: Mapping[str, str] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)


def tests(text: str, **files: str) -> dict[str, str]:
    """Return a repository of one test file; ``conftest`` and ``ini`` are further files."""
    found = {"test_it.py": text}
    if "conftest" in files:
        found["conftest.py"] = files["conftest"]
    if "ini" in files:
        found["pytest.ini"] = f"[pytest]\n{files['ini']}\n"
    return found


def ending(line: str) -> str:
    """Write three tests, the second of which ends the session in its own way."""
    return f"import os, pytest, sys\ndef test_a(): pass\ndef test_b():\n    {line}\ndef test_c(): assert 0\n"


def hook(body: str) -> str:
    """Write a ``conftest.py``."""
    return f"import os, sys, pytest\n{body}\n"


_ADDOPTS = {
    "collect-only": ("--collect-only", OPEN),
    "co": ("--co", OPEN),
    "setup-only": ("--setup-only", OPEN),
    "setup-plan": ("--setup-plan", OPEN),
    "fixtures": ("--fixtures", OPEN),
    "fixtures-per-test": ("--fixtures-per-test", OPEN),
    "markers": ("--markers", OPEN),
    "version": ("--version", OPEN),
    "help": ("--help", OPEN),
    "keyword": ("-k test_a", OPEN),
    "marker": ("-m 'not slow'", OPEN),
    "deselect": ("--deselect test_it.py::test_bad", OPEN),
}
_MARKED = "import pytest\ndef test_a(): pass\n@pytest.mark.slow\ndef test_bad(): assert 0\n"
_SLOW = "markers = slow: long"

OPTIONS = [
    *(
        Case(f"addopts {name}", verdict, "", tests(_MARKED, ini=f"addopts = {words}\n{_SLOW}"))
        for name, (words, verdict) in _ADDOPTS.items()
    ),
    Case(
        "PYTEST_ADDOPTS",
        OPEN,
        "PYTEST_ADDOPTS",
        tests(BAD),
        environment={"PYTEST_ADDOPTS": "-k test_a"},
    ),
    Case(
        "first failure ends it",
        RED,
        "did not pass",
        tests("def test_bad(): assert 0\ndef test_b(): pass\n", ini="addopts = -x"),
    ),
    Case("no:junitxml", RED, "", tests(GOOD, ini="addopts = -p no:junitxml")),
    Case("last failed", RED, "refused", tests(GOOD, ini="addopts = --lf")),
    Case(
        "ignored file",
        OPEN,
        "--ignore",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "pytest.ini": "[pytest]\naddopts = --ignore=t/test_bad.py\n",
        },
        ("t",),
    ),
    Case(
        "ignored by glob",
        OPEN,
        "--ignore-glob",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "pytest.ini": "[pytest]\naddopts = --ignore-glob=*/test_b*.py\n",
        },
        ("t",),
    ),
    Case(
        "ignored folder",
        OPEN,
        "t/sub/test_bad.py",
        {
            "t/test_a.py": GOOD,
            "t/sub/test_bad.py": BAD,
            "pytest.ini": "[pytest]\naddopts = --ignore=t/sub\n",
        },
        ("t",),
    ),
]

ENDINGS = [
    Case("pytest.exit 0", OPEN, "2 of 3", tests(ending("pytest.exit('enough', returncode=0)"))),
    Case("os._exit 0", OPEN, "no record of its end", tests(ending("os._exit(0)"))),
    Case("os._exit 1", RED, "", tests(ending("os._exit(1)"))),
    Case("killed", RED, "signal", tests(ending("os.kill(os.getpid(), 9)"))),
    Case("exit 2", RED, "interrupted", tests(ending("pytest.exit('enough')"))),
    Case("exit 7", RED, "7", tests(ending("pytest.exit('enough', returncode=7)"))),
    Case("sys.exit 0", RED, "did not pass", tests(ending("sys.exit(0)"))),
    Case(
        "replaced by another program",
        OPEN,
        "no record",
        tests(ending("os.execv('/bin/true', ['true'])")),
    ),
    Case(
        "forked child goes on",
        OPEN,
        "no record",
        tests(
            ending("pid = os.fork()\n    if pid: os.waitpid(pid, 0); os._exit(0)").replace(
                "assert 0", "pass"
            )
        ),
    ),
    Case(
        "exit in a fixture",
        OPEN,
        "did not run",
        tests(
            "import os, pytest\n@pytest.fixture\ndef f():\n    yield\n    pytest.exit('x', returncode=0)\n"
            "def test_a(f): pass\ndef test_bad(): assert 0\n"
        ),
    ),
    Case(
        "exit at exit",
        RED,
        "",
        tests("import atexit, os\natexit.register(os._exit, 0)\n" + BAD),
    ),
    Case(
        "shouldstop",
        OPEN,
        "did not run",
        tests("def test_a(request): request.session.shouldstop = 'enough'\n" + BAD[23:]),
    ),
    Case(
        "main returns 0",
        OPEN,
        "no record",
        tests(BAD, conftest=hook("def pytest_cmdline_main(config): return 0")),
    ),
    Case(
        "loop returns at once",
        OPEN,
        "did not run",
        tests(BAD, conftest=hook("@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): return True")),
    ),
    Case(
        "protocol does nothing",
        OPEN,
        "did not run",
        tests(BAD, conftest=hook("def pytest_runtest_protocol(item): return True")),
    ),
    Case(
        "all skipped",
        OPEN,
        "skipped",
        tests("import pytest\npytestmark = pytest.mark.skip\n" + BAD),
    ),
    Case(
        "skipped at import",
        OPEN,
        "skipped",
        tests("import pytest\npytest.skip('no', allow_module_level=True)\n" + BAD),
    ),
    Case(
        "unittest skips all",
        OPEN,
        "skipped",
        tests(
            "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): raise unittest.SkipTest\n"
        ),
    ),
    Case(
        "all expected to fail",
        OPEN,
        "skipped",
        tests("import pytest\npytestmark = pytest.mark.xfail(strict=False)\ndef test_a(): assert 0\n"),
    ),
    Case("class is no test", OPEN, "no test", tests("class TestA:\n    __test__ = False\n    def test_a(self): assert 0\n")),
]


def outcome(hook_body: str) -> dict[str, str]:
    """Write a failing test and a ``conftest.py`` that looks at its report."""
    return tests(
        BAD,
        conftest=hook(
            "@pytest.hookimpl(hookwrapper=True)\n"
            "def pytest_runtest_makereport(item, call):\n    result = yield\n"
            f"    report = result.get_result()\n    {hook_body}\n"
        ),
    )


CHANGED = [
    Case(
        "outcome set to passed",
        RED,
        "conftest.py",
        outcome("report.outcome = 'passed'; report.longrepr = None"),
    ),
    Case("outcome set to skipped", RED, "conftest.py", outcome("report.outcome = 'skipped'; report.longrepr = ('x', 1, 'y')")),
    Case("called expected", RED, "conftest.py", outcome("report.wasxfail = 'x'; report.outcome = 'skipped'")),
    Case("failed but expected", RED, "did not pass", outcome("report.wasxfail = 'x'")),
    Case(
        "report of one's own",
        RED,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
                "    call.excinfo = None\n"
                "    return pytest.TestReport.from_item_and_call(item, call)"
            ),
        ),
    ),
    Case(
        "changed on the way",
        RED,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_logreport(report):\n"
                "    report.outcome = 'passed'"
            ),
        ),
    ),
    Case(
        "call swallowed",
        RED,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_call(item):\n"
                "    result = yield\n    result.force_result(None)"
            ),
        ),
    ),
    Case(
        "function swallowed",
        RED,
        "",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(hookwrapper=True, trylast=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
                "    result = yield\n    result.force_result(True)"
            ),
        ),
    ),
    Case(
        "function never called",
        OPEN,
        "not called",
        tests(BAD, conftest=hook("@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True")),
    ),
    Case(
        "coroutine never called",
        OPEN,
        "not called",
        tests("async def test_bad(): assert 0\n", conftest=hook("def pytest_pyfunc_call(pyfuncitem): return True")),
    ),
    Case(
        "function replaced",
        OPEN,
        "replaced",
        tests(
            BAD,
            conftest=hook("def pytest_runtest_setup(item): item.obj = lambda: None"),
        ),
    ),
    Case(
        "runtest replaced",
        OPEN,
        "replaced",
        tests(BAD, conftest=hook("def pytest_collection_modifyitems(items):\n    for i in items: i.runtest = lambda: None")),
    ),
    Case(
        "exit code set to 0",
        RED,
        "did not pass",
        tests(BAD, conftest=hook("def pytest_sessionfinish(session): session.exitstatus = 0")),
    ),
    Case(
        "exit code set late",
        RED,
        "",
        tests(BAD, conftest=hook("def pytest_unconfigure(config): os._exit(0)")),
    ),
    Case(
        "status words",
        RED,
        "did not pass",
        tests(BAD, conftest=hook("def pytest_report_teststatus(report): return 'passed', '.', 'PASSED'")),
    ),
    Case(
        "reports made up",
        OPEN,
        "not seen to run",
        tests(
            BAD,
            conftest=hook(
                "def pytest_runtest_protocol(item):\n    for when in ('setup', 'call', 'teardown'):\n"
                "        r = pytest.TestReport(item.nodeid, item.location, {}, 'passed', None, when)\n"
                "        item.ihook.pytest_runtest_logreport(report=r)\n    return True"
            ),
        ),
    ),
    Case(
        "unittest swallowed",
        RED,
        "",
        tests(
            "import unittest\nclass T(unittest.TestCase):\n    def test_bad(self): self.fail()\n    def test_a(self): pass\n",
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtest_makereport(item, call):\n"
                "    item._excinfo = None; call.excinfo = None"
            ),
        ),
    ),
]
