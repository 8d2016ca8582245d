"""What a session noted of tests that were run again, and of those in quarantine.

The notes come from a process that runs foreign tests: only quarantines that were declared
excuse anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from harness.config import quarantine_rules
from harness.config.project import StageSpec
from harness.judgement import quarantine
from harness.records import QuarantineRecord
from harness.runner.session.notes import QUARANTINED, TestNotes


def key(stage: str) -> str:
    """Name the value of a stage context that lists the tests of a stage in quarantine."""
    return f"quarantine:{stage}"


def list_quarantined(stage: StageSpec, entries: Iterable[QuarantineRecord]) -> str:
    """List the tests in quarantine that a stage can choose, as JSON pairs of id and reason."""
    rows = [
        [entry.id, f"{entry.owner}, until {entry.expires}: {entry.reason}".replace("\n", " ")]
        for entry in entries
        if entry.kind == "test"
        and entry.state == quarantine.ACTIVE
        and quarantine_rules.covers(stage, entry.id)
    ]
    return json.dumps(rows) if rows else ""


def read_listed(spec: StageSpec, values: Mapping[str, str]) -> dict[str, str]:
    """Return why each test of a stage is in quarantine, by declared id (see ``listed``)."""
    return dict(json.loads(values.get(key(spec.id)) or "[]"))


def is_patient(spec: StageSpec, values: Mapping[str, str]) -> bool:
    """Say whether a stage bounds or retries its tests, or has some of them in quarantine."""
    return bool(spec.test_retries or spec.test_timeout_s or values.get(key(spec.id)))


def drop_undeclared(tests: Iterable[TestNotes], declared: Mapping[str, str]) -> None:
    """Let a failure count that nothing declared excuses."""
    for test in tests:
        if test.quarantine not in declared:
            test.quarantine = None
            test.outcome = "failed" if test.outcome == QUARANTINED else test.outcome


def flaky(tests: Iterable[TestNotes]) -> tuple[str, ...]:
    """Name the tests that passed only when they were run again, and how often that was."""
    return tuple(
        f"{test.id}: {quarantine.retries(len(test.attempts) + test.reruns)}"
        for test in tests
        if test.outcome == "passed" and (test.attempts or test.reruns)
    )


def outcomes(tests: Iterable[TestNotes]) -> dict[str, str]:
    """Say how each declared test went; of several that one id names, the worst counts."""
    by_id: dict[str, str] = {}
    order = (quarantine.CLEAN, quarantine.FLAKY, quarantine.FAILED)
    for test in tests:
        word = _outcome(test)
        if test.quarantine is None or word is None:
            continue
        before = by_id.get(test.quarantine, word)
        by_id[test.quarantine] = max(before, word, key=order.index)
    return by_id


def _outcome(test: TestNotes) -> str | None:
    if test.outcome == QUARANTINED or test.is_bad:
        return quarantine.FAILED
    if test.outcome != "passed":
        return None
    return quarantine.FLAKY if test.attempts or test.reruns else quarantine.CLEAN
