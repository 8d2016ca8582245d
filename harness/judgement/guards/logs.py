"""Kind ``log``: lines that a stage's log must or must not hold, and a number in one.

How a log is searched, and what a pattern may be, is in ``patterns``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.frozen import dataclass
from harness.judgement.guards import metrics, options, patterns
from harness.judgement.guards.base import Evidence, Golden, is_near, number, result
from harness.judgement.guards.readers.base import parse_number
from harness.records import GuardResult
from harness.verdict import Verdict


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
        for name, texts in (("must", wanted.must), ("must_not", wanted.must_not)):
            for text in texts:
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
        log = patterns.Log(wanted.stage, evidence.log(wanted.stage))
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
        return parse_number(text)
    except ValueError:
        return math.nan


def _wrong(value: float, bounds: tuple[float, float] | None, differs: float | None) -> str:
    if not math.isfinite(value):
        return "the log's value is not a finite number"
    if bounds and not is_near(value, *bounds):
        return f"the log says {number(value)}, the record {number(bounds[0])}"
    if differs is not None and value == differs:
        return f"the log says {number(value)}, the value of a default"
    return ""


def _compile(spec: GuardSpec, name: str, text: str) -> re.Pattern[str]:
    if problem := patterns.find_fault(text):
        raise options.error(spec, name, *problem)
    return re.compile(text)
