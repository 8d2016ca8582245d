"""Small parts that others rest on: which stages a guard reads, intervals, remedies, goldens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.evidence.hub import plan
from harness.evidence.hub.store import read_record
from harness.evidence.ledger import search
from harness.evidence.ledger.log import Ledger
from harness.judgement.guards import base, reads, registry
from harness.judgement.verify import coverage
from harness.records import AttemptRecord
from harness.verdict import Verdict
from tests.builders.evidence import evidence, guard
from tests.builders.goldens import golden_set
from tests.builders.sealed import Store

MAKERS = {"out": "make", "history": "train"}
STAGES = ("make", "train", "test")


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ({"metric": "out:value"}, {"make"}),
        ({"numerator": "out:a", "denominator": "history:[0].b"}, {"make", "train"}),
        ({"artifact": "history"}, {"train"}),
        ({"stage": "test", "must": ["x"]}, {"test"}),
        ({"stage": "none"}, set()),
        ({"metric": "@stages:train.duration_s"}, {"train"}),
        ({"metric": "@log:test:x=([0-9]+)"}, {"test"}),
        ({"metric": "elsewhere:value"}, set()),
        ({"min": 3.0}, set()),
    ],
)
def test_guard_reads_the_stages_that_it_names(
    options: dict[str, object], stages: set[str]
) -> None:
    """By its artifacts, its logs, its runs and its stage; by nothing else."""
    assert reads.stages_read(guard("x", **options), MAKERS, STAGES) == stages


@pytest.mark.parametrize(
    ("kind", "stages"), [("equal", {"train"}), ("disjoint", {"train", "make"})]
)
def test_reference_is_read_and_not_judged(kind: str, stages: set[str]) -> None:
    """What another stage works out anew is no subject; of two parts both are."""
    spec = guard(kind, left="history:a", right="out:b", right_aggregate="count")

    assert reads.subject_stages(spec, MAKERS, STAGES) == stages
    assert reads.stages_read(spec, MAKERS, STAGES) == {"train", "make"}


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [(1.0, 2.0, "1 … 2"), (1.0, None, "≥ 1"), (None, 2.0, "≤ 2"), (0.0, 0.0, "0 … 0")],
)
def test_interval_is_written_with_its_sides(
    low: float | None, high: float | None, text: str
) -> None:
    """Both sides, or the one there is."""
    assert base.interval(low, high) == text


@pytest.mark.parametrize(
    ("value", "verdict", "remedy"),
    [(0.5, Verdict.RED, "It is 0.5."), (2.0, Verdict.GREEN, "It is {x:a}.")],
)
def test_remedy_is_filled_where_somebody_reads_it(
    tmp_path: Path, value: float, verdict: Verdict, remedy: str
) -> None:
    """A red guard says what it met; that of a green one stays as declared."""
    spec = replace(guard("bound", metric="x:a", min=1.0), remedy="It is {x:a}.")

    judged, *_ = registry.judge([spec], evidence(tmp_path, {"x.json": {"a": value}}), None)

    assert (judged.verdict, judged.remedy) == (verdict, remedy)


def test_new_goldens_replace_those_of_their_identity(store: Store) -> None:
    """The others stay, and nothing stands twice."""
    record = read_record(store.hub)
    (other,) = golden_set(record, "a").values
    (old,) = golden_set(record, "b", mean=1.0).values
    (new,) = golden_set(record, "b", mean=3.0).values

    made = replace(golden_set(record, "a"), values=(other, old)).replace((new,))

    assert [(value.metric, value.mean) for value in made.values] == [("a", 2.0), ("b", 3.0)]


def test_word_is_looked_for_anywhere_or_at_the_beginning(tmp_path: Path) -> None:
    """In the whole line unless lines otherwise."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("note", "subject-x", {})

    assert search.mentions(ledger, b"subject-x")
    assert not search.mentions(ledger, b"subject-x", at_start=True)
    assert search.mentions(ledger, b'{"body"', at_start=True)
    assert not search.mentions(ledger, b"subject-y")


def test_what_passed_again_has_a_row(store: Store) -> None:
    """Coverage tells each flaky stage of a hub."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    tried = AttemptRecord(outcome="failed", exit_code=1, duration_s=0.5, log=None, reason="")
    stage = replace(record.stages[0], attempts=(tried,))
    flaky = replace(record, stages=(stage, *record.stages[1:]))

    lines = [row.found for row in coverage.check(frozen, flaky) if "flaky" in row.found]

    assert lines == ["flaky: stage measure: 1 retry"]
    assert not [row for row in coverage.check(frozen, record) if "flaky" in row.found]
