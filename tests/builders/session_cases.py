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
EITHER = f"{RED} or {OPEN}"  # releases of pytest differ in what they end with


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
    contents = {"test_it.py": text}
    if "conftest" in files:
        contents["conftest.py"] = files["conftest"]
    if "ini" in files:
        contents["pytest.ini"] = f"[pytest]\n{files['ini']}\n"
    return contents


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
    "version": ("--version", EITHER),
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
        EITHER,
        "",
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
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_runtestloop(session): return True"
            ),
        ),
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
        "",
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
        tests(
            "import pytest\npytestmark = pytest.mark.xfail(strict=False)\ndef test_a(): assert 0\n"
        ),
    ),
    Case(
        "class is no test",
        OPEN,
        "no test",
        tests("class TestA:\n    __test__ = False\n    def test_a(self): assert 0\n"),
    ),
]
