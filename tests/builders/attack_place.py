"""A small repository with everything by which a change could loosen its gate."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import hubs

LINK = "→"  # a file whose text begins so is a link to what follows
_TESTS = """\
import pytest

from tests.close import NEAR

LIMIT = 0.001


def test_error():
    assert abs(2.0 - 2.0) < 1e-6


def test_near():
    assert 2.0 == pytest.approx(2.0, rel=1e-6)
    assert 3.0 == pytest.approx(3.0)


@pytest.mark.parametrize("value", [1.0, 2.0], ids=["one", "two"])
def test_value(value):
    assert value > 0.5 and NEAR < LIMIT
"""
_CONFTEST = """\
import pytest


@pytest.fixture
def value():
    return 3.0


def pytest_configure(config):
    config.addinivalue_line("markers", "road: a road")
"""
_PYPROJECT = """\
[project]
name = "tiny"

[tool.pytest.ini_options]
addopts = ["--strict-markers"]
xfail_strict = true
filterwarnings = ["error"]
"""
_WORKFLOW = """\
on:
  pull_request:
jobs:
  gate:
    runs-on: ubuntu-latest
    steps:
      - run: harness run tiny --name-hubs named.txt
      - run: harness gate --base "$BASE" --hubs named.txt
"""
_OWNERS = "* @all\n/harness.toml @tess\n/waivers/ @tess\n"
_GOLDEN = '{"metric": "out:value"}\n'
FILES: dict[str, str] = {
    "source/model.py": "GAIN = 1\n",
    "tests/conftest.py": _CONFTEST,
    "tests/close.py": "NEAR = 1e-6\n",
    "tests/expected.json": "[1, 2]\n",
    "tests/unit/test_model.py": _TESTS,
    "pyproject.toml": _PYPROJECT,
    ".gitattributes": "*.png binary\n",
    "CODEOWNERS": _OWNERS,
    ".github/workflows/checks.yml": _WORKFLOW,
}
_STAGE = {"id": "tests", "kind": "pytest", "selectors": ["tests/unit"], "timeout_s": 60}
SUITE: dict[str, Any] = {
    **hubs.suite(hubs.writing(), _STAGE),
    "inputs": ["source/**/*.py", "tests/**/*"],
    "guards": [
        {**hubs.FLOOR, "max": 9.0},
        {"id": "half", "kind": "bound", "metric": "out:value", "max": 0.5, "remedy": "Look."},
    ],
}


@dataclass(slots=True)
class Place:
    """A repository as data."""

    files: dict[str, str]
    suites: dict[str, Any]

    @property
    def suite(self) -> dict[str, Any]:
        """The suite that is attacked."""
        tiny: dict[str, Any] = self.suites["tiny"]
        return tiny

    def write(self, root: Path) -> None:
        """Write all of it, in the place of what was there."""
        hubs.declare(root, **self.suites)
        for name, text in self.files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith(LINK):
                path.symlink_to(text.removeprefix(LINK))
            else:
                path.write_text(text, "utf-8")


def make_place() -> Place:
    """Make the repository as the base has it."""
    return Place(dict(FILES), {"tiny": copy.deepcopy(SUITE)})
