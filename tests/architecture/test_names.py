"""Functions are named by a verb with its object, or by the thing they return."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "ptycho_torch")
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
