"""A unit of work as plain text, what came of it, and what every executor promises.

A unit names a function and gives it one JSON object; the answer is one JSON object. Nothing
else crosses a process or a network, so that any executor can carry any unit out.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from harness.errors import HarnessError
from harness.frozen import dataclass
from harness.runner.stages.child import Stop

ATTEMPTS = 3  # a unit whose worker is lost is given to another one, this often in all
Task = Callable[[Mapping[str, Any], Stop], Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One piece of work; carrying it out twice does no harm.

    ``key`` is the digest of all that its result depends on, ``name`` is for people, ``task``
    is ``module:function`` and ``payload`` the JSON object that the function is given.
    """

    key: str
    name: str
    task: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a unit; without a ``value`` every worker that had it was ``lost``."""

    unit: Unit
    value: Mapping[str, Any] | None
    lost: str = ""


class Executor(Protocol):
    """Something that carries units out."""

    def run(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        """Give the answers in the order in which they come, all that are there at a time.

        A unit whose worker is lost is tried again, ``ATTEMPTS`` times in all. Once a stop is
        asked for, no unit is begun any more, and those under way are told to end.
        """

    def close(self) -> None:
        """Let go of processes and connections."""


def perform(task: str, payload: str, stop: Stop) -> str:
    """Carry one unit out, where a worker runs; a person's mistake is an answer too."""
    module, _, name = task.partition(":")
    function = cast("Task", getattr(importlib.import_module(module), name))
    try:
        value = function(json.loads(payload), stop)
    except HarnessError as error:
        value = {
            "error": {
                "where": error.where,
                "found": error.found,
                "expected": error.expected,
                "remedy": error.remedy,
                "exit_code": error.exit_code,
            }
        }
    return json.dumps(value)


def parse_answer(unit: Unit, text: str) -> Answer:
    """Read what ``perform`` gave back."""
    return Answer(unit=unit, value=json.loads(text))
