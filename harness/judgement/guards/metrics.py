"""Path expressions: from an artifact of a run to one number.

``<artifact>:<path>``, where the path is keys joined by dots, ``[i]`` an index (negative
from the end), ``[*]`` every item, and ``[key=value,key=value]`` the items that match. A
CSV or TSV artifact is a list of rows, JSON Lines a list of values; a path that starts with a
column name means that column of every row.

``@stages:<stage>.duration_s`` and ``.peak_memory_bytes`` read the run itself.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.config.keys import key as declare
from harness.errors import ConfigError, EvidenceMissingError
from harness.judgement.guards import line_values
from harness.judgement.guards.base import Evidence

_TOKEN = re.compile(r"\[([^\[\]]{1,200})\]|(?:^|\.)([^.\[\]]{1,200})|\.(?=\[)")
STAGES = "@stages"  # stands for the run itself where an artifact would be named
_STAGE_FIELDS = ("duration_s", "peak_memory_bytes", "exit_code")
MATCH_LIMIT = 1_000_000
DELIMITERS: Mapping[str, str] = {"csv": ",", "tsv": "\t"}
JSON_LINES = ("jsonl", "ndjson")


class MetricError(EvidenceMissingError):
    """A path expression that gives no number in this evidence."""


class TooManyError(MetricError):
    """More values than are read: how many there are is not known."""


def _std(values: Sequence[float]) -> float:
    centre = math.fsum(values) / len(values)
    squares = math.fsum((value - centre) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def _median(values: Sequence[float]) -> float:
    ranked, half = sorted(values), len(values) // 2
    return ranked[half] if len(values) % 2 else (ranked[half - 1] + ranked[half]) / 2


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How several numbers become one, and what it gives in a few words."""

    compute: Callable[[Sequence[float]], float]
    meaning: str


AGGREGATES: Mapping[str, Aggregate] = {
    "min": Aggregate(min, "smallest"),
    "max": Aggregate(max, "largest"),
    "mean": Aggregate(lambda values: math.fsum(values) / len(values), "arithmetic mean"),
    "std": Aggregate(
        _std, "standard deviation of a sample, divided by n − 1; needs two values"
    ),
    "first": Aggregate(lambda values: values[0], "first in the order of the artifact"),
    "last": Aggregate(lambda values: values[-1], "last in the order of the artifact"),
    "median": Aggregate(_median, "middle value, or the mean of the two"),
    "count": Aggregate(
        lambda values: float(len(values)), "number of matches, which need not be numbers"
    ),
}
AGGREGATE_NAMES = tuple(AGGREGATES)


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


@dataclass(frozen=True, kw_only=True)  # two records with slots could not be joined
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
    values = [_number(expression, match) for match in matches]
    if absolute:
        values = [abs(value) for value in values]
    if aggregate is None and len(values) > 1:
        raise _missing_error(expression, f"{len(values)} values", "one value, or an aggregate")
    if strange := next((value for value in values if not math.isfinite(value)), None):
        return strange
    if aggregate == "std" and len(values) == 1:
        raise _missing_error(expression, "one value", "at least two for a standard deviation")
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
    root = _root(evidence, artifact)
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
            expected="<artifact>:<path>, e.g. train-stats:[phase=train].var_zero_mean",
            remedy="Correct the expression in harness.toml.",
        )
    return artifact, tuple(steps)


def _selector(text: str) -> tuple[str, str]:
    if text == "*":
        return "all", text
    if re.fullmatch(r"-?[0-9]{1,9}", text):
        return "index", text
    return ("where", text) if "=" in text else ("key", text)


def _root(evidence: Evidence, artifact: str) -> Any:
    if artifact == STAGES:
        return {
            name: {field: getattr(stage, field) for field in _STAGE_FIELDS}
            for name, stage in evidence.stages.items()
        }
    record = evidence.artifacts.get(artifact)
    if record is None:
        listed = ", ".join(sorted(evidence.artifacts)) or "none"
        raise _missing_error(artifact, "no such artifact in this run", f"one of {listed}")
    ending = record.path.rpartition(".")[2].lower()
    if ending in DELIMITERS:
        return _drop_gaps(rows(artifact, evidence.read(artifact), DELIMITERS[ending]))
    if ending in JSON_LINES:
        return json_lines(artifact, evidence.read(artifact))
    return evidence.json(artifact)


def _drop_gaps(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave the empty cells of a logger's table out: one row holds what one step logged.

    Source: lightning.pytorch.loggers.CSVLogger, whose rows have ``epoch`` and ``step``.
    """
    if not table or not {"epoch", "step"} <= set(table[0]):
        return table
    return [{k: v for k, v in row.items() if v is not None} for row in table]


def json_lines(artifact: str, content: bytes) -> list[Any]:
    """Read JSON Lines: one value a line, blank lines left out.

    Raises:
        MetricError: A line is not JSON or names a key twice, or there are too many lines.
    """
    try:
        return line_values.read(content, MATCH_LIMIT)
    except line_values.LineError as error:
        raise _missing_error(artifact, str(error), "one JSON value a line") from error


def rows(artifact: str, content: bytes, delimiter: str = ",") -> list[dict[str, Any]]:
    """Read a CSV artifact as rows; a cell is a number where it looks like one, None if empty.

    Raises:
        MetricError: The text is not UTF-8, has no header, or a row of another length.
    """
    try:
        table = _table(artifact, content.decode("utf-8-sig"), delimiter)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _missing_error(artifact, "a file that is not CSV text", "CSV in UTF-8") from error
    if not table:
        raise _missing_error(artifact, "an empty file", "a CSV header")
    header, *body = table
    if twice := [name for i, name in enumerate(header) if name in header[:i]]:
        raise _missing_error(
            artifact, f"the column {twice[0]!r} twice", "a name for each column"
        )
    for line, row in enumerate(body, start=2):
        if len(row) != len(header):
            found = f"{len(row)} cells in line {line}"
            raise _missing_error(artifact, found, f"{len(header)}, as in the header")
    return [dict(zip(header, map(_cell, row), strict=True)) for row in body]


def _table(artifact: str, text: str, delimiter: str) -> list[list[str]]:
    """Read CSV text, whose number of cells is bounded: each needs far more room in memory."""
    table, cells = [], 0
    source = io.StringIO(text, newline="")
    for row in csv.reader(source, delimiter=delimiter, strict=True):
        cells += len(row) + 1
        if cells > MATCH_LIMIT:
            raise _too_many(artifact, f"over {MATCH_LIMIT:,} cells", "a smaller table")
        table.append(row)
    return table


def _cell(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text or None


def _advance(
    expression: str, walked: str, nodes: list[Any], step: tuple[str, str]
) -> list[Any]:
    kind, text = step
    reached: list[Any] = []
    for node in nodes:
        reached.extend(_STEPS[kind](node, text))
        if len(reached) > MATCH_LIMIT:
            raise _too_many(expression, f"over {MATCH_LIMIT:,} values", "a narrower path")
    if not reached:
        raise _missing_error(expression, f"nothing for {text!r} below {walked}", _offer(nodes))
    return reached


def _by_key(node: Any, text: str) -> list[Any]:
    return [node[text]] if isinstance(node, dict) and text in node else []


def _by_index(node: Any, text: str) -> list[Any]:
    index = int(text)
    inside = isinstance(node, list) and -len(node) <= index < len(node)
    return [node[index]] if inside else []


def _every(node: Any, _text: str) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _where(node: Any, text: str) -> list[Any]:
    wanted = [part.partition("=")[::2] for part in text.split(",")]
    return [
        item
        for item in (node if isinstance(node, list) else [])
        if isinstance(item, dict)
        and all(k.strip() in item and _same(item[k.strip()], v.strip()) for k, v in wanted)
    ]


_STEPS: Mapping[str, Callable[[Any, str], list[Any]]] = {
    "key": _by_key,
    "index": _by_index,
    "all": _every,
    "where": _where,
}


def _same(value: Any, text: str) -> bool:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value] == text
    if isinstance(value, int | float):
        cell = _cell(text)
        return isinstance(cell, float) and cell == value
    return value == text if isinstance(value, str) else False


def _offer(nodes: list[Any]) -> str:
    node = nodes[0]
    if isinstance(node, dict):
        listed = ", ".join(list(map(str, node))[:12])
        return f"one of the keys {listed}" if listed else "an object with keys"
    if isinstance(node, list):
        return f"a list of {len(node)} items that holds it"
    return "an object or a list"


def _number(expression: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _missing_error(expression, f"{type(value).__name__} {value!r}"[:60], "a number")
    try:
        return float(value)
    except OverflowError as error:
        raise _missing_error(expression, "an integer beyond floats", "a number") from error


def _too_many(where: str, found: str, expected: str) -> TooManyError:
    remedy = "Write fewer values, or name some of them."
    return TooManyError(f"metric {where}", found=found, expected=expected, remedy=remedy)


def _missing_error(where: str, found: str, expected: str) -> MetricError:
    remedy = "Look at the artifact, or correct the path in harness.toml."
    return MetricError(f"metric {where}", found=found, expected=expected, remedy=remedy)
