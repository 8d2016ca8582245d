"""A hub judged by the rules of another revision: judging is pure, so nothing runs again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from harness.config.project import StageSpec, SuiteSpec
from harness.evidence.hub.evidence import HubEvidence
from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.judgement.golden.store import GoldenSet
from harness.judgement.guards import answers, reads, registry
from harness.records import GuardResult, HubRecord, StageRecord
from harness.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Something that the other revision's rules do not let pass.

    ``rules`` are the paths of rules: a change of one of them that somebody answers for
    explains the failure.
    """

    subject: str
    verdict: Verdict
    found: str
    expected: str
    rules: tuple[str, ...]


def judge(
    suite: SuiteSpec,
    golden: GoldenSet,
    record: HubRecord,
    evidence: HubEvidence,
    known: Sequence[GuardResult] | None = None,
) -> tuple[Failure, ...]:
    """Judge a hub by a suite as another revision declares it.

    Args:
        suite: The suite as it is declared there.
        golden: Its goldens there.
        record: The record of the hub.
        evidence: The hub.
        known: What these very guards and goldens gave, where that was proved already.

    Raises:
        ConfigError: The guards cannot be judged by this release.
        StorageError: The disk refused.
    """
    registry.check(suite.guards)
    today = dt.datetime.now(dt.UTC).date()
    entries = quarantine.status_before_run(suite.quarantine, record.quarantine, today)
    waived = {(q.kind, q.id) for q in entries if q.state == quarantine.ACTIVE}
    results = known
    if results is None:
        judged_by = None if golden.is_empty else golden
        results = registry.judge(suite.guards, evidence, judged_by, reads.list_makers(suite))
    failures = [*_guards(suite, results, waived)]
    done = {stage.id: stage for stage in record.stages}
    for spec in suite.stages:
        failures += _stage(suite.name, spec, done.get(spec.id), record)
    failures += _check_waived(suite, record, waived)
    if record.runs < suite.runs:
        rule = f"suites.{suite.name}.runs"
        failures.append(_fail("runs", f"{record.runs}", f"at least {suite.runs}", rule))
    return tuple(failures)


def _guards(
    suite: SuiteSpec, results: Sequence[GuardResult], waived: set[tuple[str, str]]
) -> Iterator[Failure]:
    for result in results:
        # Only what failed is excused by a quarantine, as in a run: not what was not judged.
        is_waived = result.verdict is Verdict.RED and ("guard", result.id) in waived
        if result.verdict is Verdict.GREEN or result.severity != "fail" or is_waived:
            continue
        rules = [
            f"suites.{suite.name}.guards.{result.id}",
            f"suites.{suite.name}.quarantine.guard:{result.id}",
        ]
        if result.metric:
            rules.append(f"goldens.{suite.name}.{result.metric}")
        if result.kind == answers.KIND:
            rules.append(f"fingerprints.{suite.name}")
        yield Failure(
            subject=f"guard {result.id}",
            verdict=result.verdict,
            found=result.found,
            expected=result.expected,
            rules=tuple(rules),
        )


def _stage(
    suite: str, spec: StageSpec, done: StageRecord | None, record: HubRecord
) -> Iterator[Failure]:
    """Hold one stage against what it promised: that it ran, in time, with its tests."""
    rule = f"suites.{suite}.stages.{spec.id}"
    if done is None:
        yield _fail(f"stage {spec.id}", "no record", "a stage that passed", rule)
        return
    collected = {artifact.id for artifact in record.artifacts}
    for artifact in spec.artifacts:
        if not artifact.optional and artifact.id not in collected:
            own = f"suites.{suite}.artifacts.{artifact.id}"
            yield _fail(f"artifact {artifact.id}", "not there", "a promised file", own, rule)
    # How often a test was run again is bounded while it runs; here only where none may be.
    again = 0 if spec.test_retries else len(done.flaky)
    most = (
        ("retries", done.retries, spec.retries),
        ("test_retries", again, 0),
        ("timeout_s", done.duration_s, spec.timeout_s),
    )
    for key, value, bound in most:
        if value > bound:
            subject = f"stage {spec.id} {key}"
            yield _fail(subject, f"{value:g}", f"at most {bound:g}", f"{rule}.{key}")
    if spec.kind == "pytest" and done.outcome == "passed":
        yield from _counts(suite, spec, done)


def _counts(suite: str, spec: StageSpec, done: StageRecord) -> Iterator[Failure]:
    """Hold the number of tests against the least that was promised."""
    rule = f"suites.{suite}.stages.{spec.id}"
    passed = done.tests.get("passed", 0) + done.tests.get("quarantined", 0)
    promised = max(spec.min_collected, spec.min_tests)
    least = (
        ("min_tests", passed, spec.min_tests),
        ("min_collected", done.tests.get("collected", 0), promised),
    )
    for key, count, bound in least:
        if count < bound:
            rules = (f"{rule}.{key}", f"{rule}.min_tests", f"tests.{suite}")
            yield _fail(f"stage {spec.id} {key}", f"{count}", f"at least {bound}", *rules)


def _check_waived(
    suite: SuiteSpec, record: HubRecord, waived: set[tuple[str, str]]
) -> Iterator[Failure]:
    """Name what the run did not count, and these rules do."""
    for entry in quarantine.waived(record):
        if (entry.kind, entry.id) not in waived and entry.kind != "guard":
            rule = f"suites.{suite.name}.quarantine.{entry.kind}:{entry.id}"
            yield _fail(
                f"{entry.kind} {entry.id}", "failed and was not counted", "passed", rule
            )


def _fail(subject: str, found: str, expected: str, *rules: str) -> Failure:
    return Failure(
        subject=subject, verdict=Verdict.RED, found=found, expected=expected, rules=rules
    )
