"""A record against its plan: each thing that was promised and is otherwise is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.config.project import QuarantineSpec
from harness.evidence.hub import plan
from harness.evidence.hub.plan import Plan
from harness.evidence.hub.store import read_record
from harness.judgement.verify import coverage
from harness.judgement.verify.report import Outcome
from harness.records import HubRecord, QuarantineRecord
from harness.verdict import Verdict
from tests.builders.sealed import Store

Change = Callable[[HubRecord], HubRecord]


def damages(frozen: Plan, record: HubRecord) -> list[str]:
    """Return what is damaged."""
    rows = coverage.check(frozen, record)
    return [f"{r.found} | {r.expected}" for r in rows if r.outcome is Outcome.DAMAGED]


def change_stage(**changes: Any) -> Change:
    return lambda record: replace(record, stages=(replace(record.stages[0], **changes),))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (change_stage(exit_code=1), "passed with exit code 1 | exit code 0"),
        (change_stage(exit_code=-9), "passed with exit code -9 | exit code 0"),
        (change_stage(exit_code=None), "passed with exit code None | exit code 0"),
        (change_stage(verdict=Verdict.RED), "passed but red"),
        (change_stage(outcome="failed"), "failed but green"),
        (change_stage(tests={"failed": 1}), "passed with failed tests"),
        (change_stage(tests={"errors": 1}), "passed with failed tests"),
        (change_stage(tests={"passed": 2, "unfinished": 1}), "tests that did not end"),
        (change_stage(id="other"), "stage measure: no record"),
        (
            lambda r: replace(r, stages=(*r.stages, replace(r.stages[0], id="more"))),
            "stage more",
        ),
        (lambda r: replace(r, guards=r.guards[1:]), "guard variance-floor: not judged"),
        (lambda r: replace(r, artifacts=r.artifacts[1:]), "artifact stats: not recorded"),
        (lambda r: replace(r, suite="zzz"), "suite zzz | tiny as planned"),
        (lambda r: replace(r, run_id="0"), "run id 0 | "),
        (lambda r: replace(r, stamp=replace(r.stamp, commit="0" * 40)), "commit 0000"),
        (lambda r: replace(r, inputs_sha256="f" * 64), "inputs ffff"),
        (lambda r: replace(r, inputs_meaning="bytes"), "meaning of inputs bytes"),
        (lambda r: replace(r, config_sha256="f" * 64), "declaration ffff"),
        (lambda r: replace(r, golden_sha256="f" * 64), "golden ffff"),
    ],
)
def test_what_is_not_as_planned_is_named(store: Store, change: Change, named: str) -> None:
    """And it is the only damage; the record as it was written has none."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    assert damages(frozen, record) == []

    lines = damages(frozen, change(record))

    assert any(named in line for line in lines), lines
    assert len(lines) == (2 if named == "stage measure: no record" else 1)


def test_what_is_whole_is_counted(store: Store) -> None:
    """A failed stage owes no artifact, and one of a dataset need not be planned."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    failed = replace(record.stages[0], outcome="failed", verdict=Verdict.RED, exit_code=3)
    dataset = replace(record.stages[0], id="dataset-train")

    assert damages(frozen, replace(record, stages=(failed, dataset), artifacts=())) == []
    (row,) = coverage.check(frozen, record)
    assert row.found == "1 stages and 2 guards as planned"


@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("maker", ["measure", "other", ""])
def test_a_promised_file_is_recorded_of_its_stage(
    store: Store, maker: str, *, optional: bool
) -> None:
    """An optional one may be missing; one of the name that another stage made is not it."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    (stage,) = frozen.suite.stages
    promised = tuple(replace(one, optional=optional) for one in stage.artifacts)
    suite = replace(frozen.suite, stages=(replace(stage, artifacts=promised),))
    first = (replace(record.artifacts[0], stage=maker),) if maker else ()
    record = replace(record, artifacts=(*first, *record.artifacts[1:]))

    lines = damages(replace(frozen, suite=suite), record)

    assert len(lines) == int(maker != "measure" and not optional)


def test_digests_of_the_plan_make_its_sum(store: Store) -> None:
    """A file that was taken out of the list shows in the sum of all."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)

    (line,) = damages(replace(frozen, inputs={}), record)

    assert line.startswith("digests of the inputs | those that make ")


def test_what_a_verdict_leaves_out_has_rows(store: Store) -> None:
    """Files that no input names, and what decided which tests ran."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    stage = replace(record.stages[0], undeclared=("a.py", "b.py"), selection=("-k fast", "-x"))

    rows = coverage.check(frozen, replace(record, stages=(stage,)))[1:]

    assert [row.found for row in rows] == [
        "measure: read, not declared: a.py, b.py",
        "selection of stage measure: -k fast",
        "selection of stage measure: -x",
    ]
    assert {row.outcome for row in rows} == {Outcome.NOTE}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({}, ""),
        ({"outcome": "failed"}, "quarantine of weights-there: failed | clean, as it went"),
        ({"expires": "2999-01-02"}, "other quarantines | those of the plan"),
        ({"clean_runs": 3}, "other quarantines"),
        ({"owner": "b"}, "other quarantines"),
        ({"reason": "b"}, "other quarantines"),
    ],
)
def test_quarantine_is_that_of_the_plan(
    store: Store, changes: dict[str, Any], named: str
) -> None:
    """Who, why, how long and how it went."""
    values: dict[str, Any] = {
        "kind": "guard",
        "id": "weights-there",
        "owner": "a",
        "reason": "r",
    }
    values |= {"expires": "2999-01-01", "clean_runs": 2}
    frozen = plan.read_plan(store.hub)
    frozen = replace(
        frozen, suite=replace(frozen.suite, quarantine=(QuarantineSpec(**values),))
    )
    as_run = {**values, "state": "active", "outcome": "clean", "clean": 1, **changes}
    record = replace(read_record(store.hub), quarantine=(QuarantineRecord(**as_run),))

    lines = damages(frozen, record)

    assert (lines == []) is (named == "")
    assert all(named in line for line in lines)


@pytest.mark.parametrize(
    ("days", "state", "is_damage"),
    [(0, "active", False), (1, "active", True), (1, "expired", False)],
)
def test_excuse_that_had_ended_is_damage(
    store: Store,
    days: int,
    state: str,
    is_damage: bool,  # noqa: FBT001 - a column
) -> None:
    """The day of the run is the last on which it may be active."""
    record, frozen = read_record(store.hub), plan.read_plan(store.hub)
    values: dict[str, Any] = {
        "kind": "guard",
        "id": "weights-there",
        "owner": "a",
        "reason": "r",
    }
    values |= {"expires": record.started[:10], "clean_runs": 2}
    record = replace(
        record,
        started=f"2{record.started[1:]}" if not days else f"9{record.started[1:]}",
        quarantine=(QuarantineRecord(**values, state=state, outcome="clean", clean=1),),
    )
    suite = replace(frozen.suite, quarantine=(QuarantineSpec(**values),))

    lines = damages(replace(frozen, suite=suite), record)

    assert [("expired since" in line) for line in lines] == ([True] if is_damage else [])


@pytest.mark.parametrize("change", ["none", "bytes", "longer", "gone", "astray"])
def test_artifact_outside_is_compared_where_it_is(store: Store, change: str) -> None:
    """One that has changed is damage; one that is not here, or leads out, is not judged."""
    record = read_record(store.hub)
    (outside,) = [artifact for artifact in record.artifacts if artifact.external]
    path = store.root / outside.path
    content = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(
        {"bytes": b"x" + content[1:], "longer": content + b"x"}.get(change, content)
    )
    if change == "gone":
        path.unlink()
    if change == "astray":
        bent = replace(outside, path="../x")
        (store.root / "../x").write_bytes(content)  # there, and not to be read
        record = replace(record, artifacts=(bent,))

    rows, absent = coverage.check_external(store.root, record)

    is_absent = change in {"gone", "astray"}
    expected = {"none": [], "gone": [Outcome.NOTE], "astray": [Outcome.NOTE]}
    assert [row.outcome for row in rows] == expected.get(change, [Outcome.DAMAGED])
    assert absent == (frozenset({"weights"}) if is_absent else frozenset())
