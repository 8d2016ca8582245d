"""The steps of a path: from a value to those in it, by key, index, slice or condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.judgement.guards.readers import tables

# Text in quotes may hold what would end a step: a dot, a bracket, a comma.
QUOTED = r'"[^"]{0,200}"'
_PART = re.compile(rf"((?:[^,\"]|{QUOTED})+)(?:,|$)")


def _by_key(node: Any, text: str) -> list[Any]:
    return [node[text]] if isinstance(node, dict) and text in node else []


def _by_index(node: Any, text: str) -> list[Any]:
    index = int(text)
    inside = isinstance(node, list) and -len(node) <= index < len(node)
    return [node[index]] if inside else []


def _by_slice(node: Any, text: str) -> list[Any]:
    first, last = (int(end) if end else None for end in text.split(":"))
    return node[first:last] if isinstance(node, list) else []


def _every(node: Any, _text: str) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _where(node: Any, text: str) -> list[Any]:
    parts = [part.partition("=")[::2] for part in _PART.findall(text)]
    wanted = [(key, value.strip().strip('"')) for key, value in parts]
    return [
        item
        for item in (node if isinstance(node, list) else [])
        if isinstance(item, dict)
        and all(k.strip() in item and _same(item[k.strip()], v) for k, v in wanted)
    ]


STEPS: Mapping[str, Callable[[Any, str], list[Any]]] = {
    "key": _by_key,
    "index": _by_index,
    "slice": _by_slice,
    "all": _every,
    "where": _where,
}


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool) or value is None:
        # Before numbers: True is an int to Python, and [x=1] must not select it.
        return {True: "true", False: "false", None: "null"}[value] == text
    if isinstance(value, int | float):
        cell = tables.parse_cell(text)
        return isinstance(cell, float) and cell == value
    return value == text if isinstance(value, str) else False
