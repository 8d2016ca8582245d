"""Healthy sessions that look odd."""

from __future__ import annotations

from tests.builders.session_cases import BAD, GOOD, GREEN, Case, hook, tests

_XDIST = ("-p", "xdist", "-n", "2", "test_it.py")
_SUB = """
import pytest
def test_parts(subtests):
    for i in range(3):
        with subtests.test(i=i):
            assert i < 5
def test_b(): pass
"""
_IDS = """
import pytest
@pytest.mark.parametrize("x", ["a|b", "c::d", "[e]", "ü é", "f/g", "@h", " ", "a\\tb"])
def test_it(x): pass
"""
HEALTHY = [
    Case("plain", GREEN, "2 of 2", tests(GOOD)),
    Case("two workers", GREEN, "2 of 2", tests(GOOD), _XDIST),
    Case(
        "groups of workers",
        GREEN,
        "2 of 2",
        tests("import pytest\n@pytest.mark.xdist_group('g')\n" + GOOD),
        (*_XDIST, "--dist", "loadgroup"),
    ),
    Case("subtests", GREEN, "2 of 2", tests(_SUB)),
    Case("subtests in workers", GREEN, "2 of 2", tests(_SUB), _XDIST),
    Case("odd ids", GREEN, "8 of 8", tests(_IDS)),
    Case("odd ids in workers", GREEN, "8 of 8", tests(_IDS), _XDIST),
    Case(
        "unittest",
        GREEN,
        "2 of 3",
        tests(
            "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
            "    @unittest.expectedFailure\n    def test_x(self): self.fail()\n"
            "    def test_s(self):\n        for i in range(3):\n            with self.subTest(i=i): self.assertLess(i, 4)\n"
        ),
    ),
    Case(
        "doctests",
        GREEN,
        "2 of 2",
        {
            "mod.py": '"""\n>>> 1 + 1\n2\n"""\ndef f():\n    """\n    >>> f()\n    3\n    """\n    return 3\n'
        },
        ("--doctest-modules", "mod.py"),
    ),
    Case(
        "selectors choose",
        GREEN,
        "1 of 1",
        tests(
            _MARK
            := "import pytest\ndef test_a(): pass\n@pytest.mark.slow\ndef test_bad(): assert 0\n",
            ini="markers = slow: x",
        ),
        ("-m", "not slow", "test_it.py"),
    ),
    Case(
        "selectors choose by key", GREEN, "1 of 1", tests(BAD), ("-k", "test_a", "test_it.py")
    ),
    Case(
        "selectors say what addopts say",
        GREEN,
        "1 of 1",
        tests(_MARK, ini="addopts = -m 'not slow'\nmarkers = slow: x"),
        ("-m", "not slow", "test_it.py"),
    ),
    Case(
        "selectors deselect",
        GREEN,
        "1 of 1",
        tests(BAD),
        ("--deselect=test_it.py::test_bad", "test_it.py"),
    ),
    Case(
        "selectors ignore what a list ignores",
        GREEN,
        "2 of 2",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "t/conftest.py": "collect_ignore = ['test_bad.py']\n",
        },
        ("t", "--ignore=t/test_bad.py"),
    ),
    Case(
        "expected failures",
        GREEN,
        "1 of 4",
        tests(
            "import pytest\ndef test_a(): pass\n@pytest.mark.xfail\ndef test_x(): assert 0\n"
            "@pytest.mark.skip\ndef test_s(): pass\ndef test_y(): pytest.xfail('no')\n"
        ),
    ),
    Case(
        "own harness package, own option, no cache",
        GREEN,
        "2 of 2",
        {
            **tests(
                "from harness import mine\ndef test_a(request):\n    assert mine\n"
                "    assert request.config.getoption('--evidence') == 'x'\ndef test_b(): pass\n",
                conftest=hook(
                    "def pytest_addoption(parser): parser.addoption('--evidence', default='x')"
                ),
                ini="addopts = -p no:cacheprovider",
            ),
            "harness/__init__.py": "mine = 1\n",
        },
    ),
    Case(
        "own fixture and wrapped calls",
        GREEN,
        "3 of 3",
        tests(
            "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def g(*a, **k): return f(*a, **k)\n    return g\n"
            "@deco\ndef test_a(evidence): assert evidence == 5\nasync def test_c(): pass\n"
            "class TestK:\n    @deco\n    def test_m(self): pass\n",
            conftest=hook(
                "import asyncio, inspect\n@pytest.fixture\ndef evidence(): return 5\n"
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_pyfunc_call(pyfuncitem):\n"
                "    if inspect.iscoroutinefunction(pyfuncitem.obj):\n"
                "        asyncio.run(pyfuncitem.obj()); return True"
            ),
        ),
    ),
    Case(
        "strict and warnings are errors",
        GREEN,
        "2 of 2",
        tests(GOOD, ini="addopts = --strict-markers --strict-config\nfilterwarnings = error"),
    ),
    Case(
        "a program of a test",
        GREEN,
        "1 of 1",
        tests(
            "import os, subprocess, sys\ndef test_a():\n"
            "    paths = os.environ.get('PYTHONPATH', '').split(os.pathsep)\n"
            "    assert not [p for p in paths if 'session' in os.path.basename(p)]\n"
            "    subprocess.run([sys.executable, '-m', 'pytest', '-q', 'other.py'], check=True)\n"
        )
        | {"other.py": GOOD},
    ),
    Case(
        "order and skip by a conftest",
        GREEN,
        "1 of 2",
        tests(
            BAD,
            conftest=hook(
                "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
                "    items[0].add_marker(pytest.mark.skip(reason='later'))"
            ),
        ),
    ),
    Case(
        "retries",
        GREEN,
        "2 of 2",
        tests(
            "import pathlib\nP = pathlib.Path('n')\ndef test_shaky(subtests):\n"
            "    n = int(P.read_text()) if P.exists() else 0\n    P.write_text(str(n + 1))\n"
            "    with subtests.test(): assert n > 1\ndef test_b(): pass\n"
        ),
        keys={"test_retries": 2},
    ),
    Case(
        "coroutines that somebody awaits",
        GREEN,
        "2 of 2",
        tests(
            "import asyncio, unittest\n"
            "class A(unittest.IsolatedAsyncioTestCase):\n    async def test_a(self): pass\n"
            "class B(unittest.TestCase):\n"
            "    def _callTestMethod(self, method): asyncio.run(method())\n"
            "    async def test_b(self): pass\n"
        ),
    ),
    Case(
        "tests of one id",
        GREEN,
        "1 of 1",
        {
            "x.case": "x",
            "conftest.py": hook(
                "class Twins(pytest.File):\n    def collect(self):\n"
                "        for _ in range(3): yield Twin.from_parent(self, name='case')\n"
                "class Twin(pytest.Item):\n    def runtest(self): pass\n"
                "def pytest_collect_file(file_path, parent):\n"
                "    if file_path.suffix == '.case':\n"
                "        return Twins.from_parent(parent, path=file_path)"
            ),
        },
        ("x.case",),
    ),
    Case(
        "paths within paths, twice and by a link",
        GREEN,
        "2 of 2",
        {"t/test_it.py": GOOD, "pytest.ini": "[pytest]\naddopts = t\ntestpaths = t\n"},
        ("t/test_it.py", "./t/../t", "t/test_it.py::test_a"),
    ),
    Case("no paths", GREEN, "2 of 2", {"t/test_it.py": GOOD}, ("-q",)),
    Case(
        "no paths but those of the file",
        GREEN,
        "2 of 2",
        {"t/test_it.py": GOOD, "pytest.ini": "[pytest]\ntestpaths = t\n"},
        ("-q",),
    ),
]
