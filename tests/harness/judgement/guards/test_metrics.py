"""From an artifact to one number."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.judgement.guards import metrics
from harness.judgement.guards.metrics import MetricError
from tests.builders.evidence import evidence

RECORDS = [
    {
        "phase": "train",
        "batch_idx": 0,
        "var": 4.0,
        "patches": [{"raw": {"max": 7}}, {"raw": {"max": 9}}],
    },
    {"phase": "train", "batch_idx": 1, "var": 1.0, "patches": [{"raw": {"max": 8}}]},
    {"phase": "inference", "batch_idx": 0, "var": -2.5, "patches": []},
]
HISTORY = "epoch,train_loss,val_loss\n0,9.5,\n1,3.5,4\n2,2.0,nan\n"


@pytest.mark.parametrize(
    ("expression", "aggregate", "expected"),
    [
        ("stats:[0].var", None, 4.0),
        ("stats:[-1].var", None, -2.5),
        ("stats:[phase=train].var", "min", 1.0),
        ("stats:[phase=train].var", "max", 4.0),
        ("stats:[phase=train,batch_idx=1].var", None, 1.0),
        ("stats:[*].var", "mean", 2.5 / 3),
        ("stats:[*].var", "median", 1.0),
        ("stats:[phase=train].var", "median", 2.5),
        ("stats:[*].var", "count", 3.0),
        ("stats:[*].var", "first", 4.0),
        ("stats:[*].var", "last", -2.5),
        ("stats:[phase=train].var", "std", math.sqrt(4.5)),
        ("stats:[phase=train].patches[*].raw.max", "max", 9.0),
        ("stats:[batch_idx=0].patches[0].raw.max", None, 7.0),
        ("history:[-1].train_loss", None, 2.0),
        ("history:train_loss", "max", 9.5),
        ("history:[epoch=1].val_loss", None, 4.0),
    ],
)
def test_path_finds_the_number(
    tmp_path: Path, expression: str, aggregate: str | None, expected: float
) -> None:
    """Keys, indices, wildcards, selectors and CSV columns reach the value they name."""
    artifacts = evidence(tmp_path, {"stats.json": RECORDS, "history.csv": HISTORY})

    assert metrics.select(artifacts, expression, aggregate) == pytest.approx(
        expected, rel=1e-15
    )


@pytest.mark.parametrize(
    ("expression", "found", "expected"),
    [
        ("stats:[0].vra", "vra", "phase, batch_idx, var, patches"),
        ("stats:[phase=val].var", "phase=val", "a list of 3 items"),
        ("stats:[7].var", "7", "a list of 3 items"),
        ("stats:[0].phase", "'train'", "a number"),
        ("stats:[*].var", "3 values", "aggregate"),
        ("stats:[2].patches[*].raw", "*", "a list of 0 items"),
        ("absent:x", "no such artifact", "history, stats"),
        ("history:[0].val_loss", "None", "a number"),
        ("history:loss", "loss", "epoch, train_loss, val_loss"),
    ],
)
def test_miss_says_what_is_there(
    tmp_path: Path, expression: str, found: str, expected: str
) -> None:
    """A path that gives no number names the missing part and what could be named instead."""
    run = evidence(tmp_path, {"stats.json": RECORDS, "history.csv": HISTORY})

    with pytest.raises(MetricError) as caught:
        metrics.select(run, expression)

    assert found in caught.value.found
    assert expected in caught.value.expected


@pytest.mark.parametrize("aggregate", ["min", "max", "mean", "median", "first", "last", "std"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_no_aggregate_hides_a_nan(tmp_path: Path, aggregate: str, bad: float) -> None:
    """One value that is not finite makes every aggregate not finite."""
    run = evidence(tmp_path, {"x.json": [1.0, bad, 2.0]})

    assert not math.isfinite(metrics.select(run, "x:[*]", aggregate))


def test_nan_in_csv_is_seen(tmp_path: Path) -> None:
    """A NaN cell is a number that is not finite, not a text."""
    run = evidence(tmp_path, {"history.csv": HISTORY})

    assert math.isnan(metrics.select(run, "history:[2].val_loss"))


@pytest.mark.parametrize(
    "text", ["", "stats", "stats:", ":x", "stats:[0", "stats:a..b", "stats:[]"]
)
def test_unreadable_path_is_a_config_error(text: str) -> None:
    """A path that is no path is refused when the declaration is checked."""
    with pytest.raises(ConfigError):
        metrics.parse(text)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n1,2,3\n", b"{", b"null", b"[]"])
def test_damaged_artifact_gives_no_number(tmp_path: Path, content: bytes) -> None:
    """Bytes that are not what the name says give an error with an exit code, never a value."""
    run = evidence(tmp_path, {"table.csv": content, "tree.json": content})

    for expression in ("table:a", "tree:[*].a"):
        with pytest.raises(MetricError.__mro__[1]):
            metrics.select(run, expression, "min")


def test_booleans_are_no_numbers(tmp_path: Path) -> None:
    """True is not 1."""
    with pytest.raises(MetricError):
        metrics.select(evidence(tmp_path, {"x.json": {"a": True}}), "x:a")


def test_stage_facts_are_metrics(tmp_path: Path) -> None:
    """Duration and memory of a stage can be named as metrics."""
    run = evidence(tmp_path, logs={"train": ""})

    assert metrics.select(run, "@stages:train.duration_s") == 2.0


def test_absolute_is_taken_before_the_aggregate(tmp_path: Path) -> None:
    """The smallest absolute value is that of the values, not of the minimum."""
    run = evidence(tmp_path, {"x.json": [-5.0, 2.0]})

    assert metrics.select(run, "x:[*]", "min", absolute=True) == 2.0
