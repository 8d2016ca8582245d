"""Whether a session reaches what its selectors name: the paths, the files, what is in them.

Paths may be exchanged before the collection, a part of pytest that collects may be switched
off, and a hook may make nothing of a function or a class. Each is a way to leave tests out
that never becomes a test that could be missed.
"""

from __future__ import annotations

import fnmatch
import glob
import inspect
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.runner.child_plugin.outcomes import name_suspects

_COLLECTORS = ("python", "unittest")  # parts of pytest without which tests are not seen
_EMPTY_SET = "got empty parameter set"


class ReachWatch:
    """Holds what pytest looks at against what the selectors and the modules name."""

    def __init__(
        self, config: pytest.Config, options: Any, leave_out: Callable[[str, str, str], None]
    ) -> None:
        """Take the options that decide, and what notes a test that is left out."""
        self._config, self._options, self._leave_out = config, options, leave_out

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, Any, None]:
        """See the paths at the last moment: hooks may exchange them until then."""
        collect = session.perform_collect

        def perform_collect(
            args: Sequence[str] | None = None,
            genitems: bool = True,  # noqa: FBT001, FBT002 - the signature of pytest
        ) -> Any:
            self._compare_paths(self._config.args if args is None else args)
            return collect(args, genitems)

        vars(session)["perform_collect"] = perform_collect
        yield
        vars(session).pop("perform_collect", None)

    def _compare_paths(self, arguments: Sequence[str]) -> None:
        author = self._options.author("file_or_dir") or "a plugin or conftest.py"
        for path in self._name_paths():
            if not any(self._covers(str(one), path) for one in arguments):
                self._leave_out(path, "", f"the paths of {author}")

    def _name_paths(self) -> list[str]:
        """Return the paths that the selectors name, or what pytest takes without any."""
        paths: list[str] = self._options.values_of("file_or_dir")
        start = self._config.invocation_params.dir
        if not paths and start == self._config.rootpath:
            for one in self._config.getini("testpaths"):
                paths += sorted(glob.glob(str(start / str(one)), recursive=True))  # noqa: PTH207
        return paths or [str(start)]

    def _covers(self, argument: str, path: str) -> bool:
        """Say whether an argument of pytest names a path, or something that holds it."""
        if argument == path:
            return True
        start = self._config.invocation_params.dir
        (outer, *names), (inner, *parts) = argument.split("::"), path.split("::")
        is_within = (start / inner).resolve().is_relative_to((start / outer).resolve())
        return is_within and parts[: len(names)] == names

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collect_file(self, file_path: Path) -> Generator[None, Any, None]:
        """Note a test file of which no module is made."""
        result = yield
        globs = self._config.getini("python_files")
        if file_path.suffix == ".py" and any(fnmatch.fnmatch(file_path.name, g) for g in globs):
            collectors = result.get_result() or []
            if not any(_is_module(one) for one in collectors):
                root = self._config.rootpath
                is_below = file_path.is_relative_to(root)
                place = file_path.relative_to(root).as_posix() if is_below else str(file_path)
                self._leave_out(place, "", self._author("pytest_collect_file"))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_pycollect_makeitem(
        self, collector: Any, name: str, obj: object
    ) -> Generator[None, Any, None]:
        """Note a test function or class that somebody makes no test of."""
        result = yield
        if not result.get_result() and _is_test(collector, name, obj):
            author = self._author("pytest_pycollect_makeitem")
            self._leave_out(f"{collector.nodeid}::{name}", "", author)

    def _author(self, hook: str) -> str:
        manager = self._config.pluginmanager
        blocked = [f"-p no:{name}" for name in _COLLECTORS if manager.is_blocked(name)]
        if blocked:
            return f"{', '.join(blocked)} of {self._options.author('plugins') or 'selectors'}"
        return f"{hook} of {', '.join(name_suspects(self._config, hook)) or 'pytest'}"


def is_empty_set(item: pytest.Item) -> bool:
    """Say whether a test stands for a parametrisation that came out without any case."""
    marks = (mark for name in ("skip", "xfail") for mark in item.iter_markers(name))
    return any(str(mark.kwargs.get("reason")).startswith(_EMPTY_SET) for mark in marks)


def _is_module(collector: Any) -> bool:
    return isinstance(collector, pytest.Module) and type(collector).__name__ != "DoctestModule"


def _is_test(collector: Any, name: str, obj: object) -> bool:
    """Say whether pytest by itself would make tests of a function or class."""
    if isinstance(obj, type):
        if not vars(obj).get("__test__", True) or inspect.isabstract(obj):
            return False
        return _is_test_case(obj) or bool(collector.istestclass(obj, name))
    is_plain = type(obj).__name__ == "function" and vars(obj).get("__test__", True)
    return bool(is_plain and collector.istestfunction(obj, name))


def _is_test_case(kind: type) -> bool:
    """Say whether unittest would run a class; nobody asks before it was imported."""
    unittest = sys.modules.get("unittest")
    if unittest is None or not issubclass(kind, unittest.TestCase):
        return False
    return bool(unittest.TestLoader().getTestCaseNames(kind))
