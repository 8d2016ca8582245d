"""The house standard as figures: sizes, names and constructs that no file may exceed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "ptycho_torch")
LINES_PER_FILE, LINES_PER_FUNCTION, ARGUMENTS = 350, 60, 7
# Where a heavy library would slow start-up, and commands that import what they need.
MAY_IMPORT_LATE = ("cli", "train.py", "inference.py", "simulate.py", "parity.py")
MAY_PRINT = ("harness/cli/", "harness/reporting/", "ptycho_torch/cli/")
SOURCES = sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _calls(path: Path, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(_tree(path)):
        is_plain = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if is_plain and node.func.id == name:
            yield node


def _place(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_sources_are_found() -> None:
    """The standard is applied to both packages."""
    assert {p.relative_to(ROOT).parts[0] for p in SOURCES} == set(PACKAGES)


def test_files_are_short() -> None:
    """A file that passes the limit is split along the data road."""
    tests = sorted(p for name in ("tests", "proofs") for p in (ROOT / name).rglob("*.py"))
    sizes = {p: len(p.read_text("utf-8").splitlines()) for p in (*SOURCES, *tests)}

    assert [_place(p, n) for p, n in sizes.items() if n > LINES_PER_FILE] == []


def test_functions_are_short() -> None:
    """A function fits on a screen; its docstring is not counted against it."""
    long = []
    for path in SOURCES:
        for node in _functions(path):
            first = node.body[1] if ast.get_docstring(node) and node.body[1:] else node
            lines = (node.end_lineno or 0) - first.lineno + 1
            if lines > LINES_PER_FUNCTION:
                long.append(_place(path, node.lineno))

    assert long == []


def test_functions_take_few_arguments() -> None:
    """Seven arguments, besides self, are enough."""
    wide = []
    for path in SOURCES:
        for node in _functions(path):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            if sum(a.arg not in {"self", "cls"} for a in named) > ARGUMENTS:
                wide.append(_place(path, node.lineno))

    assert wide == []


@pytest.mark.parametrize("name", ["hasattr", "eval", "exec"])
def test_built_in_is_not_called(name: str) -> None:
    """Nothing asks objects what they are, and nothing read is executed."""
    assert [_place(p, call.lineno) for p in SOURCES for call in _calls(p, name)] == []


def test_attributes_have_no_defaults() -> None:
    """An attribute exists or it is an error; there is no third possibility."""
    calls = [(p, call) for p in SOURCES for call in _calls(p, "getattr")]

    assert [_place(p, call.lineno) for p, call in calls if len(call.args) > 2] == []


def test_only_the_door_prints() -> None:
    """Library code says nothing on its own."""
    printing = [_place(p, call.lineno) for p in SOURCES for call in _calls(p, "print")]

    assert [place for place in printing if not place.startswith(MAY_PRINT)] == []


def test_catch_all_is_at_the_door() -> None:
    """Each program has one blanket except, and it is in cli/exits.py."""
    places = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ExceptHandler) and _is_blanket(node)
    ]

    assert sorted(places) == ["harness/cli/exits.py", "ptycho_torch/cli/exits.py"]


def _is_blanket(node: ast.ExceptHandler) -> bool:
    names = (
        {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)} if node.type else set()
    )
    is_raised_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
    is_bare = node.type is None or bool(names & {"Exception", "BaseException"})
    return is_bare and not is_raised_again


def test_late_imports_have_a_reason() -> None:
    """Imports stand at the top, but in commands and where a comment gives the reason."""
    late = []
    for path in SOURCES:
        inside = path.relative_to(ROOT / path.relative_to(ROOT).parts[0]).parts
        if inside[0] in MAY_IMPORT_LATE:
            continue
        lines = path.read_text("utf-8").splitlines()
        for function in _functions(path):
            for node in ast.walk(function):
                is_import = isinstance(node, ast.Import | ast.ImportFrom)
                if is_import and "#" not in lines[node.lineno - 1]:
                    late.append(_place(path, node.lineno))

    assert late == []


def test_everything_public_is_documented() -> None:
    """Modules and public names say what they are."""
    bare = []
    for path in SOURCES:
        tree = _tree(path)
        if path.stat().st_size and ast.get_docstring(tree) is None:
            bare.append(_place(path))
        for node in tree.body:
            is_named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if is_named and not node.name.startswith("_") and not ast.get_docstring(node):
                bare.append(_place(path, node.lineno))

    assert bare == []


def test_everything_is_annotated() -> None:
    """Every argument and every result has a type."""
    bare = []
    for path in SOURCES:
        for node in _functions(path):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            is_typed = all(a.annotation for a in named if a.arg not in {"self", "cls"})
            if not is_typed or (node.returns is None and node.name != "__init__"):
                bare.append(_place(path, node.lineno))

    assert bare == []
