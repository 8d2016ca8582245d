"""Sides of guards that nothing can turn red are on a list; the others are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.config.project import GuardSpec, StageSpec, SuiteSpec
from harness.errors import ConfigError
from harness.judgement.declaration import load_project
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import audit, registry
from tests.builders.evidence import guard
from tests.harness.judgement.golden.test_store import golden

RUNTIME: dict[str, Any] = {"stage": "train", "measure": "runtime"}
MEMORY: dict[str, Any] = {"stage": "train", "measure": "memory"}
TILES: dict[str, Any] = {"artifact": "x", "tile": 8}
DRAWN: dict[str, Any] = {"artifact": "x", "array": "y:a"}
ECHOED: dict[str, Any] = {"stage": "train", "artifact": "x"}
EVERY_RULE = ["non-finite", "all-zero", "constant", "duplicate-record"]
NUMBERS: dict[str, Any] = {"numbers": ["x:a"], "parameter": "perturb"}


def suite(*guards: GuardSpec) -> SuiteSpec:
    """A suite whose one stage is ended after a minute."""
    return SuiteSpec(
        name="tiny",
        description="",
        inputs=(),
        parameters={},
        datasets=(),
        stages=(StageSpec(id="train", kind="command", argv=("true",), timeout_s=60.0),),
        guards=guards,
        environment=(),
    )


def sides(spec: GuardSpec, *values: Any) -> list[str]:
    """Return which sides of one guard are listed."""
    return [row.side for row in audit.audit_suite(suite(spec), GoldenSet(values=values))]


@pytest.mark.parametrize(
    ("kind", "idle", "live", "side"),
    [
        ("bound", {"metric": "x:a", "absolute": True, "min": 0.0}, {"min": 1e-9}, "min"),
        ("bound", {"metric": "x:a", "aggregate": "std", "min": -1.0}, {"min": 0.1}, "min"),
        ("count", {"records": "x:[*]", "min": 0}, {"min": 1}, "min"),
        ("resource", {**RUNTIME, "min": 0.0}, {"min": 0.1}, "min"),
        ("resource", {**RUNTIME, "max": 61.0}, {"max": 60.0}, "max"),
        ("resource", {**MEMORY, "below": 0.0}, {"below": 0.5}, "below"),
        ("image", {"artifact": "x", "min_levels": 1}, {"min_levels": 2}, "min_levels"),
        ("image", {"artifact": "x", "max_flat": 1.0}, {"max_flat": 0.99}, "max_flat"),
        ("image", {**TILES, "min_spread": 0.0}, {"min_spread": 1.0}, "min_spread"),
        ("log", {"stage": "train", "must": [".*"]}, {"must": ["done"]}, "must"),
        ("fingerprint", {**NUMBERS, "expect": "changed"}, {"expect": "rounding"}, "expect"),
        ("rendering", {**DRAWN, "min": 0.0}, {"min": 0.1}, "min"),
        ("echo", {**ECHOED, "fields": {}}, {"fields": {"--a": "a"}}, "fields"),
        ("default", {"artifact": "x", "allow": EVERY_RULE}, {"allow": EVERY_RULE[1:]}, "allow"),
    ],
)  # fmt: skip
def test_idle_side_is_listed_and_the_next_value_is_not(
    kind: str, idle: dict[str, Any], live: dict[str, Any], side: str
) -> None:
    """Of each kind: the side that nothing passes, and the same side one step nearer."""
    assert sides(guard(kind, **idle)) == [side]
    assert sides(guard(kind, **{**idle, **live})) == []


def test_every_kind_is_audited() -> None:
    """A kind that is new has to say which of its sides can be idle."""
    assert set(audit._AUDITS) == set(registry.built_in())


def test_range_of_a_path_holds_for_its_bounds() -> None:
    """Declared once, at the golden; a bound at its very end is the guard of that end."""
    declared = guard("golden", metric="x:a", aggregate="mean", range=[0.0, 2.0])
    for options, listed in (
        ({"min": -0.1, "max": 2.1}, ["min", "max"]),
        ({"min": 0.0, "max": 2.0}, []),
        ({"min": -0.1, "max": 2.1, "absolute": True}, ["min"]),  # another number
    ):
        bound = guard("bound", metric="x:a", aggregate="max", **options)

        rows = audit.audit_suite(suite(declared, bound), GoldenSet())

        assert [row.side for row in rows] == listed


def test_golden_beyond_its_range_is_listed() -> None:
    """Bounds about 10⁻³ from 5·10⁻⁴ to 2·10⁻³, held against what the number can be."""
    value = golden()
    for ends, listed in (
        ([0.0, 1.0], []),
        ([0.0, 0.002], ["high"]),
        ([6e-4, 1.0], ["low"]),
        ([6e-4, 0.002], ["low", "high"]),
    ):
        spec = guard("golden", metric="x:a", scale="log10", range=ends)

        assert sides(spec, value) == listed
    assert sides(guard("golden", metric="x:b", range=[6e-4, 0.002]), value) == []


def test_wide_golden_is_listed_without_a_reason() -> None:
    """A spread of a decade makes a band of six decades."""
    wide = golden(sd=1.0)

    assert sides(guard("golden", metric="x:a"), wide) == ["width"]
    assert sides(guard("golden", metric="x:a", wide_because="seeds scatter"), wide) == []
    assert sides(guard("golden", metric="x:a", wide_because=" "), wide) == ["width"]


@pytest.mark.parametrize("ends", [[], [1.0], [1.0, 1.0], [2.0, 1.0], [0.0, 1.0, 2.0]])
def test_range_has_two_ends_in_order(ends: list[float]) -> None:
    """Anything else is a mistake in the declaration, said before anything runs."""
    with pytest.raises(ConfigError):
        registry.check([guard("golden", metric="x:a", range=ends)])


@pytest.mark.parametrize(
    ("metric", "options", "listed"),
    [
        ("m:complex_error", {"max": 0.9}, ["min"]),
        ("m:data.network.ratio.constant", {"max": 0.9}, ["min"]),
        ("m:complex_error", {"max": 0.9, "min": 1e-6}, []),
        ("m:complex_error", {"max": 0.9, "min": 0.0}, []),  # meant, and written
        ("m:phase.pearson", {"min": 0.3}, ["max"]),
        ("m:phase.pearson", {"min": 0.3, "max": 1.0}, []),
        ("m:n_nonfinite", {"max": 0}, []),  # a count of faults is best at none
        ("m:terror.count", {"max": 9}, []),
    ],
)
def test_perfect_result_is_passed_by_no_open_side(
    metric: str, options: dict[str, float], listed: list[str]
) -> None:
    """An error of exactly 0 is a comparison of something with itself, unless it is meant."""
    assert sides(guard("bound", metric=metric, **options)) == listed


def test_own_declaration_has_no_idle_side() -> None:
    """Of this repository's guards, goldens aside: those are audited with their files."""
    suites = load_project(Path(__file__).parents[4]).suites.values()

    assert [row for one in suites for row in audit.audit_suite(one, GoldenSet())] == []
