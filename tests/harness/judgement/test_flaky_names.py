"""What passed only when it was run again is named wherever a verdict is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.evidence.hub.store import read_record
from harness.judgement import quarantine
from harness.records import AttemptRecord, HubRecord
from harness.verdict import Verdict
from tests.builders.sealed import Store


def _with_attempts(record: HubRecord, verdict: Verdict, count: int) -> HubRecord:
    first = record.stages[0]
    attempt = AttemptRecord(outcome="failed", exit_code=1, duration_s=0.5, log=None, reason="")
    stage = replace(first, verdict=verdict, attempts=(attempt,) * count)
    return replace(record, stages=(stage, *record.stages[1:]))


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("count", [0, 1, 2])
def test_stage_is_flaky_when_it_passed_again(
    store: Store, verdict: Verdict, count: int
) -> None:
    """A stage that passed at once is not, nor one that never passed."""
    record = _with_attempts(read_record(store.hub), verdict, count)
    words = {1: "1 retry", 2: "2 retries"}
    is_flaky = verdict is Verdict.GREEN and count > 0

    expected = (f"stage {record.stages[0].id}: {words[count]}",) if is_flaky else ()
    assert quarantine.flaky(record) == expected
