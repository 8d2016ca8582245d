"""What a path may start from besides an artifact: the run itself, what was asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from harness.judgement.guards.base import Evidence
from harness.judgement.guards.readers import tables

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
            values = [tables.parse_cell(value)] if sign else []
            flags[name] = values
        else:
            values.append(tables.parse_cell(word))
    return {name: _simplify(values) for name, values in flags.items()}


def _is_number(word: str) -> bool:
    return isinstance(tables.parse_cell(word), float)


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
    return {name: tables.parse_cell(text) for name, text in evidence.parameters.items()}


def _argv(evidence: Evidence) -> dict[str, Any]:
    return {name: read_flags(stage.argv) for name, stage in evidence.stages.items()}


ROOTS: Mapping[str, Callable[[Evidence], dict[str, Any]]] = {
    STAGES: _stages,
    PARAMETERS: _parameters,
    ARGV: _argv,
}
