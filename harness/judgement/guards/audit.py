"""Which sides of guards no run can turn red, from declarations and goldens alone.

A bound at zero of what is never negative, a pattern that any line fits, a band that holds all
that its number can be: such a side is on the list of what is guarded, and guards nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from harness.config.project import GuardSpec, StageSpec, SuiteSpec
from harness.frozen import dataclass
from harness.judgement.golden import band
from harness.judgement.golden.band import Ends
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import metrics
from harness.judgement.guards.defaults import RULES
from harness.verdict import AnswerClass

# Aggregates that give a number between the least and the largest of what they are made of.
_BETWEEN = (None, "min", "max", "mean", "median", "first", "last")

# Words in the name of a number that say what a perfect one would be.
_WORD = re.compile(r"[a-z]+[0-9]*")
_ERRORS = frozenset(
    {"error", "mae", "mse", "rmse", "residual", "deviance", "loss", "l2", "ratio", "chi2"}
)
_AGREEMENTS = frozenset({"pearson", "correlation", "ssim", "r2", "accuracy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """A side of a guard that nothing can turn red, or that is wide without a reason."""

    suite: str
    guard: str
    kind: str
    side: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """What is known beside the guard: ends of each path by sign, stages, goldens."""

    ends: Mapping[tuple[str, bool], Ends]
    stages: Mapping[str, StageSpec]
    golden: GoldenSet


Problems = Iterator[tuple[str, str]]


def audit_suite(suite: SuiteSpec, golden: GoldenSet) -> tuple[AuditRow, ...]:
    """Return the sides of a suite's guards that can never be red, and bands without power.

    Args:
        suite: The suite as declared.
        golden: The goldens that judge it.
    """
    context = _Context(
        ends=_collect_ends(suite.guards),
        stages={stage.id: stage for stage in suite.stages},
        golden=golden,
    )
    return tuple(
        AuditRow(suite=suite.name, guard=spec.id, kind=spec.kind, side=side, why=why)
        for spec in suite.guards
        for side, why in _AUDITS.get(spec.kind, _audit_nothing)(spec, context)
    )


def _collect_ends(specs: Sequence[GuardSpec]) -> dict[tuple[str, bool], Ends]:
    """Return what guards declare of a path; it holds for others of the same path."""
    ends = {}
    for spec in specs:
        options = spec.options
        if "range" in options and options.get("aggregate") in _BETWEEN:
            ends[options["metric"], bool(options.get("absolute"))] = band.find_ends(options)
    return ends


def _audit_nothing(_spec: GuardSpec, _context: _Context) -> Problems:
    """Find nothing in a kind whose every red is possible."""
    yield from ()


def _audit_bound(spec: GuardSpec, context: _Context) -> Problems:
    options = spec.options
    ends = band.find_ends(options)
    low, high = options.get("min"), options.get("max")
    yield from _tell_idle((low, high), ends)
    yield from _tell_perfect(str(options["metric"]), low, high)
    path = str(options["metric"]), bool(options.get("absolute"))
    if options.get("aggregate") not in _BETWEEN or path not in context.ends:
        return
    least, most = context.ends[path]
    # A bound at the very end of the range is the guard of that range.
    if low is not None and least is not None and low < least and ends[0] is None:
        yield "min", f"{low:g}, and by its range nothing is below {least:g}"
    if high is not None and most is not None and high > most:
        yield "max", f"{high:g}, and by its range nothing is above {most:g}"


def _tell_perfect(metric: str, low: float | None, high: float | None) -> Problems:
    """Say where nothing but a success could be too good: an error of 0 for ever passes."""
    words = set(_WORD.findall(metric.partition(":")[2].lower()))
    if low is None and high is not None and words & _ERRORS:
        yield (
            "min",
            "an error of exactly 0 passes; declare min, and be it 0.0 where that is meant",
        )
    if high is None and low is not None and words & _AGREEMENTS:
        yield "max", "a perfect 1 passes; declare max, and be it 1.0 where that is meant"


def _tell_idle(bounds: Ends, ends: Ends) -> Problems:
    for side in band.list_idle_sides(bounds, ends):
        bound, end = (bounds[0], ends[0]) if side == "low" else (bounds[1], ends[1])
        word, where = ("min", "below") if side == "low" else ("max", "above")
        yield word, f"{bound:g}, and nothing is {where} {end:g}"


def _audit_golden(spec: GuardSpec, context: _Context) -> Problems:
    ends, name = band.find_ends(spec.options), metrics.key(spec.options)
    for value in context.golden.values:
        if value.metric != name:
            continue
        data = ", ".join(f"{r} {sha[:8]}" for r, sha in sorted(value.datasets.items()))
        for side in band.list_idle_sides((value.low, value.high), ends):
            bound, end = (value.low, ends[0]) if side == "low" else (value.high, ends[1])
            yield side, f"{bound:.4g}, and nothing is beyond {end:g} ({data})"
        width = band.find_width(value, ends)
        if width > band.WIDEST and not str(spec.options.get("wide_because", "")).strip():
            yield "width", f"a factor {width:.3g} without a reason in wide_because ({data})"


def _audit_count(spec: GuardSpec, _context: _Context) -> Problems:
    # No path matches fewer than none; `equals` and `max` can always be passed.
    if spec.options.get("min", 1) <= 0:
        yield "min", f"{spec.options['min']}, and no path matches fewer than none"


def _audit_resource(spec: GuardSpec, context: _Context) -> Problems:
    options = spec.options
    if options.get("min", 1) <= 0:
        yield "min", f"{options['min']:g}, and nothing takes less than nothing"
    if options.get("below", 1) <= 0:
        yield "below", f"{options['below']:g}, and nothing takes less than nothing"
    stage = context.stages.get(options["stage"])
    is_timed = options["measure"] == "runtime" and stage is not None
    if is_timed and stage is not None and options.get("max", 0) > stage.timeout_s:
        why = f"{options['max']:g} s, and the stage is ended after {stage.timeout_s:g} s"
        yield "max", why


def _audit_image(spec: GuardSpec, _context: _Context) -> Problems:
    options = spec.options
    if options.get("min_levels", 2) <= 1:
        yield "min_levels", "every picture has a grey level"
    if options.get("max_flat", 0.0) >= 1:
        yield "max_flat", "no level covers more than the whole picture"
    if "tile" in options and options.get("min_spread", 1.0) <= 0:
        yield "min_spread", "no tile spreads by less than nothing"


def _audit_log(spec: GuardSpec, _context: _Context) -> Problems:
    for pattern in spec.options.get("must", ()):
        if re.search(pattern, ""):
            yield "must", f"any line fits the pattern {pattern!r}"


def _audit_fingerprint(spec: GuardSpec, _context: _Context) -> Problems:
    if spec.options.get("expect") == AnswerClass.CHANGED.value:
        yield "expect", "no answer is more than changed"


def _audit_rendering(spec: GuardSpec, _context: _Context) -> Problems:
    if spec.options.get("min", 1.0) <= 0:
        yield "min", "every array explains a share of nothing or more"


def _audit_echo(spec: GuardSpec, _context: _Context) -> Problems:
    if not spec.options.get("fields"):
        yield "fields", "no flag is held against a setting"


def _audit_default(spec: GuardSpec, _context: _Context) -> Problems:
    if set(spec.options.get("allow", ())) >= set(RULES):
        yield "allow", "every rule may be broken"


_AUDITS: Mapping[str, Callable[[GuardSpec, _Context], Problems]] = {
    "bound": _audit_bound,
    "golden": _audit_golden,
    "count": _audit_count,
    "resource": _audit_resource,
    "image": _audit_image,
    "log": _audit_log,
    "fingerprint": _audit_fingerprint,
    "default": _audit_default,
    # Ratios have any size, and a difference any: each side of these can be red.
    "ratio": _audit_nothing,
    "equal": _audit_nothing,
    "artifact": _audit_nothing,
    "statistic": _audit_nothing,
    "disjoint": _audit_nothing,
    "rendering": _audit_rendering,
    "echo": _audit_echo,
}
