"""Notes of a session: what the keeper did not write is never believed."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from harness.runner.child_plugin.journal import Journal
from harness.runner.session import notes, verdict
from harness.verdict import Verdict

KEY = b"k" * 32
START: dict[str, Any] = {"event": "start", "hash_seed": "0"}
COLLECTION: dict[str, Any] = {
    "event": "collection",
    "collected": ["t.py::a", "t.py::b"],
    "left_out": [],
    "skipped": [],
    "broken": [],
    "empty": [],
    "marked": [],
    "options": [],
    "keys": [],
}
FINISH: dict[str, Any] = {
    "event": "finish",
    "status": 0,
    "before": 0,
    "stopped": "",
    "suspects": [],
}


def phases(test: str, raw: str = "passed", outcome: str = "passed") -> list[dict[str, Any]]:
    """Write the three reports of a test; the call has its own outcome."""
    return [
        {
            "event": "report",
            "id": test,
            "when": when,
            "outcome": outcome if when == "call" else "passed",
            "duration_s": 0.1,
            "subtest": False,
            "expected": False,
            "notes": [],
            "attempts": [],
            "seen": {
                "raw": raw if when == "call" else "passed",
                "error": "",
                "may_fail": False,
                "suspects": ["conftest.py"],
            },
        }
        for when in ("setup", "call", "teardown")
    ]


WHOLE = [START, COLLECTION, *phases("t.py::a"), *phases("t.py::b"), FINISH]


def written(folder: Path, events: list[dict[str, Any]], key: bytes = KEY) -> bytes:
    """Write events as the keeper does."""
    path = folder / "journal"
    path.touch()
    journal = Journal(str(path), key)
    for event in events:
        journal.write(event)
    return path.read_bytes()


def read(content: bytes) -> notes.SessionNotes:
    return notes.read(io.BytesIO(content), KEY)


def test_whole_session_is_believed(tmp_path: Path) -> None:
    """Two tests, each seen in its three phases, and an end."""
    session = read(written(tmp_path, WHOLE))

    assert (session.damage, verdict.judge(session, 0)) == ("", None)
    assert verdict.count(session)["passed"] == 2
    assert session.tests["t.py::a"].duration_s == pytest.approx(0.3)


def test_any_line_that_is_missing_is_seen(tmp_path: Path) -> None:
    """Whichever line is taken out, put twice or exchanged, the session is not green."""
    lines = written(tmp_path, WHOLE).splitlines(keepends=True)

    for index in range(len(lines)):
        without = lines[:index] + lines[index + 1 :]
        twice = lines[: index + 1] + lines[index:]
        swapped = [*lines[:index], *lines[index:][::-1]]
        for changed in (without, twice, swapped):
            if changed != lines:
                judged = verdict.judge(read(b"".join(changed)), 0)
                assert judged is not None, (index, changed)


def test_any_changed_byte_is_seen(tmp_path: Path) -> None:
    """A changed letter of the text or of its mark ends the belief."""
    content = written(tmp_path, WHOLE)

    for place in range(0, len(content), 7):
        changed = bytearray(content)
        changed[place] ^= 1
        judged = verdict.judge(read(bytes(changed)), 0)
        assert judged is not None, place
        assert judged[0] is Verdict.INCONCLUSIVE


def test_another_key_writes_nothing_true(tmp_path: Path) -> None:
    """Whoever lacks the key cannot write notes."""
    session = read(written(tmp_path, WHOLE, key=b"other"))

    assert (session.tests, session.finish) == ({}, None)
    assert "line 1" in session.damage


@pytest.mark.parametrize(
    ("events", "exit_code", "judged"),
    [
        ([], 0, Verdict.INCONCLUSIVE),
        ([START], 0, Verdict.INCONCLUSIVE),
        (WHOLE[:-1], 0, Verdict.INCONCLUSIVE),
        (WHOLE[:-1], 1, Verdict.RED),
        ([*WHOLE[:5], FINISH], 0, Verdict.INCONCLUSIVE),
        ([*WHOLE[:7], FINISH], 0, Verdict.INCONCLUSIVE),
        ([START, *WHOLE[2:]], 0, Verdict.INCONCLUSIVE),
        ([*WHOLE[:-1], {**FINISH, "status": 1}], 0, Verdict.RED),
        ([*WHOLE[:-1], {**FINISH, "before": 1}], 0, Verdict.RED),
        ([*WHOLE[:5], *phases("t.py::b", "failed"), FINISH], 0, Verdict.RED),
        ([*WHOLE[:5], *phases("t.py::b", "skipped"), FINISH], 0, Verdict.RED),
        ([*WHOLE[:5], *phases("t.py::b", "failed", "skipped"), FINISH], 0, Verdict.RED),
        ([*WHOLE[:5], *phases("t.py::b", "failed", "failed"), FINISH], 0, Verdict.RED),
        ([*WHOLE[:5], *phases("t.py::b", "not called"), FINISH], 0, Verdict.INCONCLUSIVE),
        ([*WHOLE[:5], *phases("t.py::b", "skipped", "skipped"), FINISH], 0, None),
        ([*WHOLE[:5], *phases("t.py::b", "passed", "skipped"), FINISH], 0, None),
    ],
)
def test_sessions_are_judged(
    tmp_path: Path, events: list[dict[str, Any]], exit_code: int, judged: Verdict | None
) -> None:
    """What is missing at the end or was made something else decides, not the exit code."""
    judgement = verdict.judge(read(written(tmp_path, events)), exit_code)

    assert (None if judgement is None else judgement[0]) is judged


def test_who_changed_an_outcome_is_named(tmp_path: Path) -> None:
    """The reason names the test, what happened to it, and who was at work."""
    events = [*WHOLE[:5], *phases("t.py::b", "failed"), FINISH]

    judgement = verdict.judge(read(written(tmp_path, events)), 0)

    assert judgement is not None
    assert "t.py::b" in judgement[1]
    assert "outcome changed by conftest.py" in judgement[1]


@pytest.mark.parametrize(("declared", "judged"), [(True, None), (False, Verdict.INCONCLUSIVE)])
def test_left_out_by_the_selectors_alone(
    tmp_path: Path, *, declared: bool, judged: Verdict | None
) -> None:
    """What the selectors leave out is left out; what others leave out did not run."""
    group = {"by": "-k 'a'", "declared": declared, "tests": ["t.py::b"]}
    events = [START, {**COLLECTION, "left_out": [group]}, *phases("t.py::a"), FINISH]

    session = read(written(tmp_path, events))

    assert verdict.count(session)["collected"] == 1
    assert (verdict.judge(session, 0) or [None])[0] is judged
    assert "left out by -k 'a': t.py::b" in verdict.describe_selection(session)


def test_each_test_of_one_id_has_to_end() -> None:
    """Two tests of one id, of which one ran: nothing is concluded from the other's end."""
    twice = {**COLLECTION, "collected": ["t.py::a", "t.py::a"]}

    for ends, expected in ((1, Verdict.INCONCLUSIVE), (2, None), (3, None)):
        session = notes.SessionNotes()
        notes.take(session, [START, twice, *phases("t.py::a") * ends, FINISH])
        judged = verdict.judge(session, 0)
        assert (None if judged is None else judged[0]) is expected


def test_selectors_may_take_one_of_one_id() -> None:
    """Marks may choose among tests of one id, where the selectors themselves say so."""
    left_out = [{"by": "-m 'fast' (selectors)", "declared": True, "tests": ["t.py::a"]}]
    twice = {**COLLECTION, "collected": ["t.py::a", "t.py::a"], "left_out": left_out}
    session = notes.SessionNotes()

    notes.take(session, [START, twice, *phases("t.py::a"), FINISH])

    assert verdict.judge(session, 0) is None


def test_python_without_asserts_proves_nothing() -> None:
    """Under -O the asserts of helpers are no code, and a pass says nothing of them."""
    session = notes.SessionNotes()

    notes.take(session, [{**START, "optimize": 1}, *WHOLE[1:]])

    judged = verdict.judge(session, 0)
    assert judged is not None
    assert (judged[0], "-O" in judged[1]) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize(
    "value",
    [
        "5",
        "no JSON",
        "[" * 100_000,
        "{}",
        '{"kind": ["metric"]}',
        '{"kind": "metric", "name": "x", "value": true}',
        '{"kind": "file", "name": "x", "path": 1}',
        '{"kind": "seed", "value": "1"}',
    ],
)
def test_property_of_a_test_is_no_evidence(tmp_path: Path, value: str) -> None:
    """A test may record a property of any name and value; the session goes on without it."""
    events = [dict(event) for event in WHOLE]
    for event in events:
        if event["event"] == "report":
            event["notes"] = [["harness-evidence", value]]

    session = read(written(tmp_path, events))

    assert verdict.judge(session, 0) is None
    assert session.tests["t.py::a"].attached == []
