"""Attacks on a gate: changes of a contributor who wants to be green.

Beside the declaration, where nobody looks, or in it under another name.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.builders.attack_place import LINK, Place


@dataclass(frozen=True, slots=True)
class Attack:
    """One way to be green; ``rule`` is what the gate has to name."""

    name: str
    rule: str
    make: Callable[[Place], object]


def _put(path: str, old: str, new: str) -> Callable[[Place], None]:
    """Replace words of a file; without old ones the file is new, or all of it."""

    def make(place: Place) -> None:
        text = place.files.get(path, "")
        assert old in text
        place.files[path] = text.replace(old, new) if old else new

    return make


def _drop(path: str) -> Callable[[Place], None]:
    return lambda place: place.files.pop(path)


def _stage(index: int, **keys: Any) -> Callable[[Place], None]:
    return lambda place: place.suite["stages"][index].update(keys)


def _argv(place: Place, *words: str) -> None:
    place.suite["stages"][0]["argv"] = list(words)


def _swap_bounds(place: Place) -> None:
    """Give each of two guards the id of the other one."""
    first, second = place.suite["guards"]
    first["id"], second["id"] = second["id"], first["id"]


def _inherit(place: Place) -> None:
    """Leave a guard out of a parent that the suite did not have before."""
    place.suites["parent"] = {**place.suite}
    place.suites["tiny"] = {"extends": "parent", "without": ["floor"]}


_T, _C, _P = "tests/unit/test_model.py", "tests/conftest.py", "pyproject.toml"
_W, _O = ".github/workflows/checks.yml", "CODEOWNERS"
_HOOK = "\n\ndef pytest_runtest_makereport(item, call):\n    call.excinfo = None\n"
_AUTO = "\n\n@pytest.fixture(autouse=True)\ndef quiet(monkeypatch):\n    pass\n"
_TRY = (
    "    try:\n        assert abs(2.0 - 2.0) < 1e-6\n    except AssertionError:\n        pass\n"
)
_SUPPRESS = (
    "    with contextlib.suppress(AssertionError):\n        assert abs(2.0 - 2.0) < 1e-6\n"
)
_BODY = "    assert abs(2.0 - 2.0) < 1e-6\n"
_SHADOW = "def load(_):\n    return 1\n"
_PLUGIN = '\n[project.entry-points.pytest11]\nlenient = "source.lenient"\n'
_KIND = '\n[project.entry-points."harness.guards"]\nlenient = "source.lenient:Guard"\n'
_TEST, _CONF = f"code.{_T}", f"code.{_C}"

# The code of tests.
TESTS = (
    Attack("tolerance of approx", _TEST, _put(_T, "rel=1e-6", "rel=1e6")),
    Attack("bound of an assertion", _TEST, _put(_T, "< 1e-6", "< 1e6")),
    Attack("constant of the module", _TEST, _put(_T, "0.001", "1000.0")),
    Attack("values under the same ids", _TEST, _put(_T, "[1.0, 2.0]", "[7.0, 8.0]")),
    Attack("constant of a helper", "code.tests/close.py", _put("tests/close.py", "1e-6", "1")),
    Attack("assertion dropped", _TEST, _put(_T, "    assert 3.0 == pytest.approx(3.0)\n", "")),
    Attack("assertion or true", _TEST, _put(_T, "< 1e-6", "< 1e-6 or True")),
    Attack("assertion of true", _TEST, _put(_T, "abs(2.0 - 2.0) < 1e-6", "True")),
    Attack("return before it", _TEST, _put(_T, _BODY, f"    return\n{_BODY}")),
    Attack("failure caught", _TEST, _put(_T, _BODY, _TRY)),
    Attack("failure suppressed", _TEST, _put(_T, _BODY, _SUPPRESS)),
    Attack("skipped elsewhere", _TEST, _put(_T, "def test_near", "@skipif(0)\ndef test_near")),
    Attack("may fail", _TEST, _put(_T, "def test_near", "@mark.xfail\ndef test_near")),
    Attack(
        "module skipped", _TEST, _put(_T, "LIMIT =", "pytestmark = mark.skipif(0)\nLIMIT =")
    ),
    Attack("sides exchanged", _TEST, _put(_T, "value > 0.5", "value < 0.5")),
    Attack("no Python any more", _TEST, _put(_T, "def test_error", "def def")),
    Attack("link in its place", _TEST, _put(_T, "", f"{LINK}../close.py")),
    Attack("expected data", "code.tests/expected.json", _put("tests/expected.json", "1", "9")),
)
# How pytest runs them.
SESSIONS = (
    Attack("report rewritten", _CONF, _put(_C, "    return 3.0\n", f"    return 3.0\n{_HOOK}")),
    Attack("hook changed", _CONF, _put(_C, "road: a road", "slow: x")),
    Attack("automatic fixture", _CONF, _put(_C, "import pytest\n", f"import pytest\n{_AUTO}")),
    Attack(
        "files not collected", _CONF, _put(_C, "import pytest", "collect_ignore = ['unit']")
    ),
    Attack("number of a fixture", _CONF, _put(_C, "3.0", "4.0")),
    Attack(
        "nearer conftest.py",
        "code.tests/unit/conftest.py",
        _put("tests/unit/conftest.py", "", _HOOK),
    ),
    Attack(
        "addopts",
        f"pytest.{_P}.addopts",
        _put(_P, '"--strict-markers"', '"--strict-markers", "-k", "near"'),
    ),
    Attack("xfail not strict", f"pytest.{_P}.xfail_strict", _put(_P, "= true", "= false")),
    Attack("warnings let pass", f"pytest.{_P}.filterwarnings", _put(_P, '"error"', '"ignore"')),
    Attack(
        "path first",
        f"pytest.{_P}.pythonpath",
        _put(_P, "addopts", 'pythonpath = ["x"]\naddopts'),
    ),
    Attack("empty pytest.ini", "pytest.pytest.ini", _put("pytest.ini", "", "[pytest]\n")),
    Attack(
        "pytest.ini of a folder",
        "pytest.tests/pytest.ini",
        _put("tests/pytest.ini", "", "[pytest]\naddopts = -x\n"),
    ),
    Attack(
        "tox.ini",
        "pytest.tox.ini.addopts",
        _put("tox.ini", "", "[pytest]\naddopts = -k near\n"),
    ),
    Attack(
        "setup.cfg",
        "pytest.setup.cfg.python_functions",
        _put("setup.cfg", "", "[tool:pytest]\npython_functions = near*\n"),
    ),
    Attack(
        "plugin installed",
        f"pytest.{_P}.plugins pytest11",
        _put(_P, "\n[tool", f"{_PLUGIN}\n[tool"),
    ),
    Attack(
        "kind of guard installed",
        f"pytest.{_P}.plugins harness.guards",
        _put(_P, "\n[tool", f"{_KIND}\n[tool"),
    ),
    Attack("module in front", "code.json.py", _put("json.py", "", _SHADOW)),
    Attack(
        "package in front",
        "code.tests/pytest/__init__.py",
        _put("tests/pytest/__init__.py", "", "X = 1\n"),
    ),
    Attack("site customised", "code.sitecustomize.py", _put("sitecustomize.py", "", "X = 1\n")),
)
# Who is asked, and what is seen.
REPOSITORY = (
    Attack(
        "filtered goldens",
        "repository..gitattributes",
        _put(".gitattributes", "*.png", "golden/** filter=x\n*.png"),
    ),
    Attack(
        "declaration hidden",
        "repository..gitattributes",
        _put(".gitattributes", "*.png", "harness.toml -diff\n*.png"),
    ),
    Attack(
        "attributes of a folder",
        "repository.golden/.gitattributes",
        _put("golden/.gitattributes", "", "* linguist-generated\n"),
    ),
    Attack(
        "another owner",
        f"repository.{_O}",
        _put(_O, "/harness.toml @tess", "/harness.toml @eve"),
    ),
    Attack(
        "owner of all at the end",
        f"repository.{_O}",
        _put(_O, "/waivers/ @tess\n", "/waivers/ @tess\n* @eve\n"),
    ),
    Attack("owners gone", f"repository.{_O}", _drop(_O)),
    Attack(
        "owners that come first",
        "repository.docs/CODEOWNERS",
        _put("docs/CODEOWNERS", "", "* @eve\n"),
    ),
    Attack(
        "gate not called",
        f"repository.{_W}",
        _put(_W, '      - run: harness gate --base "$BASE" --hubs named.txt\n', ""),
    ),
    Attack("gate of another base", f"repository.{_W}", _put(_W, '"$BASE"', "HEAD")),
    Attack(
        "gate that may fail",
        f"repository.{_W}",
        _put(_W, "    runs-on", "    continue-on-error: true\n    runs-on"),
    ),
    Attack(
        "job left out",
        f"repository.{_W}",
        _put(_W, "    runs-on", "    if: false\n    runs-on"),
    ),
    Attack(
        "paths not gated",
        f"repository.{_W}",
        _put(_W, "  pull_request:\n", "  pull_request:\n    paths-ignore: [source]\n"),
    ),
    Attack("workflow gone", f"repository.{_W}", _drop(_W)),
)
# In the declaration, under another name.
_TINY = "suites.tiny"
_LATER = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=20)
_FLAKY = {"test": _T, "owner": "Eve", "reason": "flaky", "expires": _LATER}
DECLARATION = (
    Attack(
        "shell that forgives",
        f"{_TINY}.stages.make.argv",
        lambda p: _argv(p, "sh", "-c", "make || true"),
    ),
    Attack(
        "help in its place",
        f"{_TINY}.stages.make.argv",
        lambda p: _argv(p, *p.suite["stages"][0]["argv"], "--help"),
    ),
    Attack(
        "another interpreter",
        f"{_TINY}.stages.make.argv",
        lambda p: _argv(p, "./python", *p.suite["stages"][0]["argv"][1:]),
    ),
    Attack(
        "PYTHONPATH",
        f"{_TINY}.environment",
        lambda p: p.suite.update(environment=["PYTHONPATH"]),
    ),
    Attack("ids exchanged", f"{_TINY}.guards.floor.min", _swap_bounds),
    Attack("left out of a parent", f"{_TINY}.guards.floor", _inherit),
    Attack(
        "infinite ceiling",
        f"{_TINY}.guards.floor.max",
        lambda p: p.suite["guards"][0].update(max=1e308),
    ),
    Attack(
        "tests by another name",
        f"{_TINY}.stages.tests",
        lambda p: p.suite["stages"][1].update(id="unit"),
    ),
    Attack(
        "one test by its id",
        f"{_TINY}.stages.tests.selectors",
        _stage(1, selectors=[f"{_T}::test_near"]),
    ),
    Attack(
        "marker chosen",
        f"{_TINY}.stages.tests.selectors",
        _stage(1, selectors=["tests/unit", "-m", "not road"]),
    ),
    Attack(
        "another configuration",
        f"{_TINY}.stages.tests.selectors",
        _stage(1, selectors=["tests/unit", "-c", "x.ini"]),
    ),
    Attack(
        "class in quarantine",
        f"{_TINY}.quarantine.test:{_T}",
        lambda p: p.suite.update(quarantine=[_FLAKY]),
    ),
)
