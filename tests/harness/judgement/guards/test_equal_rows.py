"""Rows of numbers held against each other, and the roots that say what was asked for."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.evidence.hub.evidence import Facts, HubEvidence
from harness.judgement.guards import metrics, paths, registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

RED, GREEN, OPEN = Verdict.RED, Verdict.GREEN, Verdict.INCONCLUSIVE
# Five places of a file, and three of them in another order, moved together.
FILE = [[1.0, 10.0], [4.0, 20.0], [9.0, 30.0], [16.0, 40.0], [25.0, 50.0]]
PLACES = [3, 0, 1]
MOVED = [[FILE[p][0] + 100.0, FILE[p][1] - 7.0] for p in PLACES]


def judge(tmp_path: Path, content: Any, **options: Any) -> GuardResult:
    """Judge two sides of one JSON artifact."""
    spec = guard("equal", **options)
    registry.check([spec])
    return registry.judge([spec], evidence(tmp_path, {"a.json": content}), None)[0]


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        ([1.0, 2.0], [1.0, 2.0], GREEN),
        ([1.0, 2.0], [1.0, 2.001], RED),
        ([2.0, 1.0], [1.0, 2.0], RED),
        ([1.0, 2.0], [1.0, 2.0, 3.0], RED),
        ([4.0, 4.0, 4.0], [4.0], GREEN),
        ([4.0, 4.0, 5.0], [4.0], RED),
        ([4.0], [4.0, 4.0], RED),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]], GREEN),
        ([{"x": 1, "y": 2}], [[1, 2]], GREEN),
        ([{"x": 1, "y": 2}], [[2, 1]], RED),
        ([1.0, math.nan], [1.0, math.nan], RED),
        ([], [1.0], OPEN),
        ([1.0, None], [1.0, 2.0], OPEN),
        ([1.0, True], [1.0, 1.0], OPEN),
    ],
)
def test_rows_are_compared_item_by_item(
    tmp_path: Path, left: Any, right: Any, verdict: Verdict
) -> None:
    """Each number has its partner; another order, count or a NaN is another row."""
    judged = judge(tmp_path, {"l": left, "r": right}, left="a:l", right="a:r")

    assert judged.verdict is verdict


def test_tolerance_is_a_share_of_the_largest(tmp_path: Path) -> None:
    """A number near zero is not held to a share of itself: rows are of one scale."""
    content = {"l": [1000.0, 0.5], "r": [1000.0, 0.0]}

    near = judge(tmp_path, content, left="a:l", right="a:r", relative=1e-3)
    far = judge(tmp_path, content, left="a:l", right="a:r", relative=1e-4)

    assert (near.verdict, far.verdict) == (GREEN, RED)
    assert "item 1 is 0.5, not 0" in far.reason


@pytest.mark.parametrize(
    ("left", "places", "verdict"),
    [
        ([FILE[p] for p in PLACES], PLACES, GREEN),
        ([FILE[p] for p in PLACES], [0, 1, 2], RED),
        ([FILE[p][::-1] for p in PLACES], PLACES, RED),
        ([FILE[p] for p in PLACES], [3, 0, 5], OPEN),
        ([FILE[p] for p in PLACES], [3, 0, 0.5], OPEN),
        ([FILE[p] for p in PLACES], [3, 0, -1], OPEN),
    ],
)
def test_rows_are_taken_at_places(
    tmp_path: Path, left: Any, places: Any, verdict: Verdict
) -> None:
    """What was used is found in the file by its number, whole rows at a time."""
    content = {"l": left, "r": FILE, "at": places}

    judged = judge(tmp_path, content, left="a:l", right="a:r", right_at="a:at")

    assert judged.verdict is verdict


@pytest.mark.parametrize(
    ("left", "verdict"),
    [
        (MOVED, GREEN),
        ([[y, x] for x, y in MOVED], RED),
        ([[-x, y] for x, y in MOVED], RED),
        ([[2 * x, 2 * y] for x, y in MOVED], RED),
    ],
)
def test_centred_rows_leave_a_shift_open(tmp_path: Path, left: Any, verdict: Verdict) -> None:
    """A common shift of each column is nothing; exchanged, mirrored or scaled axes are."""
    content = {"l": left, "r": FILE, "at": PLACES}
    options = {"left": "a:l", "right": "a:r", "right_at": "a:at"}

    judged = judge(tmp_path, content, **options, centred=3, absolute=1e-9)
    plain = judge(tmp_path, content, **options, absolute=1e-9)

    assert (judged.verdict, plain.verdict) == (verdict, RED)


def test_groups_are_centred_apart(tmp_path: Path) -> None:
    """Each group is about its own mean: two groups may be shifted otherwise."""
    content = {"l": [0.0, 1.0, 50.0, 52.0], "r": [7.0, 8.0, 9.0, 11.0]}

    pairs = judge(tmp_path, content, left="a:l", right="a:r", centred=2, absolute=1e-9)
    fours = judge(tmp_path, content, left="a:l", right="a:r", centred=4, absolute=1e-9)

    assert (pairs.verdict, fours.verdict) == (GREEN, RED)


def test_missing_rows_may_be_a_note(tmp_path: Path) -> None:
    """Data that do not say a number are noted; an artifact that is not there decides."""
    note = judge(tmp_path, {"l": 1}, left="a:l", right="a:r", missing="note")
    plain = judge(tmp_path, {"l": 1}, left="a:l", right="a:r")
    absent = judge(tmp_path, {"l": 1}, left="a:l", right="b:r", missing="note")

    assert [one.verdict for one in (note, plain, absent)] == [OPEN, OPEN, OPEN]
    assert [one.severity for one in (note, plain, absent)] == ["warn", "fail", "fail"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_one_number_is_not_centred(tmp_path: Path, side: str) -> None:
    """About its own mean every number is zero: such a comparison could never be red."""
    options: Any = {"left": "a:l", "right": "a:r", f"{side}_aggregate": "mean"}

    judged = judge(tmp_path, {"l": [1.0, 2.0], "r": [7.0, 9.0]}, **options, centred=2)

    assert judged.verdict is OPEN


@pytest.mark.parametrize(
    ("part", "compute"),
    [
        ("", np.abs),
        (".real", np.real),
        (".imaginary", np.imag),
        (".phase", np.angle),
    ],
)
def test_parts_of_complex_arrays(tmp_path: Path, part: str, compute: Any) -> None:
    """Parts of a complex array are what NumPy makes of it; another part is another row."""
    field = np.random.default_rng(3).normal(size=(5, 7, 2)) @ [1, 1j]
    buffer = io.BytesIO()
    np.savez(buffer, field=field, part=compute(field))
    files = {"a.npz": buffer.getvalue()}
    paths = [part, *{"", ".real", ".imaginary", ".phase"} - {part}]

    verdicts = [
        registry.judge(
            [guard("equal", left="a:part", right=f"a:field{path}", absolute=1e-12)],
            evidence(tmp_path, files),
            None,
        )[0].verdict
        for path in paths
    ]

    assert verdicts == [GREEN, RED, RED, RED]


def test_arrays_of_any_size_are_rows(tmp_path: Path) -> None:
    """An array that metrics only summarise is compared number by number all the same."""
    numbers = np.arange(150_000.0)
    buffer = io.BytesIO()
    np.savez(buffer, one=numbers, other=np.where(numbers == 149_999, 0, numbers))
    held = evidence(tmp_path, {"a.npz": buffer.getvalue()})

    same, other = (
        registry.judge([guard("equal", left="a:one", right=right)], held, None)[0]
        for right in ("a:one", "a:other")
    )

    assert (same.verdict, other.verdict) == (GREEN, RED)
    assert "item 149999" in other.reason


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["python", "-m", "package", "--n", "4"], {"--n": 4.0}),
        (["a/python3", "-S", "b.py", "-m", "package", "-m", "x"], {"-m": "x"}),
        (["tool", "-m", "x"], {"-m": "x"}),
        (["tool", "--n=4", "--name", "x"], {"--n": 4.0, "--name": "x"}),
        (["tool", "--shift", "-2.5", "--quiet"], {"--shift": -2.5, "--quiet": True}),
        (["tool", "--pair", "a", "b", "-v"], {"--pair": ["a", "b"], "-v": True}),
        (["tool", "--n", "4", "--n", "5"], {"--n": 5.0}),
        (["tool", "file", "--o", "-"], {"--o": "-"}),
        ([], {}),
    ],
)
def test_flags_are_read_from_a_command_line(words: list[str], flags: dict[str, Any]) -> None:
    """Numbers, texts, several values, switches, negative numbers and the last of two."""
    assert paths.read_flags(words) == flags


def test_what_was_asked_is_a_path(tmp_path: Path) -> None:
    """Parameters and flags stand where an artifact would, numbers as numbers."""
    held = evidence(tmp_path, logs={"fit": ""}, argv=("fit", "--steps", "12", "--fast"))
    facts = Facts(
        stages=tuple(held.stages.values()),
        artifacts=(),
        datasets=(),
        environment={},
        parameters={"steps": "12", "name": "x"},
    )
    run = HubEvidence(tmp_path, facts, project=tmp_path)

    assert metrics.find(run, "@parameters:steps") == [12.0]
    assert metrics.find(run, "@parameters:name") == ["x"]
    assert metrics.find(run, "@argv:fit.--steps") == [12.0]
    with pytest.raises(metrics.MetricError, match="--slow"):
        metrics.find(run, "@argv:fit.--slow")


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("a:l[0:2]", [0, 1]),
        ("a:l[3:]", [3, 4]),
        ("a:l[:1]", [0]),
        ("a:l[:]", [0, 1, 2, 3, 4]),
        ("a:l[2:99]", [2, 3, 4]),
    ],
)
def test_slices_of_a_list(tmp_path: Path, path: str, items: list[int]) -> None:
    """A slice selects the items that it does in Python."""
    held = evidence(tmp_path, {"a.json": {"l": list(range(5))}})

    assert metrics.find(held, path) == items


def test_an_empty_slice_is_nothing(tmp_path: Path) -> None:
    """A slice beyond the end gives no number, as an index there does."""
    held = evidence(tmp_path, {"a.json": {"l": [1, 2]}})

    with pytest.raises(metrics.MetricError):
        metrics.find(held, "a:l[2:4]")
