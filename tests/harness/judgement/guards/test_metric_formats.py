"""Each format of metrics: a number from it, and a damaged file that gives none."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judgement.guards import metrics
from harness.judgement.guards.metrics import MetricError
from tests.builders.evidence import evidence

# As lightning.pytorch.loggers.CSVLogger writes it: a row holds what one step logged.
SPARSE = "epoch,step,train_loss,val_loss\n0,9,3.5,\n0,9,,4.5\n1,19,2.5,\n1,19,,3.25\n"
LINES = b'{"step": 1, "loss": 3.5}\n\n{"step": 2, "loss": 2.5}\n'


@pytest.mark.parametrize(
    ("name", "content", "expression", "aggregate", "expected"),
    [
        ("log.jsonl", LINES, "log:loss", "last", 2.5),
        ("log.ndjson", LINES, "log:[step=1].loss", None, 3.5),
        ("log.JSONL", b"\xef\xbb\xbf" + LINES, "log:[-1].loss", None, 2.5),
        ("log.tsv", b"a\tb c\n1\t2\n3\t4.5\n", "log:b c", "max", 4.5),
        ("metrics.csv", SPARSE.encode(), "metrics:val_loss", "last", 3.25),
        ("metrics.csv", SPARSE.encode(), "metrics:train_loss", "min", 2.5),
        ("metrics.csv", SPARSE.encode(), "metrics:val_loss", "count", 2.0),
    ],
)
def test_a_format_gives_its_number(
    tmp_path: Path, name: str, content: bytes, expression: str, aggregate: str, expected: float
) -> None:
    """The ending says the format."""
    run = evidence(tmp_path, {name: content})

    assert metrics.select(run, expression, aggregate) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("log.jsonl", b'{"loss": 3.5}\n{"loss": 2.'),
        ("log.jsonl", b'{"loss": 3.5, "loss": 2.5}\n'),
        ("log.jsonl", b""),
        ("log.jsonl", b"\xff\xfe"),
        ("log.jsonl", b'{"loss": ' + b"[" * 100_000),
        ("log.jsonl", b'{"loss": "NaN"}\n'),
        ("log.jsonl", b'{"loss": null}\n'),
        ("log.tsv", b"loss\tstep\n1\n"),
        ("log.tsv", b""),
        ("log.csv", b"epoch,step,loss\n0,1,\n"),
        ("log.csv", b"epoch,loss\n0,\n"),
    ],
)
def test_a_damaged_file_gives_no_number(tmp_path: Path, name: str, content: bytes) -> None:
    """Cut, doubled, empty, foreign, nested beyond reason, and words in the place of numbers."""
    with pytest.raises(MetricError):
        metrics.select(evidence(tmp_path, {name: content}), "log:loss", "last")
