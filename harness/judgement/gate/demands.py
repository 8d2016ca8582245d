"""What the code of tests asks for: its assertions, their numbers, and its ways not to ask.

Two versions of a file are held together function by function. Fewer assertions, a wider number,
a new mark that lets a test be skipped or fail, a new way out of its middle are weaker; a number
that only got narrower is stricter; whatever else reads otherwise is named for people to read.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

from harness.frozen import dataclass
from harness.judgement.python_code import is_function, list_functions

MODULE = "<module>"
_CEILINGS = frozenset(
    {"rel", "abs", "rtol", "atol", "tolerance", "delta", "rel_tol", "abs_tol", "tol"}
)
_FLOORS = frozenset({"places", "decimal", "significant"})
# Marks and calls by which a test ends without having asked; ``raises`` and its like do ask.
_EXCUSES = frozenset(
    {"skip", "skipif", "xfail", "importorskip", "exit", "SkipTest", "suppress"}
)
_ASKS = frozenset({"raises", "warns", "deprecated_call", "fail"})
_CEILING, _FLOOR, _OTHER = "ceiling", "floor", "other"
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Number = int | float | complex


@dataclass(frozen=True, slots=True)
class Demand:
    """What one function asks for.

    Attributes:
        shape: Its code with every number left out.
        numbers: The numbers in their order, each with the side on which it bounds.
        asks: How many assertions it makes.
        excuses: How many ways it has to end without asking.
    """

    shape: str
    numbers: tuple[tuple[str, Number], ...]
    asks: int
    excuses: int


@dataclass(frozen=True, slots=True)
class Loosened:
    """One function that asks for less: what it was and is, in a few words."""

    name: str
    was: str
    now: str
    why: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a file: what is looser, what is narrower, what only reads otherwise."""

    loosened: tuple[Loosened, ...]
    narrowed: tuple[str, ...]
    differing: tuple[str, ...]


def compare_code(was: str, now: str) -> Comparison | None:
    """Compare two versions of a file of tests; None where one cannot be read as Python."""
    try:
        before, after = (_read(text) for text in (was, now))
    except (SyntaxError, ValueError, RecursionError):
        return None
    loosened: list[Loosened] = []
    narrowed: list[str] = []
    differing: list[str] = []
    for name, old in before.items():
        new = after.get(name)
        if new is None or new == old:
            continue
        looser = _compare(name, old, new)
        if looser is not None:
            loosened.append(looser)
        elif old.shape == new.shape:
            narrowed.append(name)
        else:
            differing.append(name)
    return Comparison(tuple(loosened), tuple(narrowed), tuple(differing))


def _compare(name: str, was: Demand, now: Demand) -> Loosened | None:
    if now.asks < was.asks:
        counts = f"{was.asks} assertions", f"{now.asks} assertions"
        return Loosened(name, *counts, "it asserts less")
    if now.excuses > was.excuses:
        counts = f"{was.excuses} ways out", f"{now.excuses} ways out"
        return Loosened(name, *counts, "it may end before it has asked")
    if was.shape != now.shape:
        return None
    for (side, old), (_, new) in zip(was.numbers, now.numbers, strict=True):
        if old != new and not _is_narrower(side, old, new):
            return Loosened(name, f"{old:g}", f"{new:g}", "a number of it is another one")
    return None


def _is_narrower(side: str, was: Number, now: Number) -> bool:
    if isinstance(was, complex) or isinstance(now, complex) or math.isnan(now):
        return False
    return (side == _CEILING and now < was) or (side == _FLOOR and now > was)


def _read(text: str) -> Mapping[str, Demand]:
    tree = ast.parse(text)
    functions = {name: _weigh(node) for name, node in list_functions(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            node.body = [item for item in node.body if not _is_import(item)]
    return {**functions, MODULE: _weigh(_without_functions(tree))}


def _without_functions(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            node.body = [item for item in node.body if not is_function(item)]
    return tree


def _is_import(node: ast.AST) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _weigh(node: ast.AST) -> Demand:
    """Count what a function asks for and its ways out, then blank its numbers."""
    asks = sum(map(_asks, ast.walk(node)))
    excuses = sum(map(_excuses, ast.walk(node)))
    blanking = _Blanking()
    shape = ast.dump(blanking.visit(_without_words(node)))
    return Demand(shape, tuple(blanking.numbers), asks, excuses)


def _without_words(node: ast.AST) -> ast.AST:
    """Leave out docstrings: they are for people."""
    for part in ast.walk(node):
        if isinstance(part, _DOCUMENTED) and part.body and _is_docstring(part.body[0]):
            part.body = part.body[1:]
    return node


def _is_docstring(node: ast.AST) -> bool:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_text and isinstance(node.value.value, str)  # type: ignore[attr-defined]


def _asks(node: ast.AST) -> bool:
    if isinstance(node, ast.Assert):
        return not _is_vacuous(node.test)
    name = _name_call(node)
    return name in _ASKS or name.lower().startswith(("assert", "expect"))


def _is_vacuous(test: ast.expr) -> bool:
    """Say whether an assertion holds anyway: a true constant, alone or after ``or``."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return any(map(_is_vacuous, test.values))
    return isinstance(test, ast.Constant) and bool(test.value)


def _excuses(node: ast.AST) -> bool:
    if isinstance(node, ast.Return):
        return node.value is None
    if isinstance(node, ast.ExceptHandler):
        return True
    return isinstance(node, ast.Attribute | ast.Name) and _name(node) in _EXCUSES


def _name_call(node: ast.AST) -> str:
    return _name(node.func) if isinstance(node, ast.Call) else ""


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


class _Blanking(ast.NodeTransformer):
    """Takes the numbers out of code, each with the side on which it bounds."""

    def __init__(self) -> None:
        self.numbers: list[tuple[str, Number]] = []
        self._sides: dict[int, str] = {}

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        parts = [node.left, *node.comparators]
        for index, operator in enumerate(node.ops):
            less = isinstance(operator, ast.Lt | ast.LtE)
            if less or isinstance(operator, ast.Gt | ast.GtE):
                self._sides[id(parts[index + 1])] = _CEILING if less else _FLOOR
                self._sides.setdefault(id(parts[index]), _FLOOR if less else _CEILING)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        if node.arg in _CEILINGS | _FLOORS:
            self._sides[id(node.value)] = _CEILING if node.arg in _CEILINGS else _FLOOR
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float | complex):
            return node
        self.numbers.append((self._sides.get(id(node), _OTHER), node.value))
        return ast.Name(id="#", ctx=ast.Load())
