"""A metric with many values against the band of its golden, for ``aggregate = "all"``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.config.project import GuardSpec
from harness.errors import EvidenceMissingError
from harness.judgement.golden.curve import GoldenCurve, Position
from harness.judgement.guards import metrics, numbers
from harness.judgement.guards.base import Evidence, number, result
from harness.judgement.guards.numbers import Numbers
from harness.records import GuardResult
from harness.verdict import Verdict

_HALF_WIDTHS = 1.0  # the limit: distances are parts of the band's half width
_LISTED = 3


def take(evidence: Evidence, options: Mapping[str, Any]) -> Numbers:
    """Take every number below a path, arrays included, each with its place below the path.

    Raises:
        EvidenceMissingError: There is none, or there are too many.
        ConfigError: The path cannot be read.
    """
    path = options["metric"]
    run = numbers.take(evidence, (path,))
    # Without the path: a metric that is renamed has the values that it had.
    places = tuple(name.removeprefix(path) for name in run.names)
    is_absolute = options.get("absolute", False)
    values = tuple(map(abs, run.values)) if is_absolute else run.values
    return replace(run, names=places, values=values)


def refuse_strange(spec: GuardSpec, run: Numbers) -> GuardResult | None:
    """Return the red result of a curve with NaN or ±inf in it; None of another."""
    for name, value in zip(run.names, run.values, strict=True):
        if not math.isfinite(value):
            actual, wanted = number(value), "finite numbers"
            metric = metrics.key(spec.options)
            red = result(spec, Verdict.RED, actual, wanted, f"{metric}{name} is not finite")
            return replace(red, metric=metric)
    return None


def require_parameters(golden: GoldenCurve, run: Numbers, evidence: Evidence) -> None:
    """Refuse a golden of runs with other parameters that had other values.

    Who asks for more epochs gets a longer curve, and no defect is to blame.

    Raises:
        EvidenceMissingError: It is.
    """
    own = evidence.parameters
    other = [name for name, was in golden.parameters.items() if own.get(name, was) != was]
    if other and run.names_sha256 != golden.names_sha256:
        settings = ", ".join(f"{name} {golden.parameters[name]}" for name in other)
        raise EvidenceMissingError(
            f"golden of {golden.metric}",
            found=f"a golden of {len(golden.centre)} values, of runs with {settings}",
            expected=f"one of {len(run.values)} values",
            remedy="Calibrate with these parameters.",
        )


def require_components(golden: GoldenCurve, wanted: int) -> None:
    """Refuse a golden of too few runs for the components that a guard asks for.

    Raises:
        EvidenceMissingError: It has none.
    """
    from harness.judgement.golden import components  # noqa: PLC0415 - statistics, where needed

    least = wanted * components.RUNS_FOR_EACH
    if wanted and golden.n < least:
        raise EvidenceMissingError(
            f"golden of {golden.metric}",
            found=f"{golden.n} seeds for {wanted} components",
            expected=f"at least {components.RUNS_FOR_EACH} for each, {least}",
            remedy="Calibrate with more seeds, or ask for fewer components.",
        )
    if wanted and not golden.components:
        raise EvidenceMissingError(
            f"golden of {golden.metric}",
            found="no components",
            expected=f"{wanted}, as the guard asks for",
            remedy="Run harness golden update --reason …",
        )


def judge(spec: GuardSpec, run: Numbers, golden: GoldenCurve) -> GuardResult:
    """Hold every value against its part of the band, and all together against T²."""
    from harness.judgement.golden import curve_statistics  # noqa: PLC0415 - where needed

    width = f"within {number(golden.factor)} sd of its mean"
    expected = f"each of {len(golden.centre)} values {width}"
    if run.names_sha256 != golden.names_sha256:
        actual = f"{len(run.values)} values"
        reason = f"{golden.metric} has {actual} at other places than the golden's"
        red = result(spec, Verdict.RED, actual, expected, f"{reason} {len(golden.centre)}")
        return replace(red, metric=golden.metric)
    position = curve_statistics.measure(golden, run.values)
    is_red = position.measure > _HALF_WIDTHS
    name, far = run.names[position.farthest], number(max(position.parts))
    judged = result(
        spec,
        Verdict.RED if is_red else Verdict.GREEN,
        f"{far} of the band's half width, at {name.removeprefix('#')}",
        expected,
        _tell_reason(run, golden, position) if is_red else "",
    )
    return replace(judged, metric=golden.metric, value=position.measure, high=_HALF_WIDTHS)


def _tell_reason(run: Numbers, golden: GoldenCurve, position: Position) -> str:
    outside = [i for i, part in enumerate(position.parts) if part > _HALF_WIDTHS]
    if not outside:
        together = number(position.together)
        return (
            f"no value leaves its band, but together they go astray: T² of "
            f"{len(golden.components)} components is {together} of its limit; golden of "
            f"{golden.n} seeds"
        )
    place = position.farthest
    value = run.values[place]
    low, high = (None if side is None else side[place] for side in (golden.low, golden.high))
    side, edge = ("below", low) if low is not None and value < low else ("above", high)
    rest = [run.names[i].removeprefix("#") for i in outside if i != place]
    more = f" and {len(rest) - _LISTED} more" if len(rest) > _LISTED else ""
    others = f"; outside as well: {', '.join(rest[:_LISTED])}{more}" if rest else ""
    return (
        f"{golden.metric}{run.names[place]} is {number(value)}, {side} {number(edge)}, "
        f"{number(position.parts[place])} times as far as the band reaches; {len(outside)} of "
        f"{len(run.values)} values leave it{others}; golden of {golden.n} seeds"
    )
