"""How a quarantine stands: by its day, by clean runs in a row, by what its subject did."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from harness.config.project import QuarantineSpec
from harness.evidence.hub.store import read_record
from harness.judgement import quarantine
from harness.records import AttemptRecord, GuardResult, HubRecord, QuarantineRecord
from harness.verdict import Verdict
from tests.builders.sealed import Store

TODAY = dt.date(2026, 3, 1)
VALUES: dict[str, Any] = {
    "kind": "guard",
    "id": "variance-floor",
    "owner": "ada",
    "reason": "r",
}
VALUES |= {"expires": "2026-03-01", "clean_runs": 2}
SPEC = QuarantineSpec(**VALUES)


def entry(**changes: Any) -> QuarantineRecord:
    """Make the record of a quarantine that is active and not judged yet."""
    return QuarantineRecord(
        **{**VALUES, "state": "active", "outcome": "not judged", "clean": 0, **changes}
    )


@pytest.mark.parametrize(
    ("expires", "clean", "before", "state"),
    [
        ("2026-03-01", 0, "active", "active"),
        ("2026-02-28", 0, "active", "expired"),
        ("2026-03-02", 0, "active", "active"),
        ("2026-03-01", 1, "active", "active"),
        ("2026-03-01", 2, "active", "lifted"),
        ("2026-03-01", 3, "active", "lifted"),
        ("2026-03-01", 0, "lifted", "lifted"),
        ("2026-02-28", 0, "lifted", "lifted"),
        ("2026-02-28", 2, "active", "lifted"),
    ],
)
def test_state_before_a_run(expires: str, clean: int, before: str, state: str) -> None:
    """The last day counts; what was lifted stays so, and clean runs are carried on."""
    old = entry(expires=expires, clean=clean, state=before, outcome="clean")

    (stood,) = quarantine.status_before_run([replace(SPEC, expires=expires)], [old], TODAY)

    assert stood == replace(old, state=state, outcome="not judged")


@pytest.mark.parametrize("key", ["kind", "id", "owner", "reason", "expires"])
def test_other_decision_counts_from_none(key: str) -> None:
    """Whatever of it is another: its clean runs are not those of this one."""
    old = entry(clean=2, state="lifted", **{key: "2026-04-01"})

    (stood,) = quarantine.status_before_run([SPEC], [old], TODAY)

    assert (stood.state, stood.clean) == ("active", 0)


@pytest.mark.parametrize(
    ("verdict", "outcome", "clean"),
    [
        (Verdict.GREEN, "clean", 4),
        (Verdict.RED, "failed", 0),
        (Verdict.INCONCLUSIVE, "not judged", 3),
        (None, "not judged", 3),
    ],
)
def test_clean_runs_are_counted_in_a_row(
    store: Store, verdict: Verdict | None, outcome: str, clean: int
) -> None:
    """A failure begins anew; a run that did not get there proves neither."""
    first, other = read_record(store.hub).guards[:2]
    guards = [other] if verdict is None else [other, replace(first, verdict=verdict)]

    (stood,) = quarantine.status_after_run([entry(clean=3)], [], guards)

    assert (stood.outcome, stood.clean) == (outcome, clean)


@pytest.mark.parametrize(
    ("verdict", "attempts", "outcome"),
    [
        (Verdict.GREEN, 0, "clean"),
        (Verdict.GREEN, 1, "flaky"),
        (Verdict.RED, 1, "failed"),
        (Verdict.INCONCLUSIVE, 1, "not judged"),
    ],
)
def test_stage_that_passed_again_is_flaky(
    store: Store, verdict: Verdict, attempts: int, outcome: str
) -> None:
    """And not clean; of another stage nothing is known."""
    attempt = AttemptRecord(outcome="failed", exit_code=1, duration_s=0.5, log=None, reason="")
    stage = replace(
        read_record(store.hub).stages[0], verdict=verdict, attempts=(attempt,) * attempts
    )

    assert quarantine.outcome_of(entry(kind="stage", id=stage.id), [stage], []) == outcome
    assert quarantine.outcome_of(entry(kind="stage", id="x"), [stage], []) == "not judged"
    flaky = entry(kind="stage", id=stage.id, clean=1)
    (stood,) = quarantine.status_after_run([flaky], [stage], [])
    assert stood.clean == {"clean": 2, "not judged": 1}.get(outcome, 0)


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ((), "not judged"),
        (("clean",), "clean"),
        (("clean", "flaky"), "flaky"),
        (("flaky", "failed"), "failed"),
        (("clean", "clean"), "clean"),
    ],
)
def test_worst_of_several_tests_counts(
    store: Store, words: tuple[str, ...], outcome: str
) -> None:
    """A test may run in several stages."""
    first = read_record(store.hub).stages[0]
    stages = [replace(first, quarantined={"t": word, "u": "failed"}) for word in words]

    assert quarantine.outcome_of(entry(kind="test", id="t"), stages, []) == outcome


def test_what_decides_is_what_counts(store: Store) -> None:
    """No warning, and nothing that failed in a quarantine that is active."""
    record = read_record(store.hub)
    warning = replace(record.guards[1], severity="warn")
    guards: tuple[GuardResult, ...] = (record.guards[0], warning, *record.guards[2:])
    rest = record.guards[2:]

    def decide(*entries: QuarantineRecord) -> tuple[int, tuple[GuardResult, ...]]:
        stages, deciding = quarantine.deciding_results(record.stages, guards, entries)
        return len(stages), deciding

    assert decide() == (1, (record.guards[0], *rest))
    assert decide(entry(outcome="failed")) == (1, rest)
    assert decide(entry(outcome="clean")) == (1, (record.guards[0], *rest))
    assert decide(entry(outcome="failed", state="expired")) == (1, (record.guards[0], *rest))
    assert decide(entry(kind="stage", id="measure", outcome="failed"))[0] == 0
    # The same name of another kind is another thing.
    assert decide(entry(kind="stage", outcome="failed")) == (1, (record.guards[0], *rest))


@pytest.mark.parametrize(
    ("changes", "until", "status"),
    [
        ({}, "until 2026-03-01", "not judged, 0 of 2 clean runs in a row"),
        ({"outcome": "clean", "clean": 1}, "until", "clean, 1 of 2 clean runs in a row"),
        ({"outcome": "clean", "clean": 2}, "until", "2 clean runs in a row: lifted from the"),
        ({"outcome": "clean", "clean": 3}, "until", "3 clean runs in a row: lifted from the"),
        ({"outcome": "failed"}, "until", "failed and was not counted"),
        ({"state": "expired", "outcome": "failed"}, "expired 2026-03-01", "expired, it counts"),
        ({"state": "lifted"}, "lifted after 2 clean runs", "lifted after 2 clean runs, it"),
    ],
)
def test_reader_learns_how_it_stands(changes: dict[str, Any], until: str, status: str) -> None:
    """Whose it is, how long it lasts and what to do."""
    stood = entry(**changes)

    head = "guard variance-floor (ada, "
    assert quarantine.describe(stood).startswith(head + until)
    assert quarantine.status_of(stood).startswith(status)


def test_verdict_says_what_it_leaves_out(store: Store) -> None:
    """How many were excused and how many flaky; nothing where there is neither."""
    record = read_record(store.hub)
    stage = replace(record.stages[0], flaky=("a::b", "a::c"))

    def say(**changes: Any) -> str:
        changed: HubRecord = replace(record, **changes)
        return quarantine.standing_out(changed)

    assert say() == ""
    assert say(quarantine=(entry(outcome="failed"), entry())) == "1 quarantined"
    assert say(stages=(stage,)) == "2 flaky"
    both = {"stages": (stage,), "quarantine": (entry(outcome="failed"),)}
    assert say(**both) == "1 quarantined, 2 flaky"
    assert quarantine.flaky(replace(record, stages=(stage,))) == ("test a::b", "test a::c")
    assert [quarantine.retries(count) for count in range(3)] == [
        "0 retries",
        "1 retry",
        "2 retries",
    ]
