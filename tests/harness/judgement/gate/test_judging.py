"""What another revision's rules let pass, rule by rule, of one record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.config.project import QuarantineSpec, SuiteSpec
from harness.evidence.hub.evidence import HubEvidence
from harness.judgement.gate import judging
from harness.judgement.golden.store import GoldenSet
from harness.records import (
    ArtifactRecord,
    AttemptRecord,
    GuardResult,
    HubRecord,
    QuarantineRecord,
)
from harness.verdict import Verdict
from tests.builders import evidence, hubs, reports

GREEN, OPEN, RED = Verdict.GREEN, Verdict.INCONCLUSIVE, Verdict.RED
TESTS = {
    "id": "tests",
    "kind": "pytest",
    "selectors": ["tests"],
    "timeout_s": 30,
    "min_collected": 4,
    "min_tests": 3,
}
FLOOR = "suites.tiny.guards.floor"


@pytest.fixture
def suite(tmp_path: Path) -> SuiteSpec:
    """Declare a suite with a stage that writes, one of tests, and a floor."""
    declared = hubs.suite(hubs.writing("3"), TESTS, guards=[hubs.FLOOR])
    return replace(hubs.project(tmp_path / "base", tiny=declared).suites["tiny"], runs=2)


@pytest.fixture
def run(tmp_path: Path) -> HubEvidence:
    """Return evidence that is not read where the results are known."""
    return evidence.evidence(tmp_path)


ARTIFACT = ArtifactRecord(
    id="out",
    stage="make",
    path="analysis/make/out.json",
    sha256="0" * 64,
    size=3,
    external=False,
    fresh=True,
)
COUNTS = {"collected": 4, "passed": 3}


def make_record(**changes: Any) -> HubRecord:
    """Make the record of a run that keeps every promise."""
    stages = (
        reports.stage("make", 0, duration_s=30.0),
        reports.stage("tests", 1, kind="pytest", tests=COUNTS),
    )
    plain = {"suite": "tiny", "stages": stages, "artifacts": (ARTIFACT,), "runs": 2}
    return reports.record(**{**plain, **changes})


def judge(
    suite: SuiteSpec,
    run: HubEvidence,
    record: HubRecord,
    known: Sequence[GuardResult] = (),
) -> dict[str, tuple[str, ...]]:
    """Return what is not let pass, with the rules that would explain it."""
    results = known or [reports.guard("floor", metric=None)]
    failures = judging.judge(suite, GoldenSet(), record, run, results)
    return {one.subject: one.rules for one in failures}


def test_a_run_that_keeps_every_promise_passes(suite: SuiteSpec, run: HubEvidence) -> None:
    """At its bounds: so long, so many tests, so many runs."""
    assert judge(suite, run, make_record()) == {}


VERDICTS = [
    (GREEN, "fail", False),
    (OPEN, "fail", True),
    (RED, "fail", True),
    (GREEN, "warn", False),
    (OPEN, "warn", False),
    (RED, "warn", False),
]


@pytest.mark.parametrize(("verdict", "severity", "is_refused"), VERDICTS)
def test_only_a_green_guard_passes(
    suite: SuiteSpec, run: HubEvidence, verdict: Verdict, severity: str, *, is_refused: bool
) -> None:
    """One that could not be judged stands in the way as a red one does; a warning never."""
    result = reports.guard("floor", verdict, severity=severity, metric=None)
    failures = judging.judge(suite, GoldenSet(), make_record(), run, [result])
    assert len(failures) == int(is_refused)
    for failure in failures:
        assert (failure.subject, failure.verdict) == ("guard floor", verdict)
        assert failure.rules == (FLOOR, "suites.tiny.quarantine.guard:floor")


def test_a_golden_or_a_fingerprint_explains_its_guard(
    suite: SuiteSpec, run: HubEvidence
) -> None:
    """Who answers for another golden answers for what it judges."""
    golden = reports.guard("floor", RED, metric="out:value")
    answers = reports.guard("answers", RED, metric=None, kind="fingerprint")
    rules = judge(suite, run, make_record(), [golden, answers])
    assert rules["guard floor"][-1] == "goldens.tiny.out:value"
    assert rules["guard answers"][-1] == "fingerprints.tiny"
    assert len(rules["guard floor"]) == len(rules["guard answers"]) == 3


@pytest.mark.parametrize(
    ("guard", "verdict", "is_refused"),
    [
        ("floor", RED, False),
        ("floor", OPEN, True),
        ("floor", GREEN, False),
        ("other", RED, True),
    ],
)
def test_a_quarantine_of_the_base_lets_its_failing_guard_pass(
    tmp_path: Path, run: HubEvidence, guard: str, verdict: Verdict, *, is_refused: bool
) -> None:
    """No other guard, and not one that could not be judged."""
    entry = {
        "guard": "floor",
        "reason": "flaky",
        "owner": "tess",
        "expires": dt.datetime.now(dt.UTC).date() + dt.timedelta(days=9),
        "clean_runs": 3,
    }
    declared = hubs.suite(hubs.writing("3"), guards=[hubs.FLOOR], quarantine=[entry])
    suite = hubs.project(tmp_path / "q", tiny=declared).suites["tiny"]
    result = reports.guard(guard, verdict, metric=None)
    assert (judge(suite, run, make_record(), [result]) != {}) is is_refused


ATTEMPT = AttemptRecord(outcome="failed", exit_code=1, duration_s=1.0, log=None, reason="x")


@pytest.mark.parametrize(
    ("expires", "is_refused"), [("2999-01-01", False), ("2020-01-01", True)]
)
def test_a_quarantine_of_the_base_that_expired_excuses_nothing(
    suite: SuiteSpec, run: HubEvidence, expires: str, *, is_refused: bool
) -> None:
    """Neither the guard now nor the stage that the run did not count."""
    specs = tuple(
        QuarantineSpec(kind=kind, id=name, owner="o", reason="r", expires=expires, clean_runs=3)
        for kind, name in (("guard", "floor"), ("stage", "make"))
    )
    entries = tuple(
        QuarantineRecord(
            kind=spec.kind,
            id=spec.id,
            owner="o",
            reason="r",
            expires=expires,
            clean_runs=3,
            state="active",
            outcome="failed",
            clean=0,
        )
        for spec in specs
    )
    result = reports.guard("floor", RED, metric=None)
    record = make_record(quarantine=entries)
    failed = judge(replace(suite, quarantine=specs), run, record, [result])
    assert set(failed) == ({"guard floor", "stage make"} if is_refused else set())


def test_an_optional_file_may_be_missing(suite: SuiteSpec, run: HubEvidence) -> None:
    """It was not promised."""
    make, tests = suite.stages
    optional = tuple(replace(one, optional=True) for one in make.artifacts)
    loose = replace(suite, stages=(replace(make, artifacts=optional), tests))
    assert judge(loose, run, make_record(artifacts=())) == {}


CHANGES: list[tuple[str, dict[str, Any], set[str]]] = [
    ("make", {"duration_s": 30.01}, {"stage make timeout_s"}),
    ("make", {"attempts": (ATTEMPT,)}, {"stage make retries"}),
    ("make", {"flaky": ("t",)}, {"stage make test_retries"}),
    ("tests", {"tests": {"collected": 3, "passed": 3}}, {"stage tests min_collected"}),
    ("tests", {"tests": {"collected": 4, "passed": 2}}, {"stage tests min_tests"}),
    ("tests", {"tests": {}}, {"stage tests min_collected", "stage tests min_tests"}),
    ("tests", {"tests": {"collected": 5, "passed": 2, "quarantined": 1}}, set()),
    ("make", {"tests": {}}, set()),
]


@pytest.mark.parametrize(("stage", "changes", "subjects"), CHANGES)
def test_each_promise_of_a_stage_is_held(
    suite: SuiteSpec,
    run: HubEvidence,
    stage: str,
    changes: dict[str, Any],
    subjects: set[str],
) -> None:
    """One beyond a bound is refused, by the rule that says it."""
    record = make_record()
    stages = tuple(replace(one, **changes) if one.id == stage else one for one in record.stages)
    failed = judge(suite, run, replace(record, stages=stages))
    assert set(failed) == subjects
    for subject, rules in failed.items():
        name, key = subject.split()[1:]
        assert rules[0] == f"suites.tiny.stages.{name}.{key}"


MISSING: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"runs": 1}, {"runs": "suites.tiny.runs"}),
    ({"runs": 3}, {}),
    ({"artifacts": ()}, {"artifact out": "suites.tiny.artifacts.out"}),
    ({"stages": ()}, {"stage make": "suites.tiny.stages.make"}),
]


@pytest.mark.parametrize(("changes", "refused"), MISSING)
def test_what_is_missing_is_refused(
    suite: SuiteSpec, run: HubEvidence, changes: dict[str, Any], refused: dict[str, str]
) -> None:
    """A stage, a promised file, a run."""
    failed = judge(suite, run, make_record(**changes))
    failed.pop("stage tests", None)
    assert {subject: rules[0] for subject, rules in failed.items()} == refused


WAIVED = [
    ("stage", "make", "active", "failed", True),
    ("test", "a", "active", "failed", True),
    ("guard", "floor", "active", "failed", False),  # it is judged again
    ("stage", "make", "expired", "failed", False),
    ("stage", "make", "active", "clean", False),
]


@pytest.mark.parametrize(("kind", "name", "state", "outcome", "is_refused"), WAIVED)
def test_what_only_the_run_excused_is_refused(
    suite: SuiteSpec,
    run: HubEvidence,
    *,
    kind: str,
    name: str,
    state: str,
    outcome: str,
    is_refused: bool,
) -> None:
    """A quarantine that the base does not know excuses nothing."""
    entry = reports.quarantined(kind, name, state=state, outcome=outcome)
    failed = judge(suite, run, make_record(quarantine=(entry,)))
    subjects = {f"{kind} {name}": (f"suites.tiny.quarantine.{kind}:{name}",)}
    assert failed == (subjects if is_refused else {})
