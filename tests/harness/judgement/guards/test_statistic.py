"""Reported numbers held against the arrays that they speak of."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.judgement.guards import registry
from harness.records import GuardResult
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

RED, GREEN, OPEN = Verdict.RED, Verdict.GREEN, Verdict.INCONCLUSIVE
RNG = np.random.default_rng(11)
ARRAY = RNG.normal(3, 1, size=(23, 17))
WEIGHT = RNG.uniform(0, 2, size=ARRAY.shape) * (RNG.uniform(size=ARRAY.shape) > 0.3)
WEIGHT[:6, :5] = 0


def judge(tmp_path: Path, reported: Any, name: str = "value", **options: Any) -> GuardResult:
    """Judge what is reported of the array, weighted."""
    buffer = io.BytesIO()
    np.savez(
        buffer, array=ARRAY, weight=WEIGHT, mask=WEIGHT > 0, row=ARRAY[0], turned=ARRAY.T.copy()
    )
    usual = {"reported": "r:value", "array": "a:array", "weights": "a:weight"}
    spec = guard("statistic", **{**usual, **options})
    registry.check([spec])
    held = evidence(tmp_path, {"r.json": {name: reported}, "a.npz": buffer.getvalue()})
    return registry.judge([spec], held, None)[0]


def average_blocks(values: Any, weights: Any, rows: int, columns: int) -> list[list[float]]:
    """Average over blocks by the definition, pixel by pixel."""
    sums = np.zeros((2, rows, columns))
    for (y, x), value in np.ndenumerate(values):
        i = max(k for k in range(rows) if k * values.shape[0] // rows <= y)
        j = max(k for k in range(columns) if k * values.shape[1] // columns <= x)
        sums[:, i, j] += (value * weights[y, x], weights[y, x])
    means = np.divide(sums[0], sums[1], out=np.zeros_like(sums[0]), where=sums[1] > 0)
    return [[float(value) for value in row] for row in means]


@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (23, 17), (5, 17)])
def test_blocks_are_averaged(tmp_path: Path, shape: tuple[int, int]) -> None:
    """The map of block means is green, and red when one of its numbers is another."""
    means = average_blocks(ARRAY, WEIGHT, *shape)

    assert judge(tmp_path, means).verdict is GREEN
    means[-1][-1] += 1e-3
    assert judge(tmp_path, means).verdict is RED


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values[::-1],
        lambda values: [row[::-1] for row in values],
        lambda values: [[-x for x in row] for row in values],
        lambda values: [[x * 1.001 for x in row] for row in values],
        lambda _: average_blocks(ARRAY, np.ones_like(WEIGHT), 4, 3),
        lambda _: average_blocks(ARRAY[::-1], WEIGHT[::-1], 4, 3),
    ],
)
def test_another_map_is_red(tmp_path: Path, change: Any) -> None:
    """Mirrored, negated, scaled and unweighted maps are of another array."""
    assert judge(tmp_path, change(average_blocks(ARRAY, WEIGHT, 4, 3))).verdict is RED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.average(ARRAY, weights=WEIGHT)),
        ("min", ARRAY[WEIGHT > 0].min()),
        ("max", ARRAY[WEIGHT > 0].max()),
        (
            "std",
            np.sqrt(
                np.average((ARRAY - np.average(ARRAY, weights=WEIGHT)) ** 2, weights=WEIGHT)
            ),
        ),
    ],
)
def test_statistics_are_numpys(tmp_path: Path, name: str, value: float) -> None:
    """Each statistic of weighted pixels is the one that NumPy computes."""
    assert judge(tmp_path, float(value), statistic=name).verdict is GREEN
    assert judge(tmp_path, float(value) * 1.0001, statistic=name).verdict is RED
    other = {"mean": "std"}.get(name, "mean")
    assert judge(tmp_path, float(value), statistic=other).verdict is RED


def test_without_weights_all_pixels_count(tmp_path: Path) -> None:
    """Without weights each pixel counts once."""
    buffer = io.BytesIO()
    np.savez(buffer, mask=WEIGHT > 0)
    share = {"value": float((WEIGHT > 0).mean())}
    held = evidence(tmp_path, {"r.json": share, "a.npz": buffer.getvalue()})

    judged = registry.judge(
        [guard("statistic", reported="r:value", array="a:mask")], held, None
    )[0]

    assert judged.verdict is GREEN


@pytest.mark.parametrize(
    ("reported", "options", "verdict"),
    [
        ([[0.0] * 18] * 4, {}, RED),  # finer than the array
        ([[0.0] * 3] * 4, {"weights": "a:turned"}, RED),
        ([1.0, 2.0], {}, OPEN),  # a row is no map
        ([[1.0, 2.0], [3.0]], {}, OPEN),  # nor are rows of other lengths
        ([[1.0]], {"array": "a:row"}, OPEN),
        (float("nan"), {}, RED),
        ("many", {}, OPEN),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, reported: Any, options: dict[str, Any], verdict: Verdict
) -> None:
    """Maps that cannot be of the array are red; what is no map cannot be compared."""
    assert judge(tmp_path, reported, **options).verdict is verdict


def test_missing_numbers_may_be_a_note(tmp_path: Path) -> None:
    """Without a reported number the comparison is noted, where that is declared."""
    note = judge(tmp_path, 1.0, "other", missing="note")

    assert (note.verdict, note.severity) == (OPEN, "warn")
