"""Numbers at the ends of what floats are: judged rightly, drawn, and no run is lost by them."""

from __future__ import annotations

import itertools
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import blocks, registry
from harness.judgement.guards.aggregates import AGGREGATES
from harness.records import HubRecord
from harness.reporting import rendering, svg, text
from harness.reporting.svg import Chart, Curve
from harness.reporting.website import trends
from harness.verdict import Verdict
from tests.builders import hubs
from tests.builders.evidence import evidence, guard

GREEN, RED = Verdict.GREEN, Verdict.RED
ENDS = (0.0, -0.0, 5e-324, -5e-324, 1e-308, 1.0, 1e200, -1e200, 1.7e308, -1.7e308)


@pytest.mark.parametrize("name", ["mean", "std", "median"])
def test_aggregate_is_that_of_the_fractions(name: str) -> None:
    """Sums and squares beyond floats leave the result what it is."""
    for values in itertools.product(ENDS, repeat=3):
        exact = [Fraction(value) for value in values]
        mean = sum(exact) / 3
        squares = sum((value - mean) ** 2 for value in exact) / 2
        largest = max(map(abs, exact)) or Fraction(1)
        root = Fraction(math.sqrt(squares / largest**2)) * largest
        truth = {"mean": mean, "median": sorted(exact)[1], "std": root}[name]

        actual = AGGREGATES[name].compute(values)

        if abs(truth) <= Fraction(1.7e308):
            allowed = max(Fraction(1e-12) * largest, Fraction(5e-324))
            assert abs(Fraction(actual) - truth) <= allowed, values
        else:
            assert actual == math.inf, values


INFINITE = {
    "rows against rows": (
        {"a": [1, 2, 3], "b": [math.inf, 5, 9]},
        {"kind": "equal", "left": "x:a[*]", "right": "x:b[*]", "relative": 1e-5},
    ),
    "one against one": (
        {"a": 1, "b": -math.inf},
        {"kind": "equal", "left": "x:a", "right": "x:b", "relative": 1e-5},
    ),
    "a ratio to infinity": (
        {"a": 5, "b": math.inf},
        {"kind": "ratio", "numerator": "x:a", "denominator": "x:b", "max": 0.9},
    ),
    "a log against a record": (
        {"a": math.inf},
        {"kind": "log", "stage": "train", "value": "loss=(.+)", "equals": "x:a"},
    ),
    "a statistic of what overflowed": (
        {"a": 3.0, "b": [[math.inf, 1.0], [2.0, 3.0]]},
        {"kind": "statistic", "reported": "x:a", "array": "x:b", "relative": 0.5},
    ),
}


@pytest.mark.parametrize("name", INFINITE)
def test_infinity_is_near_nothing(tmp_path: Path, name: str) -> None:
    """A tolerance relative to infinity takes in no number, and nothing is small beside it."""
    content, options = INFINITE[name]
    inputs = evidence(tmp_path, {"x.json": content}, {"train": "loss=5\n"})

    (result, *_) = registry.judge((guard(**options),), inputs, None)

    assert result.verdict is RED


def test_no_guard_ends_a_run_by_its_numbers(tmp_path: Path) -> None:
    """Whatever two numbers are, each guard has an answer."""
    specs: list[Any] = [
        guard("bound", metric="x:r[*]", aggregate=name, min=-1e308, max=1e308)
        for name in AGGREGATES
    ]
    specs += [
        guard("ratio", numerator="x:a", denominator="x:b", max=1e308),
        guard("equal", left="x:a", right="x:b", relative=1e300),
        *(
            guard("statistic", reported="x:a", array="x:p", statistic=name)
            for name in blocks.STATISTICS
        ),
    ]
    for a, b in itertools.product(ENDS, repeat=2):
        inputs = evidence(
            tmp_path, {"x.json": {"a": a, "b": b, "r": [a, b, a], "p": [[a, b], [b, 1]]}}
        )
        assert len(registry.judge(tuple(specs), inputs, None)) >= len(specs)


@pytest.mark.parametrize("value", ENDS)
def test_every_number_is_drawn(value: float) -> None:
    """Bands, curves, lines of bars and trends have a place for it, and no pixel is NaN."""
    for other in ENDS:
        points = ((0.0, value), (1.0, other), (2.0, 1.0))
        pieces = [
            svg.interval(value, other, None, RED),
            svg.interval(value, min(value, other), max(value, other), GREEN),
            svg.chart(Chart("a", "b", (Curve("c", points),))),
            svg.chart(Chart("a", "b", (Curve("c", ((value, 1.0), (other, 2.0))),))),
            text.sparkline([value, other, 1.0]),
            str(trends._choose_scale([value, other], [(other, None)]).ticks()),
        ]
        assert not [piece for piece in pieces if re.search(r"\bnan\b", piece)]


@pytest.mark.parametrize("value", ["5e-324", "1.7e308", "-1.7e308", "0.0"])
def test_run_of_such_a_number_is_sealed(tmp_path: Path, value: str) -> None:
    """Its page draws it, and its hub is there."""
    project = hubs.project(tmp_path)

    outcome = hubs.run(project, parameters={"value": value}, renderers=rendering.FILES)

    assert outcome.record.verdict is (GREEN if value == "1.7e308" else RED)
    assert "<svg" in (outcome.hub / "report.html").read_text()


def test_page_that_cannot_be_written_loses_no_run(tmp_path: Path) -> None:
    """What people look at is no evidence: a bug in it is said in its place."""

    def render(_hub: Path, _record: HubRecord, _previous: HubRecord | None) -> str:
        raise ZeroDivisionError("a bug")

    outcome = hubs.run(hubs.project(tmp_path), renderers={"summary.md": render})

    assert outcome.record.verdict is GREEN
    assert "ZeroDivisionError" in (outcome.hub / "summary.md").read_text()
