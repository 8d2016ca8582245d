"""Functions are named by a verb with its object, or by the thing they return."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "ptycho_torch")
FOLDERS = (*PACKAGES, "proofs", "benchmarks", "examples", "tests")
# Participles that do not end in -ed or -ing, and words that only say where or whose.
_IRREGULAR = {
    *("begun", "built", "chosen", "done", "drawn", "found", "given", "gone", "grown", "held"),
    *("kept", "known", "laid", "left", "lost", "made", "meant", "met", "paid", "said", "seen"),
    *("sent", "shown", "spent", "stood", "taken", "thought", "told", "understood", "used"),
    *("won", "written"),
}
_PREPOSITIONS = {
    *("about", "above", "after", "as", "at", "before", "behind", "below", "beside", "between"),
    *("by", "for", "from", "in", "inside", "into", "of", "off", "on", "onto", "out", "outside"),
    *("over", "since", "to", "under", "until", "up", "with", "within", "without"),
}
# Verbs and nouns that end like a participle.
_VERBS = {
    *("embed", "feed", "need", "seed", "speed", "ring", "sibling", "string"),
    *("crossing", "mapping", "padding", "setting", "spacing"),
}
# One word of the house's own list: what a quarantine or a waiver lets pass.
_HOUSE = {"waived"}
# Words that named hundreds of values by how they came about, or were known here alone.
_DIALECT = {
    *("asked", "found", "given", "kept", "noted", "shown", "told"),
    *("draft", "excused", "fault", "lanes", "recall", "scene", "standing", "trial", "trouble"),
}
# Where such a word is the field's own: what is injected in fault injection.
_OF_THE_FIELD = {("proofs/faults/figures.py", "fault")}


def _is_bare(name: str) -> bool:
    word = name.strip("_")
    if not re.fullmatch(r"[a-z]+", word) or word in _VERBS | _HOUSE:
        return False
    return word in _IRREGULAR | _PREPOSITIONS or word.endswith(("ed", "ing"))


def _functions(package: str) -> Iterator[tuple[str, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.name


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_are_not_bare_participles(package: str) -> None:
    """A reader learns what a function does from its name; `told` or `of` says nothing."""
    assert [place for place, name in _functions(package) if _is_bare(name)] == []


@pytest.mark.parametrize("name", ["told", "_opened", "of", "stopping", "_without", "standing"])
def test_the_check_refuses_the_dialect(name: str) -> None:
    """The words that once stood for functions here are what the check is for."""
    assert _is_bare(name)


@pytest.mark.parametrize("name", ["describe", "read", "open_scan", "seed", "waived", "embed"])
def test_the_check_lets_verbs_pass(name: str) -> None:
    """Verbs, pairs of words and the house's own word are names."""
    assert not _is_bare(name)


def _binding(node: ast.AST) -> str | None:
    """Return the name that a node binds: local, parameter, attribute, function or class."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
            return name
        case ast.arg(arg=name) | ast.ClassDef(name=name) | ast.ExceptHandler(name=name):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return name
        case _:
            return None


def _of_messages(tree: ast.AST) -> set[ast.AST]:
    """Return where ``found`` is a word of the message "found X; expected Y".

    Errors, rows and results carry it under that name into JSON: a field or a parameter that
    is a text, and the attribute in which an error keeps it.
    """
    typed = (n for n in ast.walk(tree) if isinstance(n, ast.AnnAssign | ast.arg))
    texts = [n for n in typed if n.annotation and ast.unparse(n.annotation) == "str"]
    places: list[ast.AST] = [n.target if isinstance(n, ast.AnnAssign) else n for n in texts]
    places += [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node for node in places if _binding(node) == "found"}


def _bound(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every binding that is no word of a message."""
    of_messages = _of_messages(tree)
    for node in ast.walk(tree):
        name = _binding(node)
        if name is not None and node not in of_messages:
            yield getattr(node, "lineno", 0), name


def _speaks_dialect(name: str) -> bool:
    return name.strip("_").lower() in _DIALECT


@pytest.mark.parametrize("folder", FOLDERS)
def test_values_are_named_by_what_they_are(folder: str) -> None:
    """`rows`, `differences` and `store` tell a reader more than `found`, `told` and `kept`."""
    assert [
        f"{place}:{line} {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for place in [path.relative_to(ROOT).as_posix()]
        for line, name in _bound(ast.parse(path.read_text("utf-8")))
        if _speaks_dialect(name) and (place, name) not in _OF_THE_FIELD
    ] == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "found = 1",
            "for told in x: pass",
            "f = [kept for kept in x]",
            "if asked := x: pass",
        ),
        *("def f(found: list[str]): pass", "lambda *given: 1", "class Trial: pass"),
        *("class A:\n    told: str", "self.trouble = 1", "def _told(): pass", "found: int = 1"),
        "try: pass\nexcept E as trouble: pass",
    ],
)
def test_the_dialect_is_seen_wherever_it_is_bound(text: str) -> None:
    """Loops, comprehensions, parameters, fields, attributes and classes are names too."""
    assert [name for _, name in _bound(ast.parse(text)) if _speaks_dialect(name)]


@pytest.mark.parametrize(
    "text", ["def f(found: str): pass", "class A:\n    found: str", "self.found = 1", "told.x"]
)
def test_words_of_the_message_pass(text: str) -> None:
    """`found` of an error is text beside `expected`; what others bound is theirs to name."""
    assert not [name for _, name in _bound(ast.parse(text)) if _speaks_dialect(name)]
