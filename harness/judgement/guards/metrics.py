"""Path expressions: from an artifact of a run to one number.

``<artifact>:<path>``, where the path is keys joined by dots, ``[i]`` an index (negative
from the end), ``[i:j]`` the items from i to before j, ``[*]`` every item, and
``[key=value,key=value]`` the items that match; a key or value in double quotes may hold dots,
brackets and commas.

A CSV or TSV artifact is a list of rows, JSON Lines a list of values; a path that starts with a
column name means that column of every row.

``@stages:<stage>.duration_s`` and ``.peak_memory_bytes`` read the run itself,
``@parameters:<name>`` what it was asked for, ``@argv:<stage>.<flag>`` a flag of a command line,
and ``@log:<stage>:<pattern>`` each number that the only group of a pattern catches in its log.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from harness.config.keys import key as declare
from harness.errors import ConfigError, EvidenceMissingError
from harness.frozen import dataclass
from harness.judgement.guards import paths, patterns
from harness.judgement.guards.aggregates import AGGREGATE_NAMES, AGGREGATES
from harness.judgement.guards.base import Evidence
from harness.judgement.guards.readers import catalogue
from harness.judgement.guards.readers.base import (
    MOST_VALUES,
    FormatError,
    Reader,
    TooMuchError,
    parse_cell,
)

_TOKEN = re.compile(
    rf"\[((?:[^\[\]\"]|{paths.QUOTED}){{1,200}})\]|(?:^|\.)([^.\[\]]{{1,200}})|\.(?=\[)"
)
_SLICE = re.compile(r"([0-9]{0,9}):([0-9]{0,9})")
MATCH_LIMIT = MOST_VALUES


class MetricError(EvidenceMissingError):
    """A path expression that gives no number in this evidence."""


class TooManyError(MetricError):
    """More values than are read: how many there are is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricOptions:
    """The parameters that say which number a guard judges."""

    metric: str = declare(
        "Path expression of the number, see [Metrics](#metrics).", is_metric=True
    )
    aggregate: str | None = declare(
        "Makes one number of several, see [Aggregates](#aggregates).",
        default=None,
        choices=AGGREGATE_NAMES,
    )
    absolute: bool = declare("Take the absolute value of each number first.", default=False)


@dataclasses.dataclass(frozen=True, kw_only=True)  # two records with slots could not be joined
class Band:
    """The parameters of an interval whose sides may be open."""

    min: float | None = declare("Smallest accepted value.", default=None)
    max: float | None = declare("Largest accepted value.", default=None)


def select(
    evidence: Evidence,
    expression: str,
    aggregate: str | None = None,
    *,
    absolute: bool = False,
) -> float:
    """Take one number from the evidence.

    A NaN or ±inf among the values is returned whatever the aggregate (but for ``count``),
    so that no mean or minimum can hide it.

    Raises:
        MetricError: Nothing matches, several values match without an aggregate, or a
            match is not a number.
        ConfigError: The expression cannot be read.
    """
    matches = find(evidence, expression)
    if aggregate == "count":
        return float(len(matches))
    values = [to_number(expression, match) for match in matches]
    if absolute:
        values = [abs(value) for value in values]
    if aggregate is None and len(values) > 1:
        raise missing_error(expression, f"{len(values)} values", "one value, or an aggregate")
    # Before any aggregate: min and max pass over a NaN or not, as the order has it.
    if strange := next((value for value in values if not math.isfinite(value)), None):
        return strange
    if aggregate == "std" and len(values) == 1:
        raise missing_error(expression, "one value", "at least two for a standard deviation")
    return AGGREGATES[aggregate or "first"].compute(values)


def key(options: Mapping[str, Any]) -> str:
    """Name a metric with its aggregate: what hubs, goldens and reports call it."""
    name = str(options["metric"])
    if options.get("absolute"):
        name = f"|{name}|"
    return f"{options['aggregate']}({name})" if "aggregate" in options else name


def take(evidence: Evidence, options: Mapping[str, Any]) -> float:
    """Take the number that a guard's ``metric``, ``aggregate`` and ``absolute`` declare."""
    return select(
        evidence,
        options["metric"],
        options.get("aggregate"),
        absolute=options.get("absolute", False),
    )


def find(evidence: Evidence, expression: str) -> list[Any]:
    """Return every value that an expression matches, in the artifact's order.

    Raises:
        MetricError: Nothing matches, or the artifact is missing or unreadable.
        ConfigError: The expression cannot be read.
    """
    artifact, steps = parse(expression)
    if artifact == paths.LOG:
        return _search_log(expression, evidence, steps[0][1], steps[1][1])
    root = read_root(evidence, artifact)
    nodes, walked = [root], artifact + ":"
    if isinstance(root, list) and steps and steps[0][0] == "key":
        steps = (("all", "*"), *steps)
    for step in steps:
        nodes = _advance(expression, walked, nodes, step)
        walked += f"[{step[1]}]" if step[0] != "key" else f".{step[1]}"
    return nodes


def parse(expression: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Split an expression into its artifact and its steps.

    Raises:
        ConfigError: The text is not ``<artifact>:<path>``.
    """
    artifact, colon, path = expression.partition(":")
    if artifact == paths.LOG:
        return artifact, _parse_log(expression, path)
    steps: list[tuple[str, str]] = []
    place = 0
    while place < len(path) and (token := _TOKEN.match(path, place)):
        place = token.end()
        if token[1] is not None:
            steps.append(_selector(token[1]))
        elif token[2] is not None:
            steps.append(("key", token[2]))
    if not colon or not artifact or place < len(path) or not steps:
        raise ConfigError(
            f"metric {expression!r}"[:160],
            found="a path that cannot be read",
            expected="<artifact>:<path>, e.g. metrics:[split=test].loss",
            remedy="Correct the expression in harness.toml.",
        )
    return artifact, tuple(steps)


def _parse_log(expression: str, path: str) -> tuple[tuple[str, str], ...]:
    stage, _, pattern = path.partition(":")
    problem = patterns.find_fault(pattern)
    if not problem and re.compile(pattern).groups != 1:
        problem = (
            f"{re.compile(pattern).groups} groups",
            "exactly one group, around the number",
        )
    if problem or not stage:
        actual, expected = problem or ("no stage", "@log:<stage>:<pattern>")
        raise ConfigError(
            f"metric {expression!r}"[:160],
            found=actual,
            expected=expected,
            remedy="Write @log:<stage>:<pattern>, e.g. @log:train:final loss = (\\S+)",
        )
    return ("key", stage), ("pattern", pattern)


def _search_log(expression: str, evidence: Evidence, stage: str, pattern: str) -> list[Any]:
    """Return what the only group of a pattern caught, one a line, as numbers where they are."""
    log = patterns.Log(stage, evidence.log(stage))
    hits = log.search(pattern, needs_all=True)
    if not hits:
        raise missing_error(expression, "no such line", "a line with the number")
    return [parse_cell(hit[1] or "") for hit in hits]


def _selector(text: str) -> tuple[str, str]:
    if text.startswith('"') and text.endswith('"') and text.count('"') == 2:  # noqa: PLR2004 - a pair
        return "key", text[1:-1]
    if text == "*":
        return "all", text
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return "index", text
    if _SLICE.fullmatch(text):
        return "slice", text
    return ("where", text) if "=" in text else ("key", text)


def read_root(evidence: Evidence, artifact: str) -> Any:
    """Return the value that paths into an artifact start from.

    Raises:
        MetricError: The artifact is missing or unreadable.
    """
    if artifact in paths.ROOTS:
        return paths.ROOTS[artifact](evidence)
    record = evidence.artifacts.get(artifact)
    if record is None:
        listed = ", ".join(sorted(evidence.artifacts))
        if not listed:
            raise missing_error(artifact, "no artifact at all", "one that a stage left")
        raise missing_error(artifact, "no such artifact in this run", f"one of {listed}")
    reader = catalogue.find_reader(record.path)
    if reader is None:
        return evidence.json(artifact)
    value = read_artifact(evidence, artifact, reader)
    return _drop_gaps(value) if reader in (catalogue.CSV, catalogue.TSV) else value


def _drop_gaps(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave the empty cells of a logger's table out: one row holds what one step logged.

    Source: lightning.pytorch.loggers.CSVLogger, whose rows have ``epoch`` and ``step``.
    """
    if not table or not {"epoch", "step"} <= set(table[0]):
        return table
    return [{k: v for k, v in row.items() if v is not None} for row in table]


def read_artifact(evidence: Evidence, artifact: str, reader: Reader) -> Any:
    """Return what a reader makes of an artifact.

    Raises:
        MetricError: The bytes are not of the format, or what reads it is not installed.
    """
    if not catalogue.is_installed(reader):
        raise MetricError(
            f"artifact {artifact}",
            found=f"no module {reader.module}, which reads {reader.name}",
            expected="an installed reader",
            remedy=f"pip install 'ptycho-harness[{reader.extra}]'",
        )
    try:
        return evidence.parse(artifact, reader.read, reader.limit)
    except TooMuchError as error:
        raise _too_many(artifact, error.found, error.expected) from error
    except FormatError as error:
        raise missing_error(artifact, error.found, error.expected) from error


def _advance(
    expression: str, walked: str, nodes: list[Any], step: tuple[str, str]
) -> list[Any]:
    kind, text = step
    reached: list[Any] = []
    for node in nodes:
        reached.extend(paths.STEPS[kind](node, text))
        # Each step may multiply: three stars over nested lists would otherwise fill the
        # memory.
        if len(reached) > MATCH_LIMIT:
            raise _too_many(expression, f"over {MATCH_LIMIT:,} values", "a narrower path")
    if not reached:
        raise missing_error(expression, f"nothing for {text!r} below {walked}", _offer(nodes))
    return reached


def _offer(nodes: list[Any]) -> str:
    node = nodes[0]
    if isinstance(node, dict):
        listed = ", ".join(list(map(str, node))[:12])
        return f"one of the keys {listed}" if listed else "an object with keys"
    if isinstance(node, list):
        return f"a list of {len(node)} items that holds it"
    return "an object or a list"


def to_number(expression: str, value: Any) -> float:
    """Return the number that a value of a path is.

    Raises:
        MetricError: It is none.
    """
    # A flag is no number, though Python would compute with it.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise missing_error(expression, f"{type(value).__name__} {value!r}"[:60], "a number")
    try:
        return float(value)
    except OverflowError as error:
        raise missing_error(expression, "an integer beyond floats", "a number") from error


def _too_many(where: str, found: str, expected: str) -> TooManyError:
    remedy = "Write fewer values, or name some of them."
    return TooManyError(f"metric {where}", found=found, expected=expected, remedy=remedy)


def missing_error(where: str, found: str, expected: str) -> MetricError:
    """Make the error of a path that gives no number."""
    remedy = "Look at the artifact, or correct the path in harness.toml."
    return MetricError(f"metric {where}", found=found, expected=expected, remedy=remedy)
