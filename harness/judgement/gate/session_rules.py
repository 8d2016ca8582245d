"""What decides how tests run and judge besides the declaration, at two revisions.

Tables of pytest in its configuration files, hooks in ``conftest.py``, the code of the tests
that a suite chooses and of what lies beside them, plugins that the project installs, and files
that would be imported in the place of a standard module.
"""

from __future__ import annotations

import ast
import configparser
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from harness.config import toml_text
from harness.evidence.hub import inputs
from harness.frozen import dataclass
from harness.judgement.gate import demands, difference
from harness.judgement.gate.difference import Change, Compare, Difference
from harness.judgement.gate.rules import RuleSet

# Each configuration file of pytest, and the section of it that counts.
_ALONE = ("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
_SECTIONS = {"tox.ini": "pytest", "setup.cfg": "tool:pytest"} | dict.fromkeys(_ALONE, "pytest")
_TOML = "pyproject.toml"
_GROUPS = ("pytest11", "harness.guards", "harness.stages", "harness.renderers")
_INSTALLS = "options.entry_points"
_CONFTEST = "conftest.py"
_TEST_FOLDERS = frozenset({"tests", "test"})
_FIRST = frozenset({"pytest", "_pytest", "pluggy", "harness", "sitecustomize", "usercustomize"})
_SETTINGS = frozenset({"pytest_plugins", "collect_ignore", "collect_ignore_glob"})
_FOR_PEOPLE = (
    "markers",
    "testpaths",
    "minversion",
    "cache_dir",
    "console_output_style",
    "log_format",
    "log_date_format",
)
_TABLE: Mapping[str, Compare] = dict.fromkeys(_FOR_PEOPLE, difference.compare_words)
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the tests lie that the suites of a revision choose: files, and their folders.

    ``inputs`` are the globs of what those suites look at.
    """

    chosen: frozenset[str]
    folders: frozenset[str]
    inputs: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Say whether a file holds tests that are chosen."""
        return any(path == one or path.startswith(f"{one}/") for one in self.chosen)

    def helps(self, path: str) -> bool:
        """Say whether a file is an input beside tests that are chosen, and is none itself."""
        parts = PurePosixPath(path).parts
        tops = {PurePosixPath(one).parts[0] for one in self.chosen if "/" in one}
        is_test = parts[-1].startswith("test_") or parts[-1].endswith("_test.py")
        is_beside = bool(_TEST_FOLDERS & {*parts}) and parts[0] in tops and not is_test
        return is_beside and any(inputs.pattern(glob).fullmatch(path) for glob in self.inputs)


def compare_sessions(
    was: RuleSet, now: RuleSet, moved: Mapping[str, str]
) -> Iterator[Difference]:
    """Compare how the tests of two revisions run and judge, where the base chooses some."""
    scope = find_scope(was)
    if not scope.chosen:
        return
    yield from _compare_settings(was, now, scope)
    yield from _compare_conftests(was, now, scope, moved)
    yield from _compare_tests(was, now, scope, moved)
    yield from _find_shadows(was, now, scope)


def find_scope(rules: RuleSet) -> Scope:
    """Return where the tests lie that a revision's suites choose."""
    declared = () if rules.project is None else rules.project.suites.values()
    suites = [s for s in declared if any(stage.selectors for stage in s.stages)]
    words = {word for suite in suites for stage in suite.stages for word in stage.selectors}
    globs = dict.fromkeys(glob for suite in suites for glob in suite.inputs)
    plain = {word.removeprefix("{root}/").partition("::")[0].rstrip("/") for word in words}
    chosen = frozenset(word for word in plain if word and not word.startswith("-"))
    folders = {""}
    for word in chosen:
        folders |= {one.as_posix() for one in PurePosixPath(word).parents}
    return Scope(chosen, frozenset(folders - {"."}), tuple(globs))


def _read(rules: RuleSet, path: str) -> str | None:
    """Return the text of a file; None where it is not there or a link."""
    blob = rules.blobs.get(path, "!")
    if blob.startswith("!"):
        return None
    return rules.reader.content(blob, path).decode(errors="replace")


def _list_differing(was: RuleSet, now: RuleSet) -> Iterator[str]:
    for path in dict.fromkeys((*was.blobs, *now.blobs)):
        if was.blobs.get(path) != now.blobs.get(path):
            yield path


def _compare_settings(was: RuleSet, now: RuleSet, scope: Scope) -> Iterator[Difference]:
    for path in _list_differing(was, now):
        place = PurePosixPath(path)
        folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
        if folder not in scope.folders or place.name not in (*_SECTIONS, _TOML):
            continue
        tables = [_read_table(place.name, _read(side, path)) for side in (was, now)]
        if place.name in _ALONE and (path in was.blobs) is not (path in now.blobs):
            classed = Change.WEAKER, "pytest takes it in the place of any other configuration"
            old, new = ("there" if path in side.blobs else None for side in (was, now))
            yield difference.make_difference(f"pytest.{path}", old, new, classed)
        yield from difference.compare_tables(f"pytest.{path}", _TABLE, *tables)


def _read_table(name: str, text: str | None) -> dict[str, Any]:
    """Return pytest's settings in a file, and the plugins that it installs."""
    if text is None:
        return {}
    try:
        if name.endswith(".toml"):
            return _read_toml(name, toml_text.parse(text))
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(text)
    except (configparser.Error, ValueError):
        return {"": text}
    section = _SECTIONS[name]
    values: dict[str, Any] = dict(parser[section]) if section in parser else {}
    plugins = dict(parser[_INSTALLS]) if parser.has_section(_INSTALLS) else {}
    return values | {f"plugins {g}": plugins[g] for g in _GROUPS if g in plugins}


def _read_toml(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    if name != _TOML:
        return dict(_table(values, "pytest"))
    own = _table(values, "tool", "pytest")
    settings = {key: value for key, value in own.items() if key != "ini_options"}
    settings |= _table(own, "ini_options")
    plugins = _table(values, "project", "entry-points")
    return settings | {f"plugins {g}": plugins[g] for g in _GROUPS if g in plugins}


def _table(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        inner = values.get(key)
        values = inner if isinstance(inner, dict) else {}
    return values


def _compare_conftests(
    was: RuleSet, now: RuleSet, scope: Scope, moved: Mapping[str, str]
) -> Iterator[Difference]:
    gone = set(moved) | set(moved.values())
    for path in _list_differing(was, now):
        place = PurePosixPath(path)
        folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
        near = folder in scope.folders or scope.holds(path)
        if place.name != _CONFTEST or not near or path in gone:
            continue
        hooks = [_hooks(_read(side, path)) for side in (was, now)]
        if hooks[0] != hooks[1]:
            yield _tell_hooks(path, was, now, hooks)
        else:
            yield from _compare_code(path, was, now)


def _tell_hooks(
    path: str, was: RuleSet, now: RuleSet, hooks: Sequence[Mapping[str, str]]
) -> Difference:
    old, new = hooks
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    before, after = (", ".join(n for n in names if n in side) for side in (old, new))
    classed = Change.WEAKER, "its hooks decide which tests run and how they end"
    cells = _mark(was, path, before), _mark(now, path, after)
    return difference.make_difference(f"code.{path}", *cells, classed)


def _mark(rules: RuleSet, path: str, words: str) -> str | None:
    """Write words about a file with the id of its bytes: a waiver is of these alone."""
    blob = rules.blobs.get(path)
    return None if blob is None else f"{words or 'nothing'} ({blob[:12]})"


def _hooks(text: str | None) -> dict[str, str]:
    """Return the code of what a ``conftest.py`` tells pytest; all where it is no Python."""
    try:
        tree = ast.parse(text or "")
    except (SyntaxError, ValueError, RecursionError):
        return {"": text or ""}
    hooks = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            automatic = "autouse" in "".join(map(ast.dump, node.decorator_list))
            if node.name.startswith("pytest_") or automatic:
                hooks[node.name] = ast.dump(node)
        elif isinstance(node, ast.Assign):
            names = [t.id for t in node.targets if isinstance(t, ast.Name)]
            hooks |= {name: ast.dump(node) for name in names if name in _SETTINGS}
    return hooks


def _compare_tests(
    was: RuleSet, now: RuleSet, scope: Scope, moved: Mapping[str, str]
) -> Iterator[Difference]:
    for path in _list_differing(was, now):
        if PurePosixPath(path).name == _CONFTEST or path not in was.blobs:
            continue
        if not (scope.holds(path) or scope.helps(path)):
            continue
        if path in now.blobs and not path.endswith(".py"):
            cells = _mark(was, path, "data"), _mark(now, path, "data")
            why = "tests may compare with it; whether as much is for people to read"
            yield difference.make_difference(f"code.{path}", *cells, (Change.OTHER, why))
        elif path in now.blobs:
            yield from _compare_code(path, was, now)
        elif path not in moved and scope.helps(path):
            why = "what lay beside the tests is gone"
            yield difference.make_difference(f"code.{path}", "there", None, (Change.OTHER, why))


def _compare_code(path: str, was: RuleSet, now: RuleSet) -> Iterator[Difference]:
    """Compare two versions of a file of tests."""
    old, new = _read(was, path), _read(now, path)
    comparison = None if old is None or new is None else demands.compare_code(old, new)
    if comparison is None:
        cells, classed = ("code", "no code"), (Change.WEAKER, "nothing of it can be compared")
    elif comparison.loosened:
        cells = (
            "; ".join(f"{one.name}: {one.was}" for one in comparison.loosened),
            "; ".join(f"{one.name}: {one.now}" for one in comparison.loosened),
        )
        classed = Change.WEAKER, comparison.loosened[0].why
    elif comparison.differing:
        cells = (_list(comparison.differing),) * 2
        classed = Change.OTHER, "it asserts as often; whether as much is for people to read"
    elif comparison.narrowed:
        cells = (_list(comparison.narrowed),) * 2
        classed = Change.STRICTER, "its numbers are narrower"
    else:
        return
    before, after = _mark(was, path, cells[0]), _mark(now, path, cells[1])
    yield difference.make_difference(f"code.{path}", before, after, classed)


def _list(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    first = ", ".join(names[:_NAMED])
    return f"{first} and {more} more" if more > 0 else first


def _find_shadows(was: RuleSet, now: RuleSet, scope: Scope) -> Iterator[Difference]:
    """Name new files that Python finds before the module whose name they bear."""
    known = {_module_of(path, scope) for path in was.blobs}
    for path in now.blobs:
        name = _module_of(path, scope)
        if name and name not in known and (name in sys.stdlib_module_names or name in _FIRST):
            known.add(name)
            why = f"it may be imported in the place of the module {name}"
            yield difference.mark_added(f"code.{path}", "there", why, Change.WEAKER)


def _module_of(path: str, scope: Scope) -> str:
    """Return the module that a file is from a folder in which Python looks; nothing else."""
    place = PurePosixPath(path)
    if place.name == "__init__.py":
        place = place.parent
    elif place.suffix not in (".py", ".pth", ".so", ".pyc"):
        return ""
    folder = "" if place.parent.as_posix() == "." else place.parent.as_posix()
    return place.name.partition(".")[0] if folder in scope.folders else ""
