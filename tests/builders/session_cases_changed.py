"""Sessions in which somebody makes something else of a failure."""

from __future__ import annotations

from tests.builders.session_cases import BAD, GOOD, GREEN, OPEN, RED, Case, hook, tests


def outcome(hook_body: str) -> dict[str, str]:
    """Write a failing test and a ``conftest.py`` that looks at its report."""
    return tests(
        BAD,
        conftest=hook(
            "@pytest.hookimpl(hookwrapper=True)\n"
            "def pytest_runtest_makereport(item, call):\n    result = yield\n"
            f"    report = result.get_result()\n    if call.when == 'call': {hook_body}\n"
        ),
    )


_UNRUN = (
    "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
    "    {head} test_bad(self): {first}assert 0\n"
)
CHANGED = [
    Case(
        "outcome set to passed",
        RED,
        "conftest.py",
        outcome("report.outcome = 'passed'; report.longrepr = None"),
    ),
    Case(
        "outcome set to skipped",
        RED,
        "conftest.py",
        outcome("report.outcome = 'skipped'; report.longrepr = ('x', 1, 'y')"),
    ),
    Case(
        "called expected",
        RED,
        "conftest.py",
        outcome("report.wasxfail = 'x'; report.outcome = 'skipped'"),
    ),
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
        "did not pass",
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
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem): return True"
            ),
        ),
    ),
    Case(
        "coroutine never called",
        OPEN,
        "not called",
        tests(
            "async def test_bad(): assert 0\n",
            conftest=hook("def pytest_pyfunc_call(pyfuncitem): return True"),
        ),
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
        "runtest of the class replaced",
        OPEN,
        "kept from calling",
        tests(BAD, conftest=hook("pytest.Function.runtest = lambda self: None")),
    ),
    Case(
        "key read by a conftest",
        GREEN,
        "2 of 2",
        tests(
            GOOD,
            conftest=hook(
                "import glob\nassert not glob.glob('.harness/work/.session-*/key')\n"
                "assert glob.glob('.harness/work/.session-*/settings.json')"
            ),
        ),
    ),
    Case(
        "runtest replaced",
        OPEN,
        "replaced",
        tests(
            BAD,
            conftest=hook(
                "def pytest_collection_modifyitems(items):\n    for i in items: i.runtest = lambda: None"
            ),
        ),
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
        tests(
            BAD,
            conftest=hook(
                "def pytest_report_teststatus(report): return 'passed', '.', 'PASSED'"
            ),
        ),
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
    Case(
        "coroutine that unittest never awaits",
        OPEN,
        "awaits no coroutine",
        tests(_UNRUN.format(head="async def", first="")),
    ),
    Case(
        "generator that unittest never runs",
        OPEN,
        "runs no generator",
        tests(_UNRUN.format(head="def", first="yield; ")),
    ),
    Case(
        "asserts of helpers not executed",
        OPEN,
        "-O",
        {
            **tests(
                "from helper import check\ndef test_bad(): check(0)\n", ini="pythonpath = ."
            ),
            "helper.py": "def check(value): assert value\n",
        },
        environment={"PYTHONOPTIMIZE": "1"},
    ),
    Case(
        "asserts not executed at all",
        OPEN,
        "-O",
        tests(BAD, ini="addopts = --assert=plain"),
        environment={"PYTHONOPTIMIZE": "2"},
    ),
]
