"""The parsed text of a Python file, taken apart into functions and the rest."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def list_functions(node: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the functions of a module and of its classes by their qualified names."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield from list_functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, _FUNCTION):
            yield prefix + child.name, child


def is_function(node: ast.AST) -> bool:
    """Say whether a node is the definition of a function."""
    return isinstance(node, _FUNCTION)
