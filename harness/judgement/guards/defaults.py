"""Kind ``default``: what holds for every artifact, declared or not.

Whatever is recorded is looked at: numbers that are not finite, statistics that are all
zero or constant, records that occur twice, pictures that are constant or no picture.
A declared guard of this kind for an artifact takes the place of the built-in one, with
its ``allow`` for the findings that are meant.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.judgement.guards import metrics, options, png
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.count import IDENTITY, same_statistics, twice
from harness.records import ArtifactRecord, GuardResult
from harness.verdict import Verdict

RULES: Mapping[str, str] = {  # and what breaks each
    "non-finite": "NaN or ±infinity anywhere in a JSON or CSV file",
    "all-zero": "a mean and a spread of zero, a CSV of zeros, a black picture",
    "constant": "a spread of zero beside a mean, three or more equal CSV rows, a picture of "
    "one level or no picture at all",
    "duplicate-record": "two records of one (phase, epoch, batch_idx) or with the same numbers",
}
# Words of names, as in global_std, testVariance or loss.stddev.
_MEANS = frozenset({"mean", "avg", "average", "mu"})
_SPREADS = frozenset(
    {"std", "stddev", "stdev", "sd", "sigma", "var", "variance", "deviation", "spread"}
)
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_EXPECTED = "finite, varying and distinct numbers"
_REMEDY = "Look at the artifact: the step that writes it gave nothing that can be judged."
_CONSTANT_ROWS = 3
_LONGEST = 200  # characters of a name that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultOptions:
    """The parameters of kind ``default``."""

    artifact: str = key("Id of the artifact.")
    allow: tuple[str, ...] = key(
        "Rules that this artifact may break, see [Default guards](#default-guards).",
        default=(),
        choices=tuple(RULES),
    )


class DefaultGuard:
    """The rules of ``RULES`` on one ``artifact``, those in ``allow`` left out."""

    kind = "default"
    options = DefaultOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require an artifact and known rule names."""
        options.read(DefaultOptions, spec)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red with the first rule that the artifact breaks."""
        wanted = options.read(DefaultOptions, spec)
        record = evidence.artifacts.get(wanted.artifact)
        if record is None:
            return result(spec, Verdict.RED, "no file", _EXPECTED, "it was not written")
        judge = _BY_ENDING[file_extension(record)]
        for rule, trouble in judge(evidence, wanted.artifact):
            if rule not in wanted.allow:
                return result(spec, Verdict.RED, rule, _EXPECTED, trouble)
        return result(spec, Verdict.GREEN, "nothing wrong", _EXPECTED)


def default_specs(specs: tuple[GuardSpec, ...], evidence: Evidence) -> tuple[GuardSpec, ...]:
    """Return the default guards of every artifact that can be read and has none declared."""
    declared = {spec.options["artifact"] for spec in specs if spec.kind == DefaultGuard.kind}
    return tuple(
        GuardSpec(
            id=f"default:{name}",
            kind=DefaultGuard.kind,
            remedy=_REMEDY,
            options={"artifact": name},
        )
        for name, record in sorted(evidence.artifacts.items())
        if name not in declared and not record.external and file_extension(record) in _BY_ENDING
    )


def file_extension(record: ArtifactRecord) -> str:
    """Return the lower-case ending of an artifact's file name, without its dot."""
    return record.path.rpartition(".")[2].lower()


def _judge_json(evidence: Evidence, artifact: str) -> Iterator[tuple[str, str]]:
    yield from _judge_values(evidence.json(artifact))


def _judge_json_lines(evidence: Evidence, artifact: str) -> Iterator[tuple[str, str]]:
    yield from _judge_values(metrics.json_lines(artifact, evidence.read(artifact)))


def _judge_values(value: Any) -> Iterator[tuple[str, str]]:
    for where, node in _walk(value):
        if isinstance(node, float) and not math.isfinite(node):
            yield "non-finite", f"{where} is {node}"
        elif isinstance(node, dict):
            yield from _statistics(where, node)
    if isinstance(value, list):
        yield from _duplicates(value)


def _judge_csv(evidence: Evidence, artifact: str) -> Iterator[tuple[str, str]]:
    delimiter = metrics.DELIMITERS[file_extension(evidence.artifacts[artifact])]
    rows = metrics.rows(artifact, evidence.read(artifact), delimiter)
    for index, row in enumerate(rows):
        for column, cell in row.items():
            if isinstance(cell, float) and not math.isfinite(cell):
                yield "non-finite", f"{column} in row {index} is {cell}"
    columns = [[row[name] for row in rows] for name in (rows[0] if rows else {})]
    numeric = [column for column in columns if all(isinstance(c, float) for c in column)]
    if rows and numeric and not any(any(column) for column in numeric):
        yield "all-zero", "every number is zero"
    if len(rows) >= _CONSTANT_ROWS and all(len(set(column)) == 1 for column in columns):
        yield "constant", f"{len(rows)} rows are all the same"
    yield from _duplicates(rows)


def _judge_png(evidence: Evidence, artifact: str) -> Iterator[tuple[str, str]]:
    try:
        image = png.decode(evidence.read(artifact, png.FILE_LIMIT))
    except png.ImageError as error:
        yield "constant", f"it is {error}"
        return
    if len(set(image.levels)) == 1:
        rule = "constant" if image.levels[0] else "all-zero"
        yield rule, f"every pixel is {image.levels[0]}"


_BY_ENDING: Mapping[str, Callable[[Evidence, str], Iterator[tuple[str, str]]]] = {
    "json": _judge_json,
    **dict.fromkeys(metrics.DELIMITERS, _judge_csv),
    **dict.fromkeys(metrics.JSON_LINES, _judge_json_lines),
    "png": _judge_png,
}


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Visit every node, neither recursing nor listing: depth and number are no danger."""
    yield "", value
    waiting = [_children("", value)]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        yield found
        if isinstance(found[1], dict | list):
            waiting.append(_children(*found))


def _children(where: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        return ((f"{where}.{name}", item) for name, item in node.items())
    return (
        (f"{where}[{i}]", item) for i, item in enumerate(node if type(node) is list else ())
    )


def _statistics(where: str, node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Judge an object that holds a mean and a spread."""
    means, spreads = _numbers(node, _MEANS), _numbers(node, _SPREADS)
    if not means or not spreads:
        return
    if not any(means) and not any(spreads):
        yield "all-zero", f"mean and spread of {where or 'the file'} are zero"
    elif not any(spreads):
        yield "constant", f"the spread of {where or 'the file'} is zero"


def _numbers(node: dict[str, Any], names: frozenset[str]) -> list[float]:
    return [
        value
        for name, value in node.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and _role(name) is names
    ]


@lru_cache(maxsize=4096)
def _role(name: str) -> frozenset[str] | None:
    """Say what a name is of: a spread counts before a mean, as in ``var_zero_mean``."""
    words = {word.lower() for word in _WORD.findall(name[:_LONGEST])}
    return _SPREADS if words & _SPREADS else _MEANS if words & _MEANS else None


def _duplicates(records: list[Any]) -> Iterator[tuple[str, str]]:
    with_identity = [
        record
        for record in records
        if isinstance(record, dict) and set(IDENTITY) <= set(record)
    ]
    for trouble in (twice(with_identity, IDENTITY), same_statistics(records)):
        if trouble:
            yield "duplicate-record", trouble
