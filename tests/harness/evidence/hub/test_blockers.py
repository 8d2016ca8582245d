"""Blockers: written so that a person can act, read back strictly, closed with a reason."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.errors import ConfigError, IntegrityError
from harness.evidence.hub import blockers
from harness.evidence.hub.causes import Cause

CAUSE = Cause(
    signature="0123456789abcdef" * 4,
    title="guard-floor",
    suite="tiny",
    stage=None,
    guard="floor",
    issue="Guard `floor` is red.",
    excerpt='found "0"; ```fence``` ---\nsecond line',
    evidence=("analysis/guards.json", "gone.json"),
    fix="Make it larger.",
    policies=("POLICY-001",),
)
SEEN = blockers.Sighting(
    run_id="20260101T000000Z-aaaaaa",
    commit="c" * 40,
    dirty=True,
    instant="2026-01-01T00:00:00.000Z",
)


def keep(hubs: Path, cause: Cause = CAUSE) -> blockers.Register:
    register = blockers.Register(hubs)
    (hubs / "analysis").mkdir(parents=True, exist_ok=True)
    (hubs / "analysis/guards.json").write_text("[]")
    body = blockers.body(cause, hubs, ["harness run tiny"])
    register.keep(register.count_sighting(cause, SEEN), body)
    return register


def test_note_reads_back(tmp_path: Path) -> None:
    """What stands at the head of a note is what was recorded."""
    register = keep(tmp_path)

    (made,) = register.entries()

    assert made.id == "B-01234567"
    assert (made.policies, made.dirty, made.occurrences) == (("POLICY-001",), True, 1)


def test_note_has_the_five_parts(tmp_path: Path) -> None:
    """Issue, cause, evidence with digest, fix and command stand in this order."""
    keep(tmp_path)
    text = (tmp_path / "blockers/B-01234567.md").read_text()

    parts = ["## Issue", "## Root cause", "## Evidence", "## Required fix", "## Commands for"]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
    assert "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945" in text
    assert "gone.json" not in text
    assert "````text" in text


def test_same_cause_is_the_same_blocker(tmp_path: Path) -> None:
    """A second sighting counts up, keeps the first instant and moves the last."""
    register = keep(tmp_path)
    later = dataclasses.replace(SEEN, instant="2026-01-02T00:00:00.000Z", dirty=False)

    register.keep(register.count_sighting(CAUSE, later), "body\n")

    (made,) = register.entries()
    assert (made.occurrences, made.dirty) == (2, False)
    assert (made.first_seen, made.last_seen) == (SEEN.instant, later.instant)


def test_another_cause_is_another_blocker(tmp_path: Path) -> None:
    """Two signatures are two blockers."""
    keep(tmp_path)
    register = keep(tmp_path, dataclasses.replace(CAUSE, signature="f" * 64))

    assert len(register.entries()) == 2


def test_green_runs_close_only_their_suite(tmp_path: Path) -> None:
    """Three green runs in a row of its suite close a blocker; another suite's do not."""
    register = keep(tmp_path)

    other = [register.note_green("other", SEEN.instant) for _ in range(5)]
    own = [register.note_green("tiny", SEEN.instant) for _ in range(4)]

    assert other == [()] * 5
    assert own == [(), (), ("B-01234567",), ()]
    assert register.entries()[0].status == "closed"


def test_closing_by_hand_needs_a_reason(tmp_path: Path) -> None:
    """A blocker is closed with a reason, which is kept, or not at all."""
    register = keep(tmp_path)

    with pytest.raises(ConfigError):
        register.close("B-01234567", "  ")
    with pytest.raises(ConfigError):
        register.close("../B-01234567", "why")
    with pytest.raises(ConfigError):
        register.close("B-99999999", "why")

    assert register.close("B-01234567", "The scan was wrong.").status == "closed"
    assert register.entries()[0].closed_because == "The scan was wrong."


DAMAGE = ["", "no head\n", "---\nid: 3\n---\n", "---\nid: [\n---\n", "---\n{}\n---\n"]


@pytest.mark.parametrize("content", DAMAGE)
def test_damaged_note_is_named(tmp_path: Path, content: str) -> None:
    """A note that we did not write so is damage and names its file."""
    register = keep(tmp_path)
    (tmp_path / "blockers/B-01234567.md").write_text(content)

    with pytest.raises(IntegrityError) as caught:
        register.entries()

    assert "B-01234567.md" in caught.value.where
