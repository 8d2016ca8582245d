"""What vouches for the source of a run: its commit, here, elsewhere or nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.evidence.hub import stamp
from harness.evidence.hub.store import read_record
from harness.judgement.verify import Outcome, rules
from tests.builders import hubs
from tests.builders.sealed import Store


@pytest.mark.parametrize(
    ("commit", "outcome", "text"),
    [
        ("here", Outcome.PASSED, ", in this repository"),
        ("0" * 40, Outcome.NOTE, "000000000000 is not in this repository"),
        ("HEAD", Outcome.NOTE, "HEAD is not in this repository"),
        (stamp.NONE, Outcome.NOTE, "none: no commit vouches for the source"),
    ],
)
def test_commit_is_looked_for(store: Store, commit: str, outcome: Outcome, text: str) -> None:
    """Only a full name of a commit that is here counts as one."""
    real = hubs.commit(store.root)
    record = read_record(store.hub)
    named = replace(record.stamp, commit=real if commit == "here" else commit)

    row, *_ = rules.check(replace(record, stamp=named), store.hub, store.project)

    assert row.outcome is outcome
    assert row.found.endswith(text)
