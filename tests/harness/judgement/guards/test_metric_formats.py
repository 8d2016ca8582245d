"""Each format of metrics: a number from it, and a damaged file that gives none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.judgement.guards import metrics, registry
from harness.judgement.guards.metrics import MetricError
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard

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


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        *(
            ("x.json", {"out": {"mean": 0.7, name: 0.0}}, "constant")
            for name in (
                "stddev",
                "sigma",
                "test_variance",
                "var",
                "outStd",
                "var_zero_mean",
                "SD",
            )
        ),
        ("x.json", {"avg": 0, "variance": 0}, "all-zero"),
        ("x.jsonl", '{"a": 1.5}\n\n{"a": NaN}\n', "non-finite"),
        ("x.ndjson", '{"a": 1.5}\n{"a": 1.5}\n', "duplicate-record"),
        ("x.tsv", "epoch\tloss\n0\t1.5\n1\tinf\n", "non-finite"),
        ("x.tsv", "epoch\tloss\n0\t0\n", "all-zero"),
        (
            "x.json",
            [{"epoch": 0, "fold": 1, "loss": x} for x in (0.5, 0.75)],
            "duplicate-record",
        ),
        ("x.csv", "epoch,step,loss\n0,9,0.5\n0,9,0.75\n", "duplicate-record"),
    ],
)
def test_defaults_judge_each_format(tmp_path: Path, name: str, content: Any, rule: str) -> None:
    """A hollow file is red whatever its format and whatever its spread is called."""
    (result,) = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert (result.verdict, result.found) == (Verdict.RED, rule)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", {"mean": 0.7, "standard": 0.0, "variant": 0.0, "has_std": False}),
        ("x.jsonl", '{"loss": 3.5}\n{"loss": 2.5}\n'),
        ("x.tsv", "epoch\tloss\n0\t3\n1\t2\n"),
        ("x.csv", SPARSE),  # a row for training and one for validation, of the same step
        ("x.json", [{"epoch": 0, "fold": f, "loss": 0.5 + f} for f in range(3)]),
        ("x.json", [{"epoch": 0, "loss": 0.5}, {"epoch": 0, "loss": 0.25}]),
        ("x.json", {"offsets": [{"dx": 1.5, "dy": 2.5}, {"dx": 1.5, "dy": 2.5}]}),
    ],
)
def test_defaults_pass_honest_files(tmp_path: Path, name: str, content: Any) -> None:
    """Words that only look like a spread, and tables that vary, raise no alarm."""
    results = registry.judge([], evidence(tmp_path, {name: content}), None)

    assert [result for result in results if result.verdict is not Verdict.GREEN] == []


def test_the_identity_of_a_record_is_declared(tmp_path: Path) -> None:
    """What a project calls its records is its own word; the usual ones then mean nothing."""
    rows = [
        {"patient": p, "slice": s, "dose": 0.5 + p + s} for p, s in ((1, 1), (1, 2), (1, 1))
    ]
    rows[2]["dose"] = 9.5
    run = evidence(tmp_path, {"x.json": rows})

    def judge(*identity: str) -> Verdict:
        spec = guard("default", artifact="x", identity=list(identity))
        return registry.judge([spec], run, None)[0].verdict

    assert judge("patient", "slice") is Verdict.RED
    assert judge("patient", "slice", "dose") is Verdict.GREEN
