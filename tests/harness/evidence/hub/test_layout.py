"""Names of runs: sorted by time, and never twice."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from harness.evidence.hub import layout

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("drawn", [b"\x00\x00\x00", b"\xff\xff\xff", b"\x7f\xff\xff"])
def test_two_thousand_runs_of_a_second_have_names(
    monkeypatch: pytest.MonkeyPatch, drawn: bytes
) -> None:
    """Whatever is drawn, each id is new, well formed and sorts behind the one before."""
    monkeypatch.setattr(os, "urandom", lambda count: drawn[:count])

    ids = [layout.new_run_id(NOW)]
    while len(ids) < 2_000:
        ids.append(layout.new_run_id(NOW, ids[-1]))

    assert ids == sorted(set(ids))
    assert all(layout.RUN_ID.fullmatch(id_) for id_ in ids)


def test_another_second_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier second gave does not bind."""
    monkeypatch.setattr(os, "urandom", bytes)

    assert layout.new_run_id(NOW, "20260102T030404Z-ffffff") == "20260102T030405Z-000000"
