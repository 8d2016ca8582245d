"""Sessions that never come to some of the tests, which so are never missed."""

from __future__ import annotations

from tests.builders.session_cases import BAD, GOOD, OPEN, Case, hook, tests

_HALVES = {"t/test_a.py": GOOD, "t/test_bad.py": BAD}
_PATHS = "config.args[:] = ['t/test_a.py']"
_BLOCKED = (
    "import unittest\ndef test_a(): pass\n"
    "class Checks(unittest.TestCase):\n    def test_bad(self): assert 0\n"
)
_TWINS = """
class Twins(pytest.File):
    def collect(self):
        for n in range(3):
            twin = Twin.from_parent(self, name="case")
            twin.n = n
            yield twin
class Twin(pytest.Item):
    def runtest(self):
        if self.n == 1: {second}
        if self.n == 2: assert 0
def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".case": return Twins.from_parent(parent, path=file_path)
"""

UNREACHED = [
    Case(
        "paths exchanged by conftest",
        OPEN,
        "conftest.py",
        {**_HALVES, "conftest.py": hook(f"def pytest_configure(config): {_PATHS}")},
        ("t",),
    ),
    Case(
        "paths exchanged by a plugin",
        OPEN,
        "paths of",
        {
            **_HALVES,
            "picky.py": "def pytest_load_initial_conftests(args):\n"
            "    args[:] = ['t/test_a.py' if one == 't' else one for one in args]\n",
            "pytest.ini": "[pytest]\naddopts = -p picky\n",
        },
        ("t",),
    ),
    Case(
        "collection of other paths",
        OPEN,
        "paths of",
        {
            **_HALVES,
            "conftest.py": hook(
                "def pytest_collection(session):\n"
                "    session.perform_collect(['t/test_a.py'])\n    return True"
            ),
        },
        ("t",),
    ),
    Case(
        "paths of addopts instead of all",
        OPEN,
        "addopts",
        {**_HALVES, "pytest.ini": "[pytest]\naddopts = t/test_a.py\n"},
        ("-q",),
    ),
    Case(
        "part for unittest switched off",
        OPEN,
        "no:unittest",
        tests(_BLOCKED, ini="addopts = -p no:unittest"),
    ),
    Case(
        "part for modules switched off",
        OPEN,
        "no:python",
        tests('"""\n>>> 1 + 1\n2\n"""\n' + BAD, ini="addopts = -p no:python"),
        ("--doctest-modules", "test_it.py"),
    ),
    Case(
        "class made no test",
        OPEN,
        "conftest.py",
        tests(
            "def test_a(): pass\nclass TestBad:\n    def test_bad(self): assert 0\n",
            conftest=hook(
                "@pytest.hookimpl(hookwrapper=True)\n"
                "def pytest_pycollect_makeitem(name):\n    result = yield\n"
                "    if name == 'TestBad': result.force_result(None)"
            ),
        ),
    ),
    Case(
        "left between tests of one id",
        OPEN,
        "did not run",
        {
            "x.case": "x",
            "conftest.py": hook(_TWINS.format(second="pytest.exit('x', returncode=0)")),
        },
        ("x.case",),
    ),
    Case(
        "last test of one id dropped late",
        OPEN,
        "did not run",
        {
            "x.case": "x",
            "conftest.py": hook(
                _TWINS.format(second="pass")
                + "def pytest_runtestloop(session): del session.items[2:]"
            ),
        },
        ("x.case",),
    ),
]
