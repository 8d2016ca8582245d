"""Recorded verdicts against what the evidence gives now, and today's declaration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.project import GuardSpec, SuiteSpec
from harness.evidence.hub import plan
from harness.evidence.hub.evidence import HubEvidence
from harness.evidence.hub.store import read_record
from harness.judgement.guards import answers, registry
from harness.judgement.verify import judging
from harness.judgement.verify.report import Outcome, Row
from harness.records import GuardResult, HubRecord, QuarantineRecord
from harness.verdict import Verdict
from tests.builders.evidence import evidence
from tests.builders.sealed import Store

NOTHING: frozenset[str] = frozenset()
GREEN, OPEN, RED = Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED
# What the evidence below gives for the guards ``green``, ``open`` and ``red``.
METRICS = {"green": "x:good", "open": "x:nothing", "red": "x:bad"}


@pytest.fixture
def run(tmp_path: Path) -> HubEvidence:
    return evidence(tmp_path, {"x.json": {"good": 2.0, "bad": 0.5}})


def suite(store: Store, *names: str, **changes: object) -> SuiteSpec:
    """Declare bounds of one, by the names of what they come to, or a number behind them."""
    guards = [
        GuardSpec(
            id=name,
            kind="bound",
            remedy="Look there.",
            options={"metric": METRICS[name.rstrip("0123456789")], "min": 1.0},
            **changes,  # type: ignore[arg-type]
        )
        for name in names
    ]
    return replace(plan.read_plan(store.hub).suite, guards=tuple(guards))


def recorded(store: Store, suite: SuiteSpec, run: HubEvidence) -> HubRecord:
    """Return a record of what the evidence gives."""
    results = registry.judge(suite.guards, run, None)
    return replace(read_record(store.hub), guards=tuple(results))


def with_verdict(record: HubRecord, name: str, verdict: Verdict) -> HubRecord:
    def change(result: GuardResult) -> GuardResult:
        return replace(result, verdict=verdict) if result.id == name else result

    return replace(record, guards=tuple(map(change, record.guards)))


def check(suite: SuiteSpec, run: HubEvidence, record: HubRecord) -> list[Row]:
    return list(judging.check(suite, run, None, record, NOTHING))


@pytest.mark.parametrize(
    ("name", "was", "outcome"),
    [
        ("green", GREEN, None),
        ("green", OPEN, Outcome.NOTE),
        ("green", RED, Outcome.NOTE),
        ("open", GREEN, Outcome.DAMAGED),
        ("open", OPEN, None),
        ("open", RED, Outcome.NOTE),
        ("red", GREEN, Outcome.DAMAGED),
        ("red", OPEN, Outcome.DAMAGED),
        ("red", RED, None),
    ],
)
def test_record_is_no_better_than_its_evidence(
    store: Store, run: HubEvidence, name: str, was: Verdict, outcome: Outcome | None
) -> None:
    """A better one is damage; a worse one is told."""
    declared = suite(store, "green1", name)
    record = with_verdict(recorded(store, declared, run), name, was)

    rows = [r for r in check(declared, run, record) if f"{name}: recorded {was}" in r.found]

    assert [row.outcome for row in rows] == ([] if outcome is None else [outcome])


@pytest.mark.parametrize(
    ("names", "outcomes"),
    [
        (("green", "green2"), [Outcome.PASSED]),
        (("green", "red"), [Outcome.RED]),
        (("green", "open"), [Outcome.INCONCLUSIVE]),
        (("red", "open"), [Outcome.RED, Outcome.INCONCLUSIVE]),
    ],
)
def test_each_cause_has_a_row(
    store: Store, run: HubEvidence, names: tuple[str, ...], outcomes: list[Outcome]
) -> None:
    """All green is one row that counts them."""
    declared = suite(store, *names)

    rows = check(declared, run, recorded(store, declared, run))

    assert [row.outcome for row in rows] == outcomes
    if outcomes == [Outcome.PASSED]:
        assert rows[0].found == "3 of 3 green"  # with what holds for every artifact


@pytest.mark.parametrize("count", [1, 3, 4])
def test_guards_that_were_not_judged_share_a_row(
    store: Store, run: HubEvidence, count: int
) -> None:
    """Three by name, and how many there are; guards that warn do not count."""
    names = [f"open{number}" for number in range(count)]
    declared = suite(store, *names)
    (row,) = check(declared, run, recorded(store, declared, run))
    warning = suite(store, *names, severity="warn")
    (lenient,) = check(warning, run, recorded(store, warning, run))

    text = ", ".join(names[:3]) + (", …" if count > 3 else "")
    assert row.found.startswith(f"{count} not judged ({text}): ")
    assert (row.outcome, lenient.outcome) == (Outcome.INCONCLUSIVE, Outcome.NOTE)


def test_first_guard_of_a_cause_leads_its_row(store: Store, run: HubEvidence) -> None:
    """Guards of one stage are one cause; the others are counted."""
    declared = suite(store, "red", "red2", "red3")

    (row,) = check(declared, run, recorded(store, declared, run))

    assert row.found == "red: 0.5 (and 2 that follow from it)"


def test_what_follows_from_a_cause_is_counted_in_its_row() -> None:
    """And nothing is said where nothing follows."""
    assert judging._count(()) == ""
    assert judging._count(("a",)) == " (and 1 that follow from it)"
    assert judging._count(("a", "b")) == " (and 2 that follow from it)"


@pytest.mark.parametrize("state", ["active", "lifted"])
def test_guard_in_quarantine_is_told(store: Store, run: HubEvidence, state: str) -> None:
    """Red as it is, it does not count while its quarantine is active."""
    declared = suite(store, "red", "green")
    values = {"kind": "guard", "id": "red", "owner": "a", "reason": "r", "clean": 0}
    values |= {"expires": "2999-01-01", "clean_runs": 2, "outcome": "failed", "state": state}
    entry = QuarantineRecord(**values)  # type: ignore[arg-type]
    record = replace(recorded(store, declared, run), quarantine=(entry,))

    (row,) = check(declared, run, record)

    assert row.outcome is (Outcome.NOTE if state == "active" else Outcome.RED)


def test_absent_artifact_keeps_the_recorded_verdict(store: Store, run: HubEvidence) -> None:
    """It is said which guards were not judged again."""
    declared = suite(store, "red", "green")
    record = with_verdict(recorded(store, declared, run), "red", GREEN)

    rows = judging.check(declared, run, None, record, frozenset({"x"}))

    assert [row.outcome for row in rows] == [Outcome.PASSED, Outcome.NOTE]
    assert rows[1].found.endswith("is not here: default:x, green, red")
    todays, red = judging.check_today(
        declared, run, None, record, frozenset({"x"}), counts=True
    )
    assert (todays[0].found, red) == ("1 of 1 green", ())  # what holds for every artifact


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("severity", ["fail", "warn"])
@pytest.mark.parametrize("waived", [(), ("red",)])
def test_today_counts_unless_it_only_informs(
    store: Store,
    run: HubEvidence,
    counts: bool,  # noqa: FBT001 - a column
    severity: str,
    waived: tuple[str, ...],
) -> None:
    """An archive, a warning and a quarantine are told; all else that is red is red today."""
    declared = suite(store, "red", "green", severity=severity)
    record = recorded(store, declared, run)

    rows, red = judging.check_today(
        declared, run, None, record, NOTHING, counts=counts, waived_guards=waived
    )

    is_red = counts and severity == "fail" and not waived
    assert [row.outcome for row in rows] == [Outcome.RED if is_red else Outcome.NOTE]
    assert [one.id for one in red] == (["red"] if is_red else [])


def test_guard_that_nobody_can_judge_is_open(store: Store, run: HubEvidence) -> None:
    """A plan that was tampered with is no reason to believe anything."""
    declared = suite(store, "green")
    unknown = replace(declared, guards=(replace(declared.guards[0], kind="zzz"),))
    record = recorded(store, declared, run)

    (row,) = check(unknown, run, record)
    (today,), red = judging.check_today(unknown, run, None, record, NOTHING, counts=True)

    assert row.outcome is today.outcome is Outcome.INCONCLUSIVE
    assert red == ()


ANSWERS = [
    ("rounding", "changed", [Outcome.DAMAGED]),
    ("changed", "rounding", [Outcome.DAMAGED]),
    ("rounding", "rounding", []),
    ("", "changed", []),  # of before there were classes
    ("rounding", None, []),  # no fingerprint judges it
]


@pytest.mark.parametrize(("was", "now", "outcomes"), ANSWERS)
def test_recorded_class_of_the_answer_is_that_of_the_numbers(
    store: Store,
    run: HubEvidence,
    monkeypatch: pytest.MonkeyPatch,
    *,
    was: str,
    now: str | None,
    outcomes: list[Outcome],
) -> None:
    """Another class than the numbers give is damage."""
    monkeypatch.setattr(answers, "find_answer", lambda _: now)
    declared = suite(store, "green")
    record = replace(recorded(store, declared, run), answer=was)
    rows = [row for row in check(declared, run, record) if "answer: recorded" in row.found]
    assert [row.outcome for row in rows] == outcomes
