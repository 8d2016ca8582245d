"""What a record says of itself: names, times, paths, and a verdict that its parts make."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import IntegrityError, NotAProjectError
from harness.evidence.hub.store import read_record
from harness.judgement.verify import structure
from harness.judgement.verify.report import Outcome
from harness.verdict import Verdict
from tests.builders.sealed import Store


@pytest.mark.parametrize(
    ("text", "is_time"),
    [
        ("2026-01-02T03:04:05Z", True),
        ("2026-01-02T03:04:05.678+00:00", True),
        ("2026-01-02T03:04:05", False),
        ("yesterday", False),
        ("", False),
    ],
)
def test_time_has_a_zone(text: str, is_time: bool) -> None:  # noqa: FBT001 - a column
    """A time without a zone is any of many times."""
    assert (structure.moment(text) is not None) is is_time


@pytest.mark.parametrize(
    ("seconds", "is_future"),
    [(-86400, False), (0, False), (590, False), (610, True), (86400, True)],
)
def test_clocks_may_differ_by_ten_minutes(seconds: float, is_future: bool) -> None:  # noqa: FBT001
    """Beyond that, a time has not come."""
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)

    assert structure.is_future(moment) is is_future


def test_each_fault_of_a_record_is_named(store: Store) -> None:
    """The record as written has none; each change has one of its own."""
    record = read_record(store.hub)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    artifact, stage = record.artifacts[0], record.stages[0]
    changed = {
        "run id 0": replace(record, run_id="0"),
        "suite zzz": replace(record, suite="zzz"),
        "finished 1": replace(record, finished="1999-01-01T00:00:00Z"),
        "finished 2": replace(record, finished=later.isoformat()),
        "times x and": replace(record, started="x"),
        "and 2026-01-02T03:04:05": replace(record, finished="2026-01-02T03:04:05"),
        "path ../x": replace(record, artifacts=(replace(artifact, path="../x"),)),
        "path /x": replace(record, stages=(replace(stage, log="/x"),)),
        "verdict green": replace(record, stages=(replace(stage, verdict=Verdict.RED),)),
    }

    assert list(structure._faults(store.hub, record)) == []
    for named, bent in changed.items():
        lines = [actual for actual, _ in structure._faults(store.hub, bent)]
        assert any(named in line for line in lines), (named, lines)
        assert len(lines) == (2 if named == "run id 0" else 1)
    # A worse verdict than that of the parts may stand: the run was interrupted.
    assert list(structure._faults(store.hub, replace(record, verdict=Verdict.RED))) == []


def test_check_gives_one_row_for_what_holds(store: Store) -> None:
    """And the record, which everything else is held against."""
    record, (row,) = structure.check(store.hub)

    assert record == read_record(store.hub)
    assert row.outcome is Outcome.PASSED
    (store.hub / "hub.json").chmod(0o644)
    (store.hub / "hub.json").write_text("{")
    record, (row,) = structure.check(store.hub)
    assert (record, row.outcome) == (None, Outcome.DAMAGED)


@pytest.mark.parametrize("mark", ["hub.json", "manifest-sha256.txt", "plan/plan.json"])
def test_one_mark_makes_a_hub(tmp_path: Path, mark: str) -> None:
    """What is left of a damaged hub is one; a link to it is not."""
    hub = tmp_path / "hub"
    (hub / mark).parent.mkdir(parents=True)
    with pytest.raises(NotAProjectError):
        structure.require_hub(hub)
    (hub / mark).write_text("")

    structure.require_hub(hub)

    (tmp_path / "link").symlink_to(hub)
    with pytest.raises(IntegrityError):
        structure.require_hub(tmp_path / "link")
