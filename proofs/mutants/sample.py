"""Draw one-token changes of the judges with cosmic-ray: ``python sample.py OUTPUT COUNT SEED``.

Runs in an environment of its own (``make mutants``) that has cosmic-ray and nothing of ours, so
it imports nothing of this project. What it leaves out is no code that runs: annotations, which
nothing evaluates, and numbers that only bound sizes, waits or what is shown.
"""

from __future__ import annotations

import ast
import difflib
import json
import random
import sys
from pathlib import Path
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor

ROOT = Path(__file__).resolve().parents[2]
JUDGES = (
    "harness/judgement/guards/**/*.py",
    "harness/judgement/verify/*.py",
    "harness/judgement/golden/*.py",
    "harness/judgement/freshness.py",
    "harness/judgement/quarantine.py",
    "harness/evidence/ledger/*.py",
    "ptycho_torch/physics/*.py",
)
LEAST = 3
# Changes that a reader would call another program: operators put in for the sake of it.
_LEFT_OUT = ("VariableReplacer", "VariableInserter", "RemoveDecorator", "_Pow", "_BitXor")
# Identity in the place of equality: the same for what CPython keeps once, another program else.
_IDENTITY = ("_Is", "_IsNot")
_BOUNDS = (
    "LIMIT",
    "LARGEST",
    "MOST",
    "BUDGET",
    "SHOWN",
    "WIDTH",
    "CHUNK",
    "PIECE",
    "BUFFER",
    "DEADLINE",
    "WAIT",
    "DIGITS",
    "SIZE",
    "_S",
    "LENGTH",
    "PARTS",
    "DEPTH",
)


def main(output: Path, count: int, seed: int) -> None:
    """Write the sample: of each module its part of ``count``, and ``LEAST`` at least."""
    operators = [
        (name, plugins.get_operator(name)())
        for name in sorted(plugins.operator_names())
        if not any(part in name for part in _LEFT_OUT) and not _asks_identity(name)
    ]
    modules = sorted({p for glob in JUDGES for p in ROOT.glob(glob) if p.name != "__init__.py"})
    every = {path: _places(path, operators) for path in modules}
    total = sum(map(len, every.values()))
    chosen = []
    for path, places in every.items():
        share = min(len(places), max(LEAST, round(count * len(places) / total)))
        rng = random.Random(f"{seed}/{path.relative_to(ROOT)}")  # noqa: S311 - repeatable
        rng.shuffle(places)
        chosen += _take(path, [rng.choice(each) for each in places], share)
    value = {"total": total, "seed": seed, "mutants": chosen}
    output.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(chosen)} of {total} places in {len(modules)} modules")


def _asks_identity(name: str) -> bool:
    return name.endswith(_IDENTITY) and "Operator_Is" not in name


def _places(path: Path, operators: list[tuple[str, Any]]) -> list[list[tuple[str, Any, int]]]:
    """Return the places of code that runs, each with all that can be changed there."""
    text = path.read_text("utf-8")
    passed_by = _ranges_without_code(ast.parse(text))
    nodes = list(ast_nodes(get_ast(text)))
    places: dict[tuple[int, int], list[tuple[str, Any, int]]] = {}
    for name, operator in operators:
        starts = (start for node in nodes for start, _ in operator.mutation_positions(node))
        for occurrence, start in enumerate(starts):
            if not any(a <= start < b for a, b in passed_by):
                places.setdefault(tuple(start), []).append((name, operator, occurrence))
    return list(places.values())


def _take(path: Path, places: list[tuple[str, Any, int]], share: int) -> list[dict[str, Any]]:
    text, module = path.read_text("utf-8"), path.relative_to(ROOT).as_posix()
    taken: list[dict[str, Any]] = []
    for name, operator, occurrence in places:
        if len(taken) == share:
            break
        try:
            mutated = MutationVisitor.mutate_code(text, operator, occurrence)
        except AttributeError:  # an exception with a dotted name, which the tool cannot replace
            continue
        change = _change(text, mutated)
        one = {"module": module, "operator": name.rpartition("/")[2], **change}
        if change and all(one["new"] != other["new"] for other in taken):
            taken.append(one)
    return sorted(taken, key=lambda one: (one["line"], one["new"]))


def _ranges_without_code(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the ranges of annotations and of numbers that only bound something."""
    ranges = []
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            a = node.args
            every = (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg)
            parts = [node.returns, *(one.annotation for one in every if one)]
            parts += node.decorator_list
        elif isinstance(node, ast.ClassDef):
            parts = [*node.decorator_list]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.Assign) and _is_bound(node):
            parts = [node.value]
        ranges += [
            ((p.lineno, p.col_offset), (p.end_lineno, p.end_col_offset)) for p in parts if p
        ]
    return ranges


def _is_bound(node: ast.Assign) -> bool:
    """Say whether a constant bounds what is read, waited for or shown, or names a type."""
    names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    is_alias = any(n[:1].isupper() and not n.isupper() for n in (x.lstrip("_") for x in names))
    return is_alias or any(n.isupper() and any(b in n for b in _BOUNDS) for n in names)


def _change(before: str, after: str | None) -> dict[str, Any]:
    """Return the lines that differ; nothing where the result is no program of its own."""
    if after is None:
        return {}
    old, new = before.split("\n"), after.split("\n")
    hunks = [
        h
        for h in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if h[0] != "equal"
    ]
    if len(hunks) != 1:
        return {}
    _, a, b, c, d = hunks[0]
    try:
        ast.parse(after)
    except SyntaxError:
        return {}
    return {"line": a + 1, "old": old[a:b], "new": new[c:d]}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
