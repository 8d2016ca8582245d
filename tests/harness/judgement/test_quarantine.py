"""A failure in quarantine is shown and not counted, for a bounded time and never in silence."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.config import quarantine_rules
from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.hub import plan
from harness.evidence.hub.blockers import Register
from harness.judgement import freshness, quarantine, verify
from harness.judgement.declaration import load_project
from harness.judgement.verify import coverage
from harness.reporting import github, junit, markdown
from harness.runner.workflow import ledger_of
from harness.sharing.export import in_toto
from harness.verdict import Verdict
from tests.builders import hubs

TODAY = dt.datetime.now(dt.UTC).date()
SOON = TODAY + dt.timedelta(days=30)


def entry(**keys: Any) -> dict[str, Any]:
    """Declare a quarantine of the guard ``floor``."""
    usual = {"owner": "ada@example.org", "reason": "flickers on one core", "expires": SOON}
    return {**({} if {"test", "stage"} & set(keys) else {"guard": "floor"}), **usual, **keys}


def project(folder: Path, value: str, *entries: dict[str, Any], **keys: Any) -> Project:
    """Write a project that measures ``value``, has a floor of 1 and of 0, and quarantines."""
    guards = [hubs.FLOOR, {**hubs.FLOOR, "id": "other", "min": 0}]
    usual = {"guards": guards, "quarantine": list(entries)}
    return hubs.project(folder, tiny=hubs.suite(hubs.writing(value), **usual, **keys))


@pytest.mark.road
def test_failed_guard_is_shown_and_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run is green, and every door says who excused what until when."""
    made = project(tmp_path, "0.5", entry())

    outcome = hubs.run(made)

    record = outcome.record
    assert outcome.exit_code == 0
    assert [(g.id, g.verdict) for g in record.guards if g.id == "floor"] == [
        ("floor", Verdict.RED)
    ]
    who = f"guard floor (ada@example.org, until {SOON})"
    assert record.reason.startswith(f"what counts passed; failed in quarantine: {who}")
    assert verify.verify(made, outcome.hub).exit_code == 0
    cases = junit.render(record)
    assert 'skipped="1"' in cases
    assert f"quarantined: {who}: flickers on one core" in cases
    assert f"::warning title=quarantine%3A {who}".replace(",", "%2C") in github.commands(record)
    assert "GREEN (1 QUARANTINED)" in markdown.summary(record)
    sealed = [e.body for e in ledger_of(made).entries() if e.kind == "seal"]
    assert sealed[0]["quarantined"] == [who]
    assert main.main(["status", "-C", str(made.root)]) == 0
    said = capsys.readouterr().out
    assert "green (1 quarantined)" in said
    assert f"{who} failed and was not counted. flickers on one core" in said
    page = (outcome.hub / "hub.json").read_text()
    assert json.loads(page)["quarantine"][0]["outcome"] == "failed"


@pytest.mark.road
def test_attestation_warns_of_what_is_excused(tmp_path: Path) -> None:
    """An attestation of a run that excuses a guard warns of it, and of the whole."""
    made = project(tmp_path, "0.5", entry())
    outcome = hubs.run(made)

    attestation = in_toto.test_result(outcome.hub, outcome.record)["predicate"]

    assert attestation["result"] == "WARNED"
    assert attestation["warnedTests"] == ["guard floor"]
    assert attestation["failedTests"] == []


@pytest.mark.road
def test_expired_quarantine_counts_again(tmp_path: Path) -> None:
    """On its last day a quarantine still excuses; after it nothing, and it says so."""
    yesterday = TODAY - dt.timedelta(days=1)

    late = hubs.run(project(tmp_path / "late", "0.5", entry(expires=yesterday)))
    last_day = hubs.run(project(tmp_path / "last", "0.5", entry(expires=TODAY)))

    assert (late.exit_code, last_day.exit_code) == (1, 0)
    (stood,) = late.record.quarantine
    assert (stood.state, stood.outcome) == ("expired", "failed")
    assert f"(ada@example.org, expired {yesterday})" in quarantine.describe(stood)
    assert "it counts again" in markdown.summary(late.record)
    assert "expired" in github.commands(late.record)


@pytest.mark.road
def test_evidence_outlives_no_quarantine(tmp_path: Path) -> None:
    """A green that rests on a quarantine is stale once its day has passed."""
    made = project(tmp_path, "0.5", entry())
    outcome = hubs.run(made)
    days = (0, 30, 31)

    states = [
        freshness.check(
            made,
            outcome.hub,
            outcome.record,
            freshness.Now(instant=dt.datetime.now(dt.UTC) + dt.timedelta(days=day)),
        )
        for day in days
    ]

    assert [[cause.kind for cause in one.causes] for one in states] == [[], [], ["quarantine"]]


@pytest.mark.road
def test_clean_runs_lift_a_quarantine(tmp_path: Path) -> None:
    """After k clean runs in a row it is lifted and failures count; a failure resets."""
    counted, verdicts = [], []
    for value in ("3", "0.5", "3", "3", "0.5", "0.5"):
        made = project(tmp_path, value, entry(clean_runs=2))
        record = hubs.run(made).record
        counted.append((record.quarantine[0].state, record.quarantine[0].clean))
        verdicts.append(record.verdict.value)

    active, lifted = "active", "lifted"
    assert counted[:4] == [(active, 1), (active, 0), (active, 1), (active, 2)]
    assert [state for state, _ in counted[4:]] == [lifted, lifted]
    assert verdicts == ["green"] * 4 + ["red"] * 2


def test_another_reason_is_another_quarantine() -> None:
    """Clean runs are counted for one declaration; who declares it anew begins anew."""
    table = {**entry(), "clean_runs": 2, "expires": SOON}
    first = read(table)
    (stood,) = quarantine.status_before_run((first,), (), TODAY)
    counted = (replace(stood, clean=2),)

    same = quarantine.status_before_run((first,), counted, TODAY)[0]
    other = quarantine.status_before_run((replace(first, reason="again"),), counted, TODAY)[0]

    assert (same.state, other.state, other.clean) == ("lifted", "active", 0)


def read(values: dict[str, Any]) -> Any:
    """Read one table."""
    from harness.config.toml_table import Table

    return quarantine_rules.read(Table("harness.toml", "quarantine[0]", values), TODAY)


@pytest.mark.road
def test_what_was_not_judged_is_not_excused(tmp_path: Path) -> None:
    """A guard in quarantine whose number is missing leaves the run inconclusive."""
    made = hubs.project(
        tmp_path,
        tiny=hubs.suite(
            hubs.writing("3"),
            guards=[{**hubs.FLOOR, "metric": "out:nothing"}],
            quarantine=[entry()],
        ),
    )

    outcome = hubs.run(made)

    assert outcome.exit_code == 3
    assert outcome.record.quarantine[0].outcome == "not judged"


@pytest.mark.road
def test_all_in_quarantine_proves_nothing(tmp_path: Path) -> None:
    """Where everything that failed is excused and nothing else counts, there is no green."""
    stage = hubs.command("shaky", "raise SystemExit(3)")
    made = hubs.project(tmp_path, tiny=hubs.suite(stage, quarantine=[entry(stage="shaky")]))

    outcome = hubs.run(made)

    assert outcome.exit_code == 3
    assert outcome.record.reason.startswith("nothing that counts was judged")
    assert verify.verify(made, outcome.hub).exit_code == 3


@pytest.mark.road
def test_quarantined_stage_keeps_its_evidence(tmp_path: Path) -> None:
    """A stage in quarantine fails in a green run; its log stays, what needs it is not run."""
    shaky = hubs.command("shaky", "print('it shook'); raise SystemExit(3)")
    made = hubs.project(
        tmp_path, tiny=hubs.suite(shaky, hubs.writing("3"), quarantine=[entry(stage="shaky")])
    )
    needing = hubs.project(
        tmp_path / "needing",
        tiny=hubs.suite(
            shaky, hubs.writing("3", needs=["shaky"]), quarantine=[entry(stage="shaky")]
        ),
    )

    outcome, after = hubs.run(made), hubs.run(needing)

    assert (outcome.exit_code, after.exit_code) == (0, 3)
    assert "it shook" in (outcome.hub / "red/shaky.log").read_text()
    assert 'type="quarantined"' in junit.render(outcome.record)
    assert verify.verify(made, outcome.hub).exit_code == 0


@pytest.mark.road
def test_blocker_stays_open_while_excused(tmp_path: Path) -> None:
    """Green runs that excuse a red guard do not close its blocker; runs that pass it do."""
    hubs.run(project(tmp_path, "0.5"))
    made = project(tmp_path, "0.5", entry())
    for _ in range(4):
        hubs.run(made)

    (blocker,) = Register(made.hubs).entries()
    assert (blocker.status, blocker.green_runs, blocker.occurrences) == ("open", 0, 1)
    clean = project(tmp_path, "3", entry())
    for _ in range(3):
        hubs.run(clean)
    assert Register(made.hubs).entries()[0].status == "closed"


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"guard": "flor"}, "'floor'"),
        ({"stage": "mak"}, "'make'"),
        ({"test": "tests/x.py::t"}, "selector"),
        ({"expires": TODAY + dt.timedelta(days=91)}, "90 days"),
        ({"expires": "2026-12-31"}, "a date"),
        ({"owner": " "}, "owner"),
        ({"reason": ""}, "reason"),
        ({"clean_runs": 0}, "clean_runs"),
        ({"guard": "floor", "stage": "make"}, "one of"),
        ({"guard": "", "reasn": "x"}, "one of"),
        ({"becuase": "x"}, "unknown key"),
    ],
    ids=str,
)
def test_wrong_quarantine_is_refused(tmp_path: Path, keys: dict[str, Any], word: str) -> None:
    """What is unknown, unbounded or nobody's is a mistake, told with the nearest name."""
    with pytest.raises(ConfigError) as refused:
        project(tmp_path, "3", entry(**keys))

    assert word in str(refused.value)


def test_double_quarantine_is_refused(tmp_path: Path) -> None:
    """One thing is in quarantine once."""
    with pytest.raises(ConfigError, match="twice"):
        project(tmp_path, "3", entry(), entry(reason="another"))


def test_quarantine_is_not_inherited(tmp_path: Path) -> None:
    """A suite that extends another excuses only what it says itself."""
    parent = hubs.suite(hubs.writing("3"), guards=[hubs.FLOOR], quarantine=[entry()])
    made = hubs.project(
        tmp_path, tiny=parent, short={"extends": "tiny", "description": "short"}
    )

    assert made.suites["short"].quarantine == ()


def test_unused_keys_leave_old_digests(tmp_path: Path) -> None:
    """A declaration without retries and quarantine has the digest it always had."""
    made = load_project(hubs.declare(tmp_path))
    suite = made.suites["tiny"]
    stage = suite.stages[0]

    same = plan.suite_sha256(suite)
    other = plan.suite_sha256(replace(suite, stages=(replace(stage, retries=1),)))

    assert same == "c58657db97e78431d44eab83950d11be9449d3fbba42fc5ffad9b5b8e9c7154c"
    assert other != same


@pytest.mark.road
def test_verify_holds_a_quarantine_against_the_plan(tmp_path: Path) -> None:
    """An excuse that the plan does not declare, or that went otherwise, is damage."""
    made = project(tmp_path, "0.5", entry())
    outcome = hubs.run(made)
    frozen, record = plan.read_plan(outcome.hub), outcome.record
    (stood,) = record.quarantine

    def faults(**changes: Any) -> list[str]:
        bent = replace(record, quarantine=(replace(stood, **changes),))
        return [row.found for row in coverage.check(frozen, bent) if row.outcome == "damaged"]

    assert faults() == []
    assert faults(id="other") != []
    assert faults(expires="2020-01-01") != []
    assert faults(outcome="clean") != []
