"""Numbers by a pattern from a log, and quoted text in paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError, EvidenceMissingError
from harness.judgement.guards import metrics, registry
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

LOG = "epoch 0: loss = 3.5\nepoch 1: loss = 2.25e-1 (best)\nother 7\n"


def test_a_number_of_a_log(tmp_path: Path) -> None:
    """Each line that matches gives one; guards of every kind may use it."""
    run = evidence(tmp_path, logs={"train": LOG})
    loss = r"@log:train:loss = (\S+)"

    assert metrics.select(run, loss, "last") == 0.225
    assert metrics.select(run, loss, "max") == 3.5
    bound = guard("bound", metric=loss, aggregate="last", max=0.2)
    (result,) = registry.judge([bound], run, None)
    assert (result.verdict, result.found) == (Verdict.RED, "0.225")


@pytest.mark.parametrize(
    ("log", "expected"),
    [("loss = nan\n", float("nan")), ("loss = -inf\n", float("-inf"))],
)
def test_a_log_that_says_nan_is_red(tmp_path: Path, log: str, expected: float) -> None:
    """What a program printed as no number is no missing one."""
    run = evidence(tmp_path, logs={"train": log})

    assert str(metrics.select(run, r"@log:train:loss = (\S+)")) == str(expected)


@pytest.mark.parametrize(
    "log",
    [
        "nothing\n",
        "loss = high\n",
        "loss = 1\n[harness: log cut here: about 9,999 bytes left out]\nloss = 2\n",
        "x" * 2000 + " loss = 1\n",
    ],
)
def test_a_log_without_the_number_is_inconclusive(tmp_path: Path, log: str) -> None:
    """Absent, a word, cut, or past what is searched."""
    with pytest.raises(EvidenceMissingError):
        metrics.select(evidence(tmp_path, logs={"a": log}), r"@log:a:loss = (\S+)", "last")


@pytest.mark.parametrize(
    "expression", ["@log:a:loss", "@log:a:(a)(b)", "@log:a:(a+)+b", "@log::(a)", "@log:a"]
)
def test_a_pattern_that_is_none_is_refused(expression: str) -> None:
    """Without one group, dangerous, or without a stage: exit code 2 before anything runs."""
    with pytest.raises(ConfigError):
        metrics.parse(expression)


def test_quotes_hold_what_ends_a_step(tmp_path: Path) -> None:
    """A dot, a bracket, a comma and an equals sign in keys and values."""
    run = evidence(tmp_path, {"x.json": {"a.b": [{"k": "p,q=[1]", "v": 5}]}})

    assert metrics.select(run, 'x:["a.b"][k="p,q=[1]"].v') == 5
    with pytest.raises(ConfigError):
        metrics.parse('x:["a.b]')
