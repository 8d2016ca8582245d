"""The rules that hold for every artifact, format by format, on both sides of their edges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard, png

NON_FINITE, ZERO, CONSTANT, TWICE = "non-finite", "all-zero", "constant", "duplicate-record"
FINE = "nothing wrong"


def find_rule(folder: Path, name: str, content: Any, **options: Any) -> str:
    """Return the rule that an artifact breaks."""
    run = evidence(folder, {name: content})
    spec = guard("default", artifact=name.partition(".")[0], **options)
    judged = registry.judge([spec], run, None)[0]
    assert judged.verdict is (Verdict.GREEN if judged.found == FINE else Verdict.RED)
    return judged.found


TABLES = [
    ("value\n1\n2\n", FINE),
    ("value\nnan\n2\n", NON_FINITE),
    ("value\ninf\n2\n", NON_FINITE),
    ("value\n1\n-inf\n", NON_FINITE),
    ("value,other\n0,0\n0,0\n", ZERO),
    ("value\n0\n", ZERO),
    ("value,other\n0,1\n0,2\n", FINE),  # one column of zeros is no zero table
    ("value,other\n0,1\n0,0\n", FINE),
    ("name,value\na,0\nb,0\n", ZERO),
    ("name\na\nb\n", FINE),  # no number, no zero
    ("value\n5\n5\n", TWICE),  # fewer rows than say that nothing varies
    ("value\n5\n6\n", FINE),
    ("value\n5\n5\n5\n", CONSTANT),
    ("value,other\n5,1\n5,3\n5,2\n", FINE),
    ("value\n5\n6\n5\n", TWICE),
    ("name,value\na,5\na,5\na,5\n", CONSTANT),
    ("epoch,step,loss\n1,1,0.5\n1,2,0.4\n", FINE),
    ("epoch,step,loss\n1,1,0.5\n1,1,0.4\n", TWICE),
    ("epoch,loss\n1,0.5\n1,0.4\n", FINE),  # one usual name alone says no place
]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
@pytest.mark.parametrize(("text", "rule"), TABLES)
def test_tables(tmp_path: Path, ending: str, text: str, rule: str) -> None:
    """Numbers, zeros, rows that do not vary, and rows of one place."""
    if ending == "tsv":
        text = text.replace(",", "\t")
    assert find_rule(tmp_path, f"x.{ending}", text) == rule


VALUES: list[tuple[Any, str]] = [
    ({"a": 1.0}, FINE),
    ({"a": float("nan")}, NON_FINITE),
    ({"a": float("inf")}, NON_FINITE),
    ({"a": {"b": [1.0, float("-inf")]}}, NON_FINITE),
    *(({"a": word}, NON_FINITE) for word in ("NaN", "nan", "inf", "-inf", "-Infinity")),
    ({"a": "nanometre"}, FINE),
    ({"mean": 0.0, "std": 0.0}, ZERO),
    ({"mean": 0.0, "std": 1.0}, FINE),
    ({"mean": 1.0, "std": 0.0}, CONSTANT),
    ({"mean": 0.0}, FINE),
    ({"std": 0.0}, FINE),
    ({"mean": 1.0, "std": 0.0, "n": 1}, FINE),  # one value has no spread
    ({"mean": 1.0, "std": 0.0, "n": 2}, CONSTANT),
    ({"mean": 1.0, "std": 0.0, "var": 1.0}, FINE),
    ({"deep": [{"global_mean": 1, "globalVariance": 0}]}, CONSTANT),
    ({"mean": True, "std": False}, FINE),  # switches are no numbers
    ([{"phase": "a", "epoch": 1, "x": 1}, {"phase": "a", "epoch": 1, "x": 2}], TWICE),
    ([{"phase": "a", "epoch": 1, "x": 1}, {"phase": "b", "epoch": 1, "x": 2}], FINE),
    ([{"phase": "a", "epoch": 1, "x": 1}], FINE),
    ([{"Phase": "a", "EPOCH": 1, "x": 1}, {"Phase": "a", "EPOCH": 1, "x": 2}], TWICE),
    ([{"phase": "a", "x": 1}, {"phase": "a", "x": 2}], FINE),
]


@pytest.mark.parametrize(("value", "rule"), VALUES)
def test_values(tmp_path: Path, value: Any, rule: str) -> None:
    """Numbers anywhere, means with their spreads, records with their places."""
    assert find_rule(tmp_path, "x.json", json.dumps(value)) == rule


IDENTITIES = [
    (["name"], TWICE),
    (["name", "x"], FINE),
    (["name", "absent"], FINE),  # what lacks a key is not held by it
    (["x"], FINE),
]


@pytest.mark.parametrize(("identity", "rule"), IDENTITIES)
def test_a_declared_identity_takes_the_place_of_the_usual_names(
    tmp_path: Path, identity: list[str], rule: str
) -> None:
    """All of its keys together say which record it is."""
    records = [{"name": "a", "x": 1}, {"name": "a", "x": 2}, {"x": 3}]
    content = json.dumps(records)
    assert find_rule(tmp_path, "x.json", content, identity=identity) == rule


ALLOWED = [
    ([NON_FINITE], FINE),
    ([ZERO], NON_FINITE),
    ([ZERO, CONSTANT, TWICE], NON_FINITE),
]


@pytest.mark.parametrize(("allow", "rule"), ALLOWED)
def test_only_what_is_allowed_is_let_pass(tmp_path: Path, allow: list[str], rule: str) -> None:
    """A declared exception is one rule, not all of them."""
    assert find_rule(tmp_path, "x.json", {"a": float("nan")}, allow=allow) == rule


PICTURES = [
    (lambda row, column: row + column, FINE),
    (lambda row, column: int(row == column == 0), FINE),
    (lambda _row, _column: 0, ZERO),
    (lambda _row, _column: 255, CONSTANT),
    (lambda _row, _column: 1, CONSTANT),
]


@pytest.mark.parametrize(("level", "rule"), PICTURES)
def test_pictures(tmp_path: Path, level: Any, rule: str) -> None:
    """One level is no picture, and a black one is a zero."""
    assert find_rule(tmp_path, "x.png", png(8, 8, level)) == rule


def test_what_is_no_picture_breaks_a_rule(tmp_path: Path) -> None:
    """Text under the name of a picture is no picture."""
    assert find_rule(tmp_path, "x.png", b"not a picture") == CONSTANT
