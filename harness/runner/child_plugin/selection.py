"""What a session collects and what it leaves out, and who decided that.

A test that was collected has to run, unless the selectors themselves leave it out. What
configuration files, plugins and ``conftest.py`` leave out is named, with its author.
"""

from __future__ import annotations

import fnmatch
import os
import shlex
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import PrintHelp

from harness.runner.child_plugin.outcomes import name_suspects, unwrap
from harness.runner.child_plugin.reach import ReachWatch, is_empty_set

_OPTIONS = {
    "keyword": "-k",
    "markexpr": "-m",
    "deselect": "--deselect",
    "ignore": "--ignore",
    "ignore_glob": "--ignore-glob",
    "lf": "--lf",
    "failedfirst": "--ff",
    "last_failed_no_failures": "--lfnf",
    "stepwise": "--sw",
    "maxfail": "--maxfail",
    "collectonly": "--collect-only",
    "setuponly": "--setup-only",
    "setupplan": "--setup-plan",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "runxfail": "--runxfail",
    "noconftest": "--noconftest",
    "doctestmodules": "--doctest-modules",
    "continue_on_collection_errors": "--continue-on-collection-errors",
    "reruns": "--reruns",
    "plugins": "-p",
}
# Keys of a configuration file that decide what a test is, and which files are looked at.
_KEYS = {
    "testpaths": [],
    "python_files": ["test_*.py", "*_test.py"],
    "python_classes": ["Test"],
    "python_functions": ["test"],
    "norecursedirs": [
        *("*.egg", ".*", "_darcs", "build", "CVS", "dist", "node_modules", "venv", "{arch}"),
    ],
}
_AUTHORS = {
    "_pytest.cacheprovider": "lf",
    "_pytest.stepwise": "stepwise",
    "_pytest.main": "deselect",
}
_LOOKED_AT = 2000


class Options:
    """The options that decide a selection, and who gave each: the selectors or others."""

    def __init__(self, config: pytest.Config) -> None:
        """Read the command line again, alone and after what others put before it."""
        self._config = config
        worker = vars(config).get("workerinput")  # which is given no arguments of its own
        words = config.invocation_params.args if worker is None else worker["mainargv"][1:]
        arguments = [str(word) for word in words]
        added = [str(word) for word in config.getini("addopts")]
        from_environment = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
        self._alone = _parse(config, arguments)
        self._filed = _parse(config, [*added, *arguments])
        self._all = _parse(config, [*added, *from_environment, *arguments])
        self._file = "a configuration file" if config.inipath is None else config.inipath.name

    def author(self, name: str) -> str:
        """Say who gave an option its value; empty where the selectors did."""
        now = vars(self._config.option).get(name)
        sources = (
            (self._alone, ""),
            (self._filed, f"addopts of {self._file}"),
            (self._all, "PYTEST_ADDOPTS"),
        )
        for values, author in sources:
            if values.get(name) == now:
                return author
        return "a plugin or conftest.py"

    def describe(self, name: str) -> str:
        """Write an option, its value and who gave it."""
        value = vars(self._config.option).get(name)
        if isinstance(value, list):  # what was added to it; all of it is of the selectors
            defaults = self.values_of(name)
            value = [str(one) for one in value if str(one) not in defaults] or defaults
        word = _OPTIONS.get(name, f"--{name}")
        label = word if value is True else f"{word} {value!r}"
        author = self.author(name)
        return f"{label} ({author or 'selectors'})"

    def values_of(self, name: str) -> list[str]:
        """Return the values that the selectors give to an option."""
        return [str(one) for one in self._alone.get(name) or ()]

    def foreign(self) -> list[str]:
        """Describe each option that decides and that the selectors did not give."""
        return [self.describe(name) for name in _OPTIONS if self.author(name)]


class CollectionWatch:
    """Follows the collection in the process where it happens."""

    def __init__(self, config: pytest.Config) -> None:
        """Begin before anything is collected."""
        self._config, self._options = config, Options(config)
        config.pluginmanager.register(ReachWatch(config, self._options, self._leave_out))
        self.original: dict[int, str] = {}  # an item's id may change after it was collected
        self.functions: dict[int, Any] = {}
        # With the marks that each had; kept, so that no identity is used twice.
        self._collected: list[tuple[pytest.Item, int]] = []
        self._marked: list[str] = []
        self._left_out: dict[tuple[str, bool], list[str]] = {}
        self._reports: dict[int, tuple[str, int]] = {}
        self._skipped: list[str] = []
        self._broken: list[str] = []
        self._empty: list[str] = []
        self._selected = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Take a test."""
        self.original[id(item)] = item.nodeid
        self._collected.append((item, _count_marks(item)))
        if is_empty_set(item):
            self._empty.append(item.nodeid)
        function = vars(item).get("_obj")  # making it anew would make an instance of its class
        if isinstance(item, pytest.Function) and function is not None:
            self.functions[id(item)] = unwrap(function)

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Take tests that somebody leaves out and says so."""
        name, author = self._caller()
        for item in items:
            self._leave_out(self.original.get(id(item), item.nodeid), name, author)

    def _leave_out(self, test: str, option: str, author: str) -> None:
        """Note what is left out, by an option or by some other author."""
        is_named = any(test.startswith(one) for one in self._options.values_of("deselect"))
        if is_named:
            option = "deselect"
        if option:
            author = self._options.describe(option)
        is_declared = is_named or bool(option and not self._options.author(option))
        self._left_out.setdefault((author, is_declared), []).append(test)

    def _caller(self) -> tuple[str, str]:
        """Find who calls a hook: the option of pytest that acts, or the file of a plugin."""
        frame: Any = sys._getframe(2)  # noqa: SLF001 - the only way to know who calls
        while frame is not None and str(frame.f_globals["__name__"]).startswith("pluggy"):
            frame = frame.f_back
        if frame is None:
            return "", "an unknown plugin"
        module, function = str(frame.f_globals["__name__"]), str(frame.f_code.co_name)
        if module == "_pytest.mark":
            return ("keyword" if "keyword" in function else "markexpr"), ""
        if module in _AUTHORS:
            return _AUTHORS[module], ""
        return "", self._relative(frame.f_code.co_filename)

    def _relative(self, path: Path | str) -> str:
        place, root = Path(path), self._config.rootpath
        return place.relative_to(root).as_posix() if place.is_relative_to(root) else place.name

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Generator[None, Any, None]:
        """Note test files that are not looked into."""
        result = yield
        if not result.get_result() and not self._is_not_entered(collection_path):
            return
        for path in self._tests_in(collection_path):
            place = self._relative(path)
            if any(_covers(Path(one), path) for one in self._options.values_of("ignore")):
                self._left_out.setdefault((self._options.describe("ignore"), True), []).append(
                    place
                )
                continue
            if self._matches("ignore_glob", path):
                self._leave_out(place, "ignore_glob", "")
            elif any(_covers(Path(one), path) for one in self._config.option.ignore or ()):
                self._leave_out(place, "ignore", "")
            else:
                self._leave_out(place, "", self._ignorers())

    def _is_not_entered(self, path: Path) -> bool:
        """Say whether releases before pytest 8 leave a folder out after the hook."""
        globs = self._config.getini("norecursedirs")
        return path.is_dir() and any(fnmatch.fnmatch(path.name, str(one)) for one in globs)

    def _ignorers(self) -> str:
        names = name_suspects(self._config, "pytest_ignore_collect")
        words = [f"pytest_ignore_collect of {name}" for name in names]
        return " or ".join((*words, "collect_ignore", "norecursedirs"))

    def _matches(self, name: str, path: Path) -> bool:
        globs = vars(self._config.option).get(name) or ()
        return any(fnmatch.fnmatch(str(path), os.path.abspath(str(one))) for one in globs)  # noqa: PTH100

    def _tests_in(self, path: Path) -> Iterator[Path]:
        """Yield the test files at or below a path, as far as one looks."""
        if _is_hidden(path.name):
            return
        if path.is_file():
            yield from [path] if self._is_test_file(path) else []
            return
        if (path / "pyvenv.cfg").exists() or (path / "conda-meta").exists():
            return
        seen = 0
        for folder, names, files in os.walk(path):
            names[:] = [name for name in names if not _is_hidden(name)]
            yield from filter(self._is_test_file, (Path(folder, name) for name in files))
            seen += len(files)
            if seen > _LOOKED_AT:
                return

    def _is_test_file(self, path: Path) -> bool:
        globs = self._config.getini("python_files")
        return path.suffix == ".py" and any(fnmatch.fnmatch(path.name, one) for one in globs)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, None]:
        """See what was found in a module or class before anybody changes it."""
        result = yield
        report = result.get_result()
        self._reports[id(report)] = (str(report.outcome), len(report.result or ()))
        if report.passed and not report.result and isinstance(collector, pytest.Module):
            by = ", ".join(name_suspects(self._config, "pytest_pycollect_makemodule"))
            content = vars(collector.obj)
            for name, value in content.items() if by and content.get("__test__", True) else ():
                if type(value).__name__ == "function" and collector.istestfunction(value, name):
                    author = f"pytest_pycollect_makemodule of {by}"
                    self._leave_out(f"{collector.nodeid}::{name}", "", author)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Hold the final report of a module or class against what was found in it."""
        outcome, count = self._reports.pop(id(report), (str(report.outcome), 0))
        if "failed" in (outcome, report.outcome):
            self._broken.append(str(report.nodeid))
        elif report.skipped:
            self._skipped.append(str(report.nodeid))
        elif count > len(report.result or ()):
            by = name_suspects(self._config, "pytest_make_collect_report") or ["--lf"]
            author = f"pytest_make_collect_report of {', '.join(by)}"
            self._left_out.setdefault((author, False), []).append(str(report.nodeid))
        elif not report.result and "::" in str(report.nodeid):
            self._empty.append(str(report.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Hold what was collected against what is left: some leave tests out in silence."""
        ids = {id(item) for item in session.items}
        named = Counter(test for tests in self._left_out.values() for test in tests)
        by = ", ".join(name_suspects(self._config, "pytest_collection_modifyitems"))
        author = f"pytest_collection_modifyitems of {by or 'nobody known'}"
        for item, marks in self._collected:
            test = self.original[id(item)]
            if id(item) not in ids and not named[test]:
                self._leave_out(test, "", author)
            elif id(item) in ids and _count_marks(item) > marks:
                self._marked.append(test)
        self._selected = len(session.items)

    def describe(self) -> dict[str, Any]:
        """Return the collection as an event, in types that workers can hand over."""
        return {
            "event": "collection",
            "collected": list(self.original.values()),  # an id stands as often as it is one's
            "selected": self._selected,
            "left_out": [
                {"by": by, "declared": declared, "tests": sorted(set(tests))}
                for (by, declared), tests in self._left_out.items()
            ],
            "skipped": self._skipped,
            "broken": self._broken,
            "empty": self._empty,
            "marked": self._marked,
            "options": self._options.foreign(),
            "keys": self._describe_keys(),
        }

    def _describe_keys(self) -> list[str]:
        descriptions = []
        for key, usual in _KEYS.items():
            if key == "testpaths" and self._options.values_of("file_or_dir"):
                continue  # the selectors name paths of their own
            value = [str(one) for one in self._config.getini(key)]
            if sorted(value) != sorted(usual):
                where = self._config.inipath
                descriptions.append(f"{key} = {value} ({'?' if where is None else where.name})")
        return descriptions


def _parse(config: pytest.Config, words: list[str]) -> dict[str, Any]:
    parser = config._parser  # noqa: SLF001 - pytest has no public way to read options again
    try:
        return vars(parser.parse_known_args(words))
    except (pytest.UsageError, PrintHelp):
        return {}


def _count_marks(item: pytest.Item) -> int:
    """Count the marks that let a test be skipped or fail."""
    return sum(mark.name in ("skip", "skipif", "xfail") for mark in item.iter_markers())


def _is_hidden(name: str) -> bool:
    """Say whether pytest itself never looks into a folder of this name."""
    hidden = (*_KEYS["norecursedirs"], "__pycache__")
    return any(fnmatch.fnmatch(name, one) for one in hidden)


def _covers(folder: Path, path: Path) -> bool:
    """Say whether a path is or lies below another one."""
    return path.resolve().is_relative_to(folder.resolve())
