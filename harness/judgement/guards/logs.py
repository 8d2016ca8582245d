"""Kind ``log``: lines that a stage's log must or must not hold, and a number in one.

Patterns are searched line by line with bounds that keep the time small whatever the log
says: no repeated group, no back-reference, two repetitions at most, and a deadline for the
whole log. A pattern with a repetition sees the first 1,000 characters of a line. From what was
not seen nothing is concluded: where a line or the log was cut, "not there" is inconclusive.
"""

from __future__ import annotations

import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
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
# The remark of a log whose middle was left out, as the stage's stream writes it.
CUT = re.compile(r"^\[harness: log cut here: about [0-9,]+ bytes left out\]$", re.MULTILINE)
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
        log = _Log(spec, evidence.log(wanted.stage))
        for text in wanted.must:
            if not log.search(text, needs_all=False):
                return result(spec, Verdict.RED, "no such line", text, f"{text!r} is missing")
        for text in wanted.must_not:
            if hits := log.search(text, needs_all=False):
                line = hits[0].string[:160]
                return result(spec, Verdict.RED, line, f"no {text}", f"{text!r} is there")
        if wanted.value is not None:
            hits = log.search(wanted.value, needs_all=True)
            return _value(spec, wanted, evidence, [hit[1] for hit in hits])
        expected = ", ".join([*wanted.must, *(f"no {text}" for text in wanted.must_not)])
        return result(spec, Verdict.GREEN, f"{log.count} lines", expected)


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
    problems = [_wrong(value, bounds, wanted.differs) for value in values]
    problem = next(filter(None, problems), "")
    verdict = Verdict.RED if problem else Verdict.GREEN
    return result(spec, verdict, ", ".join(texts[:4]), expected, problem)


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


class _Log:
    """The log of a stage, searched line by line until a deadline."""

    def __init__(self, spec: GuardSpec, text: str) -> None:
        self._stage, self._text = spec.options["stage"], text
        self._is_cut = CUT.search(text) is not None
        self._deadline = time.monotonic() + _DEADLINE_S
        self.count = text.count("\n") + (not text.endswith("\n") and bool(text))

    def search(self, text: str, *, needs_all: bool) -> list[re.Match[str]]:
        """Return the matches of a pattern, one a line.

        Args:
            text: The pattern.
            needs_all: Whether each match counts, and not only whether there is any.

        Raises:
            EvidenceMissingError: Something was not searched that the answer depends on.
        """
        pattern, hits, unseen = re.compile(text), [], ""
        limit = _LINE_LIMIT if _REPEAT.search(_bare(text)) else sys.maxsize
        for line in self._lines():
            match = pattern.search(line[:limit] if len(line) > limit else line)
            if match and (len(line) <= limit or match.end() < limit):
                hits.append(match)
            elif len(line) > limit:
                unseen = f"a line of {len(line):,} characters, of which {limit:,} are searched"
            if time.monotonic() > self._deadline:
                raise self._open(text, f"no end of the search after {_DEADLINE_S:.0f} s")
        if self._is_cut:
            unseen = "a log of which the middle was left out"
        if unseen and (needs_all or not hits):
            raise self._open(text, unseen)
        return hits

    def _lines(self) -> Iterator[str]:
        """Yield the lines one by one: all at once they would need far more memory."""
        begin, text = 0, self._text
        while begin < len(text):
            end = text.find("\n", begin)
            end = len(text) if end < 0 else end
            yield text[begin:end]
            begin = end + 1

    def _open(self, pattern: str, found: str) -> EvidenceMissingError:
        return EvidenceMissingError(
            f"log of {self._stage}",
            found=f"{found}, for {pattern!r}",
            expected="a log that is searched whole",
            remedy="Write shorter lines or fewer, or a pattern without repetitions.",
        )


def _bare(text: str) -> str:
    """Return a pattern in which each escape and each class is one character."""
    bare = _ESCAPE.sub(lambda match: "@" if match[1].isdigit() else "c", text.replace("@", "c"))
    return _CLASS.sub("c", bare)


def _compile(spec: GuardSpec, name: str, text: str) -> re.Pattern[str]:
    if len(text) > _PATTERN_LIMIT or not text:
        raise options.error(spec, name, f"{len(text)} characters", f"1 to {_PATTERN_LIMIT}")
    bare = _bare(text)  # a back-reference is "@" in it
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
