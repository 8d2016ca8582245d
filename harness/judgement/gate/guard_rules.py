"""Guards of two revisions side by side: every option of every kind has a rule of comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.config.project import GuardSpec
from harness.judgement.gate import difference
from harness.judgement.gate.difference import (
    SAME,
    Change,
    Classed,
    Compare,
    Difference,
    make_ceiling,
    make_demands,
    make_extra,
    make_floor,
    make_identity,
    make_rank,
)

# Says whether one metric became another by a renamed golden, and nothing reads the old one.
IsRenamed = Callable[[str, str], bool]

_METRIC: Mapping[str, Compare] = {
    "metric": make_identity("metric"),
    "aggregate": make_identity("aggregate"),
    "absolute": make_identity("sign", default=False),
}
_BAND: Mapping[str, Compare] = {"min": make_floor(-math.inf), "max": make_ceiling(math.inf)}


def _compare_sides(was: Any, now: Any) -> Classed:
    before, after = was or "two", now or "two"
    if before == after:
        return SAME
    if after == "two":
        return Change.STRICTER, "both sides are bounded"
    return Change.WEAKER, f"the {after} side alone is bounded"


def _compare_ranges(was: Any, now: Any) -> Classed:
    """Compare what a number can be: calibration refuses less where it is declared larger."""
    if now is None:
        return Change.WEAKER, "bands that nothing can leave are not refused any more"
    if was is not None and (now[0] < was[0] or now[1] > was[1]):
        return Change.WEAKER, "the number is said to reach farther"
    return Change.STRICTER, "bands that nothing can leave are refused"


def _compare_reasons(was: Any, now: Any) -> Classed:
    if not was:
        return Change.OTHER, "a reason why the golden may be wide"
    return difference.compare_words(was, now)


def _compare_identity_keys(was: Any, now: Any) -> Classed:
    """Compare the keys that tell records apart: fewer find more doubles."""
    if was is None:
        return Change.STRICTER, "doubles are looked for as well"
    if now is None:
        return Change.WEAKER, "doubles are not looked for any more"
    return difference.compare_sets(was, now, more=Change.WEAKER, what="identity")


def _pair(first: str, second: str) -> Mapping[str, Compare]:
    return {
        name: make_identity(what)
        for side in (first, second)
        for name, what in ((side, "metric"), (f"{side}_aggregate", "aggregate"))
    }


_MISSING = make_rank(("note", "inconclusive"), "inconclusive")
# By kind, then by option. A kind or an option that is not in here is weaker when it differs.
OPTIONS: Mapping[str, Mapping[str, Compare]] = {
    "bound": {
        **_METRIC,
        **_BAND,
        "missing": _MISSING,
    },
    "golden": {
        **_METRIC,
        "components": make_floor(0, "components"),
        "scale": make_identity("scale", default="linear"),
        "sides": _compare_sides,
        "coverage": make_ceiling(0.95, "coverage"),
        "confidence": make_ceiling(0.95, "confidence"),
        "missing": _MISSING,
        "machines": make_rank(("device class", "numeric class"), "numeric class"),
        "range": _compare_ranges,
        "wide_because": _compare_reasons,
    },
    "fingerprint": {
        "numbers": make_demands("numbers"),
        "parameter": make_identity("parameter"),
        "expect": make_rank(
            ("changed", "statistically the same", "rounding", "bit-identical"), "rounding"
        ),
        "rate": make_floor(0.001, "rate of false alarms"),
        "machines": make_rank(("device class", "numeric class"), "numeric class"),
        "missing": _MISSING,
    },
    "ratio": {**_pair("numerator", "denominator"), **_BAND},
    "equal": {
        **_pair("left", "right"),
        "relative": make_ceiling(1e-9, "tolerance"),
        "absolute": make_ceiling(0.0, "tolerance"),
        "right_at": make_identity("places"),
        "centred": make_identity("centring"),
        "missing": _MISSING,
    },
    "statistic": {
        "reported": make_identity("metric"),
        "array": make_identity("array"),
        "weights": make_identity("weights"),
        "statistic": make_identity("statistic", default="mean"),
        "relative": make_ceiling(1e-5, "tolerance"),
        "missing": _MISSING,
    },
    "rendering": {
        "artifact": make_identity("artifact"),
        "array": make_identity("array"),
        "mask": make_identity("mask"),
        "panel": make_identity("panel", default=0),
        "unlike": make_demands("unlike"),
        "min": make_floor(0.8),
        "period": make_identity("period"),
        "rising": make_floor(0, "asking for the sign"),
        "missing": _MISSING,
    },
    "disjoint": {
        "left": make_identity("items"),
        "right": make_identity("items"),
        "missing": _MISSING,
    },
    "echo": {
        "stage": make_identity("stage"),
        "artifact": make_identity("artifact"),
        "fields": make_identity("fields"),
        "silent": difference.make_allowances("flags that are not compared"),
    },
    "artifact": {"artifact": make_identity("artifact"), "min_size": make_floor(1)},
    "image": {
        "artifact": make_identity("artifact"),
        "min_levels": make_floor(8),
        "level_share": make_floor(0.0),
        "max_flat": make_ceiling(0.9),
        "min_size": make_floor(1),
        "min_spread": make_floor(1.0),
        "tile": make_extra("a tile"),
        "separator": make_identity("separator", default=0),
        "tiles": make_floor(1),
    },
    "log": {
        "stage": make_identity("stage"),
        "must": make_demands("must"),
        "must_not": make_demands("must_not"),
        "value": make_extra("a number"),
        "equals": make_extra("a metric that it equals"),
        "relative": make_ceiling(1e-9, "tolerance"),
        "differs": make_extra("a number that it differs from"),
    },
    "count": {
        "records": make_identity("path of records"),
        "min": make_floor(-math.inf),
        "max": make_ceiling(math.inf),
        "unique_by": _compare_identity_keys,
        "distinct": make_floor(0, "asking for distinct records"),
    },
    "resource": {
        "stage": make_identity("stage"),
        "measure": make_identity("measure"),
        "min": make_floor(-math.inf),
        "max": make_ceiling(math.inf),
        "above": make_ceiling(math.inf, "factor"),
        "below": make_floor(0.0, "factor"),
    },
    "default": {
        "artifact": make_identity("artifact"),
        "allow": difference.make_allowances("what is let pass"),
        "identity": make_identity("identity of a record"),
    },
}
# Options that another one stands for: ``equals`` is a floor and a ceiling in one.
FOLDED: Mapping[str, tuple[str, ...]] = {"count": ("equals",)}
# Options that mean nothing without another one.
_PARTS = {
    "image": {"separator": "tile", "tiles": "tile", "min_spread": "tile"},
    "log": {"equals": "value", "relative": "value", "differs": "value"},
}
_FLAGS = {"count": ("distinct",), "rendering": ("rising",)}
FIELDS: Mapping[str, Compare] = {
    "kind": make_identity("kind"),
    "severity": make_rank(("warn", "fail"), "fail"),
    "policies": make_demands("policies"),
    "remedy": difference.compare_words,
}
NAMED_APART = ("id", "options")  # fields of a guard that are compared here, not by a table
_LOOKS_AT = (
    "metric",
    "numerator",
    "denominator",
    "left",
    "right",
    "equals",
    "records",
    "reported",
)


def compare_guards(
    prefix: str,
    was: Sequence[GuardSpec],
    now: Sequence[GuardSpec],
    is_renamed: IsRenamed,
) -> Iterator[Difference]:
    """Compare the guards of a suite by their ids; one that only has another id is found."""
    before, after = ({guard.id: guard for guard in guards} for guards in (was, now))
    new = {id_: guard for id_, guard in after.items() if id_ not in before}
    for id_, guard in before.items():
        rule = f"{prefix}.{id_}"
        if id_ in after:
            yield from compare_guard(rule, guard, after[id_], is_renamed)
            continue
        heir = next((n for n, g in new.items() if _is_as_strict(guard, g, is_renamed)), None)
        if heir is None:
            yield difference.mark_removed(rule, _summary(guard), "the guard is gone")
        else:
            del new[heir]
            change = (Change.OTHER, "only its id is another")
            yield difference.make_difference(rule, id_, heir, change)
    for id_, guard in new.items():
        yield _class_new(f"{prefix}.{id_}", guard)


def compare_guard(
    rule: str, was: GuardSpec, now: GuardSpec, is_renamed: IsRenamed
) -> Iterator[Difference]:
    """Compare two guards field by field and option by option."""
    fields = ({name: getattr(guard, name) for name in FIELDS} for guard in (was, now))
    yield from difference.compare_tables(rule, FIELDS, *fields)
    if was.kind != now.kind:
        return
    before, after = _normalise(was), _normalise(now)
    before, after = _without_parts(was.kind, before, after)
    rules = OPTIONS.get(was.kind, {})
    for change in difference.compare_tables(rule, rules, before, after):
        key = change.rule.rpartition(".")[2]
        if key in _LOOKS_AT and _is_rename(before.get(key), after.get(key), is_renamed):
            why = "the metric has another name, and its golden with it"
            yield difference.make_difference(
                change.rule, before[key], after[key], (Change.OTHER, why)
            )
        else:
            yield change


def _is_rename(was: Any, now: Any, is_renamed: IsRenamed) -> bool:
    return isinstance(was, str) and isinstance(now, str) and is_renamed(was, now)


def _normalise(guard: GuardSpec) -> dict[str, Any]:
    """Write options so that the same demand has the same keys."""
    options = dict(guard.options)
    if guard.kind == "count" and "equals" in options:
        equals = options.pop("equals")
        options |= {"min": equals, "max": equals}
    for name in _FLAGS.get(guard.kind, ()):
        if name in options:
            options[name] = int(options[name])
    return options


def _without_parts(
    kind: str, was: dict[str, Any], now: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out options whose head came or went with them: the head says it all."""
    heads = _PARTS.get(kind, {})
    moot = {key for key, head in heads.items() if (head in was) is not (head in now)}
    return (
        {key: value for key, value in was.items() if key not in moot},
        {key: value for key, value in now.items() if key not in moot},
    )


def _is_as_strict(was: GuardSpec, now: GuardSpec, is_renamed: IsRenamed) -> bool:
    differences = compare_guard("", was, now, is_renamed)
    return all(d.change is not Change.WEAKER for d in differences)


def _class_new(rule: str, guard: GuardSpec) -> Difference:
    """Class a guard that is new; one that takes the place of a rule on by default may allow."""
    stands_in = guard.kind == "default" and (
        guard.options.get("allow") or guard.severity != "fail"
    )
    if stands_in:
        why = "it takes the place of a guard that is on by default, and lets more pass"
        return difference.mark_added(rule, _summary(guard), why, Change.WEAKER)
    return difference.mark_added(rule, _summary(guard), "a guard more")


def _summary(guard: GuardSpec) -> str:
    options = ", ".join(f"{k} = {difference.describe(v)}" for k, v in guard.options.items())
    return f"{guard.kind} ({guard.severity}): {options}"
