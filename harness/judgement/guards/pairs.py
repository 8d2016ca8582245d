"""What guards share that hold two sides of one run against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.config.keys import key
from harness.config.project import GuardSpec
from harness.judgement.guards import metrics
from harness.judgement.guards.base import Evidence, result
from harness.records import GuardResult
from harness.verdict import Verdict

NOTE = "note"


def declare_missing(what: str = "the numbers in their artifact") -> Any:
    """Declare what a guard makes of numbers that are not in their artifact."""
    return key(
        f"Without {what}: `inconclusive`, or `note`: only said.",
        default="inconclusive",
        choices=("inconclusive", NOTE),
    )


def take_side(evidence: Evidence, spec: GuardSpec, side: str) -> float:
    """Take the one number of a side, by its aggregate where one is declared."""
    choices: dict[str, Any] = spec.options
    return metrics.select(evidence, choices[side], choices.get(f"{side}_aggregate"))


def name_sides(spec: GuardSpec, first: str, second: str, sign: str) -> str:
    """Name both sides with their aggregates."""
    names = []
    for side in (first, second):
        parts = {"metric": spec.options[side]}
        if f"{side}_aggregate" in spec.options:
            parts["aggregate"] = spec.options[f"{side}_aggregate"]
        names.append(metrics.key(parts))
    return f"{names[0]} {sign} {names[1]}"


def note_missing(
    spec: GuardSpec,
    evidence: Evidence,
    missing: str,
    *expressions: str | None,
    find: Callable[[Evidence, str], object] = metrics.find,
) -> GuardResult | None:
    """Note that an artifact lacks a number, where a guard declares that this is a note.

    None where all have it, or one is itself missing.

    Args:
        spec: The guard.
        evidence: What the run left.
        missing: As the guard declares it.
        expressions: Paths of the numbers.
        find: Raises ``MetricError`` where there is nothing for a path.
    """
    if missing != NOTE:
        return None
    for expression in expressions:
        if expression is None:
            continue
        artifact, _ = metrics.parse(expression)
        if artifact not in evidence.artifacts:
            continue
        try:
            find(evidence, expression)
        except metrics.MetricError as error:
            reason = f"not compared: {error.where}: {error.found}"
            judged = result(spec, Verdict.INCONCLUSIVE, error.found, error.expected, reason)
            return replace(judged, severity="warn")
    return None
