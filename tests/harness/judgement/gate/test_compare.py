"""Comparison of rules: total over every field, and right in each direction."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from harness.config import keys
from harness.config import project as declared
from harness.config.project import GuardSpec
from harness.judgement.gate import (
    compare,
    golden_rules,
    guard_rules,
    reference_rules,
    stage_rules,
    suite_rules,
)
from harness.judgement.gate.difference import Change, Difference, describe, is_same
from harness.judgement.golden.store import GoldenValue
from harness.judgement.guards import registry

# Each record of the declaration, and where its fields are compared.
_COMPARED: dict[type, tuple[tuple[str, ...], ...]] = {
    declared.Project: (tuple(compare.FIELDS), compare.NAMED_APART),
    declared.GateSpec: (tuple(compare.GATE_FIELDS),),
    declared.SuiteSpec: (tuple(suite_rules.FIELDS), suite_rules.NAMED_APART),
    declared.StageSpec: (tuple(stage_rules.FIELDS), stage_rules.NAMED_APART),
    declared.GuardSpec: (tuple(guard_rules.FIELDS), guard_rules.NAMED_APART),
    declared.ArtifactSpec: (
        tuple(stage_rules.ARTIFACT_FIELDS),
        stage_rules.ARTIFACT_NAMED_APART,
        ("stage",),
    ),
    declared.DatasetSpec: (tuple(suite_rules.DATASET_FIELDS), suite_rules.DATASET_NAMED_APART),
    declared.QuarantineSpec: (
        tuple(suite_rules.QUARANTINE_FIELDS),
        suite_rules.QUARANTINE_NAMED_APART,
    ),
    # Words of pages: they judge nothing.
    declared.ReportSpec: (("pictures", "charts", "rows", "rings"),),
    declared.MatrixSpec: (("suite", "name", "axes"),),
    GoldenValue: (
        reference_rules.PROVENANCE,
        golden_rules.STATISTICS,
        reference_rules.IDENTITY,
    ),
}


def _records() -> list[type]:
    own = [one for one in vars(declared).values() if dataclasses.is_dataclass(one)]
    return [one for one in own if isinstance(one, type)]


def test_every_record_is_compared() -> None:
    """No record of the declaration is forgotten."""
    assert {*_records(), GoldenValue} == set(_COMPARED)


@pytest.mark.parametrize("record", _COMPARED, ids=lambda one: one.__name__)
def test_every_field_is_compared(record: Any) -> None:
    """Each field has one rule of comparison; a new one has to be given one."""
    named = [name for part in _COMPARED[record] for name in part if name != "stage"]

    assert sorted(named) == sorted(f.name for f in dataclasses.fields(record))


def test_every_option_is_compared() -> None:
    """Each option of each built-in kind has one rule of comparison, and no other has."""
    options = {
        kind: {option.name for option in keys.keys_of(guard.options)}
        for kind, guard in registry.built_in().items()
    }
    compared = {
        kind: {*rules, *guard_rules.FOLDED.get(kind, ())}
        for kind, rules in guard_rules.OPTIONS.items()
    }

    assert compared == options


def _class(was: GuardSpec, now: GuardSpec) -> list[Change]:
    differences = guard_rules.compare_guard("g", was, now, lambda _was, _now: False)
    return [one.change for one in differences]


def _bound(**options: Any) -> GuardSpec:
    return GuardSpec(id="g", kind="bound", remedy="r", options={"metric": "m:x", **options})


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        ({"max": 1}, {"max": 2}, Change.WEAKER),
        ({"max": 2}, {"max": 1}, Change.STRICTER),
        ({"max": 2}, {"max": 2.0}, None),
        ({"max": 1, "min": 0}, {"max": 1}, Change.WEAKER),
        ({"max": 1}, {"max": 1, "min": 0}, Change.STRICTER),
        ({"max": 1}, {"max": 1, "unheard": 1}, Change.WEAKER),
        ({"max": 1}, {"max": 1, "absolute": False}, None),
        ({"max": 1}, {"max": 1, "absolute": True}, Change.WEAKER),
        ({"max": 1}, {"max": float("nan")}, Change.WEAKER),
        ({"max": 1}, {"max": True}, Change.WEAKER),
    ],
)
def test_bounds_have_directions(
    was: dict[str, Any], now: dict[str, Any], change: Change | None
) -> None:
    """What narrows is stricter, what widens is weaker, and so is what nobody knows."""
    assert _class(_bound(**was), _bound(**now)) == ([] if change is None else [change])


def test_options_of_a_foreign_kind_are_weaker() -> None:
    """Of a kind that an installed package adds, nothing shows that a change is as strict."""
    was, now = (GuardSpec(id="g", kind="odd", remedy="r", options={"x": x}) for x in (1, 2))

    assert _class(was, now) == [Change.WEAKER]


def _guards(was: list[GuardSpec], now: list[GuardSpec]) -> list[Difference]:
    return list(guard_rules.compare_guards("s", was, now, lambda _was, _now: False))


def test_renamed_guard_is_found_once() -> None:
    """One new guard stands for one that is gone, not for two."""
    one, two = _bound(max=1), replace(_bound(max=1), id="h")
    differences = _guards([one, two], [replace(one, id="new")])

    assert sorted(d.change for d in differences) == [Change.OTHER, Change.WEAKER]


def test_renamed_and_narrowed_guard_is_no_weaker() -> None:
    """A guard of another id that asks for more is as strict."""
    differences = _guards([_bound(max=2)], [replace(_bound(max=1), id="new")])

    assert [d.change for d in differences] == [Change.OTHER]


def test_renamed_and_redirected_guard_is_weaker() -> None:
    """Another id and another metric at once are a guard that is gone."""
    now = replace(_bound(max=1, metric="m:y"), id="new")

    assert Change.WEAKER in [d.change for d in _guards([_bound(max=1)], [now])]


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (False, 0), ("1", 1), ((1,), (1, 1)), (None, 0)]
)
def test_values_of_other_types_differ(one: Any, other: Any) -> None:
    """True is not 1: an option of another type is another option."""
    assert not is_same(one, other)


def test_long_values_that_differ_are_told_apart() -> None:
    """A waiver names what was and is: two long values are never written alike."""
    one, other = "x" * 500 + "a", "x" * 500 + "b"

    assert describe(one) != describe(other)
    assert max(len(describe(one)), len(describe(["y"] * 900))) < 200
    assert describe("") != describe(None)


def _selectors(was: list[str], now: list[str]) -> Change:
    return stage_rules._compare_selectors(was, now, {})[0]


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        (["tests"], ["tests/unit"], Change.WEAKER),
        (["tests/unit"], ["tests"], Change.STRICTER),
        (["tests/a.py", "tests/b.py"], ["tests/b.py", "tests/a.py"], Change.EQUAL),
        (["tests/a.py"], ["tests/a.py", "tests/b.py"], Change.STRICTER),
        (["tests/a.py"], ["tests/a.py::test_x"], Change.WEAKER),
        (["tests/a.py"], ["tests/a.py", "-k", "x"], Change.WEAKER),
        (["tests/a.py", "-m", "slow"], ["tests/a.py", "-m", "fast"], Change.WEAKER),
        (["tests/a.py"], ["./tests/a.py"], Change.OTHER),
        (["tests/a"], ["tests/ab"], Change.WEAKER),
    ],
)
def test_selectors_are_compared_by_what_they_choose(
    was: list[str], now: list[str], change: Change
) -> None:
    """A selector that chooses less is weaker, an option that may is too."""
    assert _selectors(was, now) is change


@pytest.mark.parametrize(
    ("was", "now", "change"),
    [
        ((), ("k",), Change.STRICTER),
        (("k",), (), Change.WEAKER),
        (("k",), ("k", "l"), Change.WEAKER),
        (("k", "l"), ("k",), Change.STRICTER),
        (("k",), ("l",), Change.WEAKER),
        (("k", "l"), ("l", "k"), Change.EQUAL),
    ],
)
def test_trusted_keys_have_directions(was: Any, now: Any, change: Change) -> None:
    """The first key asks for a signature, a further one lets somebody else sign."""
    assert compare.FIELDS["trusted_keys"](was, now)[0] is change
