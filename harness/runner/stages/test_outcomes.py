"""What the pytest plugin notes of single tests: attempts, and how those in quarantine went.

The notes are asked for where a stage may run tests again, bounds them, or has some of them in
quarantine. They are written by a child that runs foreign tests: only ids that were declared
count, and notes that are not what the plugin writes are no notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.config import quarantine_rules
from harness.config.project import StageSpec
from harness.judgement import quarantine
from harness.records import QuarantineRecord

NAME = "evidence.json"
PLUGIN = "harness.runner.pytest_plugin"
_LARGEST = 64 << 20
_BAD = ("failed", "error")
_QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class TestNote:
    """One test: its id, its outcome, how often it was run again, and its quarantine's id."""

    id: str
    outcome: str
    retries: int
    quarantine: str | None


def key(stage: str) -> str:
    """Name the value of a stage context that lists the tests of a stage in quarantine."""
    return f"quarantine:{stage}"


def list_quarantined(stage: StageSpec, standing: Iterable[QuarantineRecord]) -> str:
    """List the tests in quarantine that a stage can choose, one a line: id, ``|``, why."""
    return "\n".join(
        f"{entry.id}|{entry.owner}, until {entry.expires}: {entry.reason}".replace("\n", " ")
        for entry in standing
        if entry.kind == "test"
        and entry.state == quarantine.ACTIVE
        and quarantine_rules.covers(stage, entry.id)
    )


def options(spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that load the plugin where a stage needs it."""
    entries = patience(spec, values)
    if not entries and not spec.artifacts:
        return ()
    return ("-p", PLUGIN, f"--evidence={Path(values['work']) / spec.id}", *entries)


def patience(spec: StageSpec, values: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that make pytest patient with single tests."""
    entries = [f"--quarantine={entry}" for entry in values.get(key(spec.id), "").splitlines()]
    if spec.test_retries:
        entries.append(f"--test-retries={spec.test_retries}")
    if spec.test_timeout_s is not None:
        entries.append(f"--test-timeout={spec.test_timeout_s:g}")
    return tuple(entries)


def read_notes(path: Path) -> tuple[TestNote, ...]:
    """Read the notes of a session; none where there is no such file or it is another one."""
    try:
        if path.stat().st_size > _LARGEST:
            return ()
        return tuple(_parse_note(test) for test in json.loads(path.read_bytes())["tests"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ()


def _parse_note(test: Any) -> TestNote:
    entry = test.get("quarantine") if isinstance(test, dict) else None
    return TestNote(
        id=str(test["id"]),
        outcome=str(test["outcome"]),
        retries=len(test.get("attempts", ())),
        quarantine=None if entry is None else str(entry),
    )


def only(declared: str, notes: Iterable[TestNote]) -> tuple[TestNote, ...]:
    """Leave out quarantines that were not declared (see ``listed``)."""
    known = {entry.rpartition("|")[0] for entry in declared.splitlines()}
    return tuple(
        note if note.quarantine in known else replace(note, quarantine=None) for note in notes
    )


def count_outcomes(counts: Mapping[str, int], notes: Iterable[TestNote]) -> dict[str, int]:
    """Tell failed tests in quarantine, which pytest reports as skipped, from skipped ones."""
    excused = sum(n.quarantine is not None and n.outcome == _QUARANTINED for n in notes)
    if not counts or not excused:
        return dict(counts)
    excused = min(excused, counts["skipped"])
    return {**counts, "skipped": counts["skipped"] - excused, _QUARANTINED: excused}


def flaky(notes: Iterable[TestNote]) -> tuple[str, ...]:
    """Name the tests that passed only when they were run again, and how often that was."""
    return tuple(
        f"{note.id}: {quarantine.retries(note.retries)}"
        for note in notes
        if note.retries and note.outcome == "passed"
    )


def outcomes(notes: Iterable[TestNote]) -> dict[str, str]:
    """Say how each declared test went; of several that one id names, the worst counts."""
    found: dict[str, str] = {}
    order = (quarantine.CLEAN, quarantine.FLAKY, quarantine.FAILED)
    for note in notes:
        word = _outcome(note)
        if note.quarantine is None or word is None:
            continue
        before = found.get(note.quarantine, word)
        found[note.quarantine] = max(before, word, key=order.index)
    return found


def _outcome(note: TestNote) -> str | None:
    if note.outcome == _QUARANTINED or note.outcome in _BAD:
        return quarantine.FAILED
    if note.outcome != "passed":
        return None
    return quarantine.FLAKY if note.retries else quarantine.CLEAN
