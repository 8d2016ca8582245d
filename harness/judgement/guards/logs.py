"""Kind ``log``: lines that a stage's log must or must not hold, and a number in one.

Patterns are searched line by line with bounds that keep the time small whatever the log
says: no repeated group, no back-reference, two repetitions at most, lines cut at 1,000
characters, and a deadline for the whole log.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.judgement.guards import metrics, options
from harness.judgement.guards.base import Evidence, Golden, number, result
from harness.records import GuardResult
from harness.verdict import Verdict

_LINE_LIMIT = 1000
_PATTERN_LIMIT = 300
_REPEATS = 2
_BRANCHES = 6  # each one at most doubles the ways that a line can be matched
_DEADLINE_S = 10.0
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
_REFUSED = re.compile(r"@|\(\?(?!:)|\)[*+{]")
_REPEAT = re.compile(r"[*+{]")
_BRANCH = re.compile(r"[|]|(?<![*+}(])\?")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """The parameters of kind ``log``."""

    stage: str = key("Stage whose log is read.")
    must: tuple[str, ...] = key("Patterns, each found in at least one line.", default=())
    must_not: tuple[str, ...] = key("Patterns, none found in any line.", default=())
    value: str | None = key("Pattern with one group that captures a number.", default=None)
    equals: str | None = key(
        "Path expression that each captured number must equal.", default=None, is_metric=True
    )
    relative: float = key("Tolerance of `equals`.", default=1e-9)
    differs: float | None = key(
        "Number that none of the captured ones may be: a default.", default=None
    )


class LogGuard:
    """Patterns over the log of a ``stage``.

    Every pattern of ``must`` is found and none of ``must_not``. With ``value``, a pattern
    with one group, each number it captures equals the metric ``equals`` (within
    ``relative``), differs from ``differs``, and there is at least one.
    """

    kind = "log"
    options = LogOptions

    def check_spec(self, spec: GuardSpec) -> None:
        """Require a pattern, and patterns that are safe to search.

        Raises:
            ConfigError: No pattern, an unsafe one, or a value pattern without one group.
        """
        wanted = options.read(LogOptions, spec)
        options.one_of(spec, ("must", "must_not", "value"))
        for name, patterns in (("must", wanted.must), ("must_not", wanted.must_not)):
            for text in patterns:
                _compile(spec, name, text)
        if wanted.value is not None and _compile(spec, "value", wanted.value).groups != 1:
            raise options.error(spec, "value", "a pattern", "one with exactly one group")
        for name in ("equals", "relative", "differs"):
            if name in spec.options and wanted.value is None:
                raise options.error(spec, "value", "nothing", f"a pattern, for {name} is given")
        if wanted.equals is not None:
            metrics.parse(wanted.equals)

    def judge(self, spec: GuardSpec, evidence: Evidence, _golden: Golden | None) -> GuardResult:
        """Red at the first pattern that is missing, forbidden, or whose number is wrong."""
        wanted = options.read(LogOptions, spec)
        lines = [line[:_LINE_LIMIT] for line in evidence.log(wanted.stage).splitlines()]
        deadline = time.monotonic() + _DEADLINE_S
        for text in wanted.must:
            if not _search(spec, text, lines, deadline):
                return result(spec, Verdict.RED, "no such line", text, f"{text!r} is missing")
        for text in wanted.must_not:
            if hits := _search(spec, text, lines, deadline):
                line = hits[0].string[:160]
                return result(spec, Verdict.RED, line, f"no {text}", f"{text!r} is there")
        if wanted.value is not None:
            hits = _search(spec, wanted.value, lines, deadline)
            return _value(spec, wanted, evidence, [hit[1] for hit in hits])
        expected = ", ".join([*wanted.must, *(f"no {text}" for text in wanted.must_not)])
        return result(spec, Verdict.GREEN, f"{len(lines)} lines", expected)


def _value(
    spec: GuardSpec, wanted: LogOptions, evidence: Evidence, texts: Sequence[str]
) -> GuardResult:
    expected, bounds = "a finite number", None
    if wanted.equals is not None:
        reference = metrics.select(evidence, wanted.equals)
        allowed = wanted.relative * abs(reference)
        expected, bounds = f"{number(reference)} ± {number(allowed)}", (reference, allowed)
    if wanted.differs is not None:
        expected += f", not {number(wanted.differs)}"
    if not texts:
        reason = f"{wanted.value!r} is missing"
        return result(spec, Verdict.RED, "no such line", expected, reason)
    values = [_parse(text) for text in texts]
    troubles = [_wrong(value, bounds, wanted.differs) for value in values]
    trouble = next(filter(None, troubles), "")
    verdict = Verdict.RED if trouble else Verdict.GREEN
    return result(spec, verdict, ", ".join(texts[:4]), expected, trouble)


def _parse(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _wrong(value: float, bounds: tuple[float, float] | None, differs: float | None) -> str:
    if not math.isfinite(value):
        return "the log's value is not a finite number"
    if bounds and not abs(value - bounds[0]) <= bounds[1]:
        return f"the log says {number(value)}, the record {number(bounds[0])}"
    if differs is not None and value == differs:
        return f"the log says {number(value)}, the value of a default"
    return ""


def _search(
    spec: GuardSpec, text: str, lines: Sequence[str], deadline: float
) -> list[re.Match[str]]:
    pattern, hits = re.compile(text), []
    for line in lines:
        if match := pattern.search(line):
            hits.append(match)
        if time.monotonic() > deadline:
            raise EvidenceMissingError(
                f"log of {spec.options['stage']}",
                found=f"no end of the search for {text!r} after {_DEADLINE_S:.0f} s",
                expected="a log and a pattern that are searched quickly",
                remedy="Make the pattern simpler: fewer repetitions, more literal text.",
            )
    return hits


def _compile(spec: GuardSpec, name: str, text: str) -> re.Pattern[str]:
    if len(text) > _PATTERN_LIMIT or not text:
        raise options.error(spec, name, f"{len(text)} characters", f"1 to {_PATTERN_LIMIT}")
    # Escapes and classes each stand for one character; a back-reference becomes "@".
    bare = _ESCAPE.sub(lambda match: "@" if match[1].isdigit() else "c", text.replace("@", "c"))
    bare = _CLASS.sub("c", bare)
    if _REFUSED.search(bare):
        expected = "no back-reference, look-around or repeated group"
        raise options.error(spec, name, repr(text), expected)
    if len(_REPEAT.findall(bare)) > _REPEATS or len(_BRANCH.findall(bare)) > _BRANCHES:
        expected = f"at most {_REPEATS} repetitions and {_BRANCHES} branches"
        raise options.error(spec, name, repr(text), expected)
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise options.error(spec, name, f"{text!r}: {error}", "a regular expression") from error
