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
from functools import lru_cache
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, result
from harness.judgement.guards.count import same_statistics, twice
from harness.judgement.guards.readers import catalogue
from harness.judgement.guards.readers.base import Summary
from harness.records import ArtifactRecord, GuardResult
from harness.verdict import Verdict

RULES: Mapping[str, str] = {  # and what breaks each
    "non-finite": "NaN or ±infinity anywhere in a file of numbers, as a word too",
    "all-zero": "a mean and a spread of zero, a table, arrays or curves of zeros, "
    "a black picture",
    "constant": "a spread of zero beside a mean, three or more equal rows of a table, "
    "arrays or curves that do not vary, a picture of one level or no picture at all",
    "duplicate-record": "two records of one place (`identity`, else what names such as epoch, "
    "step, batch and fold say) or with the same numbers",
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
_COUNTS = ("n", "count", "rounds", "samples", "size")  # how many values a spread is of
_NOT_FINITE = frozenset({"NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"})
_NAMES_SINCE = 2  # the edition that knows names by their words, and more formats
PREFIX = "default:"  # of the id of a guard that nobody declared
_FIRST_IDENTITY = ("phase", "epoch", "batch_idx")
_PLACES = frozenset(
    {
        *("phase", "split", "stage", "epoch", "step", "global_step", "iteration", "iter"),
        *("batch", "batch_idx", "batch_index", "fold", "seed", "trial", "run", "rank"),
    }
)
_Findings = Iterator[tuple[str, str]]
_FindRole = Callable[[str], "frozenset[str] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """By which edition an artifact is judged, and which keys identify a record."""

    edition: int
    identity: tuple[str, ...] = ()


_Judge = Callable[[Evidence, str, _Rules], _Findings]


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultOptions:
    """The parameters of kind ``default``."""

    artifact: str = key("Id of the artifact.")
    allow: tuple[str, ...] = key(
        "Rules that this artifact may break, see [Default guards](#default-guards).",
        default=(),
        choices=tuple(RULES),
    )
    identity: tuple[str, ...] = key(
        "Keys that together say which record it is; without them, the usual ones that it has.",
        default=(),
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
        judge = _find_judge(record, evidence.edition)
        if judge is None:
            ending = f"a file that ends in {catalogue.find_ending(record.path)!r}"[:80]
            return result(spec, Verdict.INCONCLUSIVE, ending, _EXPECTED, "no rule knows it")
        rules = _Rules(edition=evidence.edition, identity=wanted.identity)
        for rule, problem in judge(evidence, wanted.artifact, rules):
            if rule not in wanted.allow:
                return result(spec, Verdict.RED, rule, _EXPECTED, problem)
        return result(spec, Verdict.GREEN, "nothing wrong", _EXPECTED)


def default_specs(specs: tuple[GuardSpec, ...], evidence: Evidence) -> tuple[GuardSpec, ...]:
    """Return the default guards of every artifact that can be read and has none declared.

    One whose reader is not installed warns, for nothing was seen; what is larger than its
    reader takes is left to declared guards, but for the formats of the first edition.
    """
    declared = {spec.options["artifact"] for spec in specs if spec.kind == DefaultGuard.kind}
    absent = catalogue.list_unreadable(evidence.artifacts)
    return tuple(
        GuardSpec(
            id=f"{PREFIX}{name}",
            kind=DefaultGuard.kind,
            remedy=_REMEDY,
            severity="warn" if name in absent else "fail",
            options={"artifact": name},
        )
        for name, record in sorted(evidence.artifacts.items())
        if name not in declared and not record.external and _is_judged(record, evidence.edition)
    )


def _is_judged(record: ArtifactRecord, edition: int) -> bool:
    if catalogue.find_ending(record.path) in _FIRST:
        return True
    reader = catalogue.find_reader(record.path)
    if reader is None or record.size > reader.limit:
        return False
    return _find_judge(record, edition) is not None


def _find_judge(record: ArtifactRecord, edition: int) -> _Judge | None:
    ending = catalogue.find_ending(record.path)
    if edition < _NAMES_SINCE:
        return _FIRST.get(ending)
    reader = catalogue.find_reader(record.path)
    if reader is None:
        return {"json": _judge_json, "png": _judge_png}.get(ending)
    judge = _BY_READER[reader.name]

    def judge_artifact(evidence: Evidence, artifact: str, rules: _Rules) -> _Findings:
        return judge(metrics.read_artifact(evidence, artifact, reader), rules)

    return judge_artifact


def _judge_json(evidence: Evidence, artifact: str, rules: _Rules) -> _Findings:
    yield from _judge_values(evidence.json(artifact), rules)


def _judge_csv(evidence: Evidence, artifact: str, rules: _Rules) -> _Findings:
    yield from _judge_rows(metrics.read_artifact(evidence, artifact, catalogue.CSV), rules)


def _judge_values(value: Any, rules: _Rules) -> _Findings:
    for where, node in _walk(value):
        if isinstance(node, float) and not math.isfinite(node):
            yield "non-finite", f"{where} is {node}"
        elif isinstance(node, str) and rules.edition >= _NAMES_SINCE and node in _NOT_FINITE:
            yield "non-finite", f"{where} is the word {node}"
        elif isinstance(node, dict):
            yield from _statistics(where, node, rules.edition)
    if isinstance(value, list):  # records; a list inside of one may hold equal points
        yield from _duplicates(value, rules)


def _judge_rows(rows: list[dict[str, Any]], rules: _Rules) -> _Findings:
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
    yield from _duplicates(rows, rules)


def _judge_arrays(value: Any, _rules: _Rules) -> _Findings:
    """Judge the arrays of a file: each for numbers, all together for being hollow."""
    summaries = [(w, n) for w, n in _walk(value) if isinstance(n, Summary) and n["count"]]
    for where, one in summaries:
        if one["nonfinite"]:
            yield "non-finite", f"{one['nonfinite']} of {one['count']} in {where or 'it'}"
    sound = [one for _, one in summaries if not one["nonfinite"]]
    if sound and not any(one["min"] or one["max"] for one in sound):
        yield "all-zero", "every number is zero"
    large = [one for one in sound if one["count"] >= _CONSTANT_ROWS]
    if large and all(one["min"] == one["max"] for one in large):
        yield "constant", "no array varies"


def _judge_curves(value: dict[str, list[dict[str, Any]]], _rules: _Rules) -> _Findings:
    """Judge the scalars of a logger: a curve by itself may be flat, not all of them."""
    curves = {tag: [point["value"] for point in points] for tag, points in value.items()}
    for tag, curve in curves.items():
        if bad := [x for x in curve if not math.isfinite(x)]:
            yield "non-finite", f"{tag} is {bad[0]} in {len(bad)} of {len(curve)} steps"
    if curves and not any(map(any, curves.values())):
        yield "all-zero", "every number is zero"
    long = [curve for curve in curves.values() if len(curve) >= _CONSTANT_ROWS]
    if long and all(len(set(curve)) == 1 for curve in long):
        yield "constant", "no curve varies"


def _judge_png(evidence: Evidence, artifact: str, _rules: _Rules) -> _Findings:
    from harness.judgement.guards import png  # noqa: PLC0415 - for runs that leave pictures

    try:
        image = png.decode(evidence.read(artifact, png.FILE_LIMIT))
    except png.ImageError as error:
        yield "constant", f"it is {error}"
        return
    if len(set(image.levels)) == 1:
        rule = "constant" if image.levels[0] else "all-zero"
        yield rule, f"every pixel is {image.levels[0]}"


# The formats and words of the first edition, by which hubs of that time are judged for ever.
_FIRST: Mapping[str, _Judge] = {
    "json": _judge_json,
    "csv": _judge_csv,
    "png": _judge_png,
}
_BY_READER: Mapping[str, Callable[[Any, _Rules], _Findings]] = {
    catalogue.CSV.name: _judge_rows,
    catalogue.TSV.name: _judge_rows,
    catalogue.JSON_LINES.name: _judge_values,
    catalogue.YAML.name: _judge_values,
    catalogue.NPY.name: _judge_arrays,
    catalogue.HDF5.name: _judge_arrays,
    catalogue.EVENTS.name: _judge_curves,
}


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Visit every node, neither recursing nor listing: depth and number are no danger."""
    yield "", value
    waiting = [_children("", value)]
    while waiting:
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            continue
        yield child
        if isinstance(child[1], dict | list):
            waiting.append(_children(*child))


def _children(where: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        return ((f"{where}.{name}", item) for name, item in node.items())
    return (
        (f"{where}[{i}]", item) for i, item in enumerate(node if type(node) is list else ())
    )


def _statistics(where: str, node: dict[str, Any], edition: int) -> Iterator[tuple[str, str]]:
    """Judge an object that holds a mean and a spread."""
    find_role = _role_of_first if edition < _NAMES_SINCE else _role
    means, spreads = (_numbers(node, role, find_role) for role in (_MEANS, _SPREADS))
    if not means or not spreads:
        return
    if edition >= _NAMES_SINCE and 1 in (node.get(name) for name in _COUNTS):
        return  # one value has no spread
    if not any(means) and not any(spreads):
        yield "all-zero", f"mean and spread of {where or 'the file'} are zero"
    elif not any(spreads):
        yield "constant", f"the spread of {where or 'the file'} is zero"


def _numbers(node: dict[str, Any], role: frozenset[str], find_role: _FindRole) -> list[float]:
    return [
        value
        for name, value in node.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and find_role(name) is role
    ]


@lru_cache(maxsize=4096)
def _role(name: str) -> frozenset[str] | None:
    """Say what a name is of: a spread counts before a mean, as in ``var_zero_mean``."""
    words = {word.lower() for word in _WORD.findall(name[:_LONGEST])}
    return _SPREADS if words & _SPREADS else _MEANS if words & _MEANS else None


def _role_of_first(name: str) -> frozenset[str] | None:
    return {
        **dict.fromkeys(("mean", "global_mean"), _MEANS),
        **dict.fromkeys(("std", "var", "global_std", "var_zero_mean"), _SPREADS),
    }.get(name)


def _duplicates(records: list[Any], rules: _Rules) -> _Findings:
    problems = (_repeats(group, keys) for keys, group in _group(records, rules))
    for problem in (*problems, same_statistics(records)):
        if problem:
            yield "duplicate-record", problem


def _repeats(records: list[Any], keys: tuple[str, ...]) -> str:
    return twice(records, keys) if len(records) > 1 else ""


def _group(records: list[Any], rules: _Rules) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Yield the keys that say which record it is, with the records that have them.

    Without a declaration two of the usual names are needed, and only records with the same
    keys are held together: a logger writes one row for training and one for validation.
    """
    objects = [record for record in records if isinstance(record, dict)]
    declared = _FIRST_IDENTITY if rules.edition < _NAMES_SINCE else rules.identity
    if declared:
        yield declared, [record for record in objects if set(declared) <= set(record)]
        return
    groups: dict[tuple[str, ...], list[Any]] = {}
    for record in objects:
        groups.setdefault(tuple(k for k, v in record.items() if v is not None), []).append(
            record
        )
    for shared, group in groups.items():
        keys = tuple(name for name in shared if name.lower() in _PLACES)
        if len(keys) > 1:
            yield keys, group
