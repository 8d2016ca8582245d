"""Remedies that say what was found: ``{artifact:path}`` in one is filled from evidence."""

from __future__ import annotations

import re

from harness.config.project import GuardSpec
from harness.errors import HarnessError
from harness.judgement.guards import metrics
from harness.judgement.guards.base import Evidence, number
from harness.judgement.guards.readers.base import to_float

_PLACE = re.compile(r"\{([A-Za-z0-9_.@-]+:[^{}]+)\}")
_LONGEST, _MOST = 80, 3


def check(spec: GuardSpec) -> None:
    """Check that every placeholder of a remedy can be read.

    Raises:
        ConfigError: One is no path expression.
    """
    for expression in _PLACE.findall(spec.remedy):
        metrics.parse(expression)


def fill(spec: GuardSpec, evidence: Evidence) -> str:
    """Return the remedy of a guard with what the evidence says in it.

    What is not there is said so: a remedy never fails.
    """
    return _PLACE.sub(lambda match: _find(match[1], evidence), spec.remedy)


def _find(expression: str, evidence: Evidence) -> str:
    try:
        values = metrics.find(evidence, expression)
    except HarnessError:
        return f"(no {expression})"
    text = ", ".join(_write(value) for value in values[:_MOST])
    return text + (", …" if len(values) > _MOST else "")


def _write(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(to_float(value))
    words = str(value)
    cut = words if len(words) <= _LONGEST else words[: _LONGEST - 1] + "…"
    return "".join(c if c.isprintable() else " " for c in cut)
