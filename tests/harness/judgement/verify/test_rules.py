"""What a verdict rests on that is no file of the hub: each has a row, and none is a check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.judgement import acceptance
from harness.judgement.verify import rules
from harness.judgement.verify.report import Outcome, Row
from harness.records import HubRecord, QuarantineRecord
from tests.builders.sealed import Store


def rows_of(store: Store, record: HubRecord) -> dict[str, Row]:
    """Return the rows by their check."""
    return {row.check: row for row in rules.check(record, store.hub, store.project)}


def entry(**changes: Any) -> QuarantineRecord:
    """Make a quarantine under which a guard failed."""
    values = {"kind": "guard", "id": "floor", "owner": "ada", "reason": "r", "clean": 0}
    values |= {"expires": "2999-01-01", "clean_runs": 2, "state": "active"}
    return QuarantineRecord(**{**values, "outcome": "failed", **changes})


@pytest.mark.parametrize(
    ("dirty", "diff", "text"),
    [
        (False, None, "as committed"),
        (False, "ab" * 32, "as committed"),
        (True, None, "with changes that were not committed"),
        (True, "ab" * 32, "with changes that were not committed, digest abababababab…"),
    ],
)
def test_tree_is_as_committed_or_not(
    store: Store,
    dirty: bool,  # noqa: FBT001 - a column
    diff: str | None,
    text: str,
) -> None:
    """Changes are told, with the digest that names them where there is one."""
    record = read_record(store.hub)
    stamp = replace(record.stamp, dirty=dirty, diff_sha256=diff)

    row = rows_of(store, replace(record, stamp=stamp))["tree"]

    assert row.found == text
    assert row.outcome is (Outcome.NOTE if dirty else Outcome.PASSED)


def test_nothing_left_out_is_one_row(store: Store) -> None:
    """Accepted and quarantined are two rows only where there is one of them."""
    record = read_record(store.hub)
    assert list(rows_of(store, record)) == ["commit", "tree", "left out"]

    passed = rows_of(store, replace(record, quarantine=(entry(outcome="clean"),)))
    failed = rows_of(store, replace(record, quarantine=(entry(), entry(id="b"))))

    assert passed["accepted"].found == "nothing"
    assert passed["quarantine"].found == "1 entries, all counted"
    assert passed["quarantine"].outcome is Outcome.PASSED
    assert failed["quarantine"].outcome is Outcome.NOTE
    who = ", ".join(f"guard {name} (ada, until 2999-01-01)" for name in ("floor", "b"))
    assert failed["quarantine"].found == f"failed and not counted: {who}"


def test_what_was_accepted_is_told(store: Store) -> None:
    """For this run and no other; what cannot be read is said to be unknown."""
    record = read_record(store.hub)
    body = {"cause": "source", "state": "0" * 64, "reason": "a comment", "items": ["source.py"]}
    store.ledger.append(acceptance.KIND, "20200101T000000Z-000000", body)
    assert "accepted" not in rows_of(store, record)

    store.ledger.append(acceptance.KIND, record.run_id, body)
    rows = rows_of(store, record)
    assert rows["accepted"].outcome is Outcome.NOTE
    assert rows["accepted"].found.startswith("source (source.py) on ")
    assert rows["quarantine"].found == "nothing"

    store.ledger.path.write_bytes(b"{}\n")
    assert rows_of(store, record)["accepted"].found.startswith("not known: ")


def test_commit_is_not_looked_for_outside_a_project(store: Store) -> None:
    """There is no repository to look in."""
    record = read_record(store.hub)
    stamp = replace(record.stamp, commit="ab" * 20)

    row, *_ = rules.check(replace(record, stamp=stamp), store.hub, None)

    assert row.found == "abababababab, not looked for outside a project"
    assert row.outcome is Outcome.NOTE
