"""Paths into what a run left: what they start from, and the steps that they take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from harness.judgement.guards.base import Evidence
from harness.judgement.guards.readers.base import parse_cell

STAGES = "@stages"  # stands for the run itself where an artifact would be named
LOG = "@log"  # for the log of a stage
PARAMETERS = "@parameters"  # for the parameters of the run
ARGV = "@argv"  # and for the command lines of its stages, flag by flag
_STAGE_FIELDS = ("duration_s", "peak_memory_bytes", "exit_code")


def read_flags(argv: Sequence[str]) -> dict[str, Any]:
    """Return the flags of a command line: number, text, list of several, true of a switch.

    What stands before the first flag is the program, and so is all that an interpreter of
    Python is given up to ``-m`` and its module. Of a flag that comes twice the last counts, as
    it does to ``argparse`` and ``click``.
    """
    if argv and PurePath(argv[0]).name.startswith("python") and "-m" in argv:
        argv = argv[argv.index("-m") + 2 :]
    flags: dict[str, Any] = {}
    values: list[Any] = []
    for word in argv:
        if word.startswith("-") and len(word) > 1 and not _is_number(word):
            name, sign, value = word.partition("=")
            values = [parse_cell(value)] if sign else []
            flags[name] = values
        else:
            values.append(parse_cell(word))
    return {name: _simplify(values) for name, values in flags.items()}


def _is_number(word: str) -> bool:
    return isinstance(parse_cell(word), float)


def _simplify(values: list[Any]) -> Any:
    if not values:
        return True
    return values if len(values) > 1 else values[0]


def _stages(evidence: Evidence) -> dict[str, Any]:
    return {
        name: {field: getattr(stage, field) for field in _STAGE_FIELDS}
        for name, stage in evidence.stages.items()
    }


def _parameters(evidence: Evidence) -> dict[str, Any]:
    return {name: parse_cell(text) for name, text in evidence.parameters.items()}


def _argv(evidence: Evidence) -> dict[str, Any]:
    return {name: read_flags(stage.argv) for name, stage in evidence.stages.items()}


ROOTS: Mapping[str, Callable[[Evidence], dict[str, Any]]] = {
    STAGES: _stages,
    PARAMETERS: _parameters,
    ARGV: _argv,
}


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
        cell = parse_cell(text)
        return isinstance(cell, float) and cell == value
    return value == text if isinstance(value, str) else False
