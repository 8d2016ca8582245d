"""The journal of a pytest session in; out, what was collected and how each test went.

The journal is written in a process that runs foreign tests: a line that does not carry the
mark of its key ends the reading, and what is missing was never seen to happen.
"""

from __future__ import annotations

import dataclasses
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, BinaryIO

from harness.frozen import dataclass
from harness.runner.child_plugin import journal
from harness.runner.child_plugin.journal import FAILED, NOT_CALLED, PASSED, SKIPPED, XFAILED

QUARANTINED, UNFINISHED, ERROR = "quarantined", "unfinished", "error"
_LARGEST_LINE = 64 << 20
_RERUN = "rerun"
# What the fixture of evidence writes, by kind: keys and the types of their values.
_ATTACHED: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    "metric": {"name": (str,), "value": (int, float)},
    "seed": {"value": (int,)},
    "file": {"name": (str,), "path": (str,)},
}


@dataclasses.dataclass(slots=True)
class TestNotes:
    """One test: the worst of its phases and subtests is how it went.

    ``outcome`` is ``unfinished`` until its call passed, or something of it failed or was
    skipped; ``doubt`` says why a pass is none, ``changed`` that somebody changed a failure.
    Several tests may have one id: ``ends`` says how often one of them was over.
    """

    id: str
    outcome: str = UNFINISHED
    duration_s: float = 0.0
    is_over: bool = False
    ends: int = 0
    doubt: str = ""
    changed: str = ""
    reruns: int = 0
    is_expected: bool = False
    quarantine: str | None = None
    attempts: tuple[str, ...] = ()
    attached: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_bad(self) -> bool:
        """Whether something of it failed."""
        return self.outcome in (FAILED, ERROR)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Tests that were collected and left out: by whom, and whether the selectors say so."""

    by: str
    declared: bool
    tests: tuple[str, ...]


@dataclasses.dataclass(slots=True)
class SessionNotes:
    """A session as its journal tells it; ``finish`` is None where it did not end.

    ``collected`` says how many tests there are of an id. ``damage`` says what is wrong with the
    journal itself.
    """

    start: dict[str, Any] = field(default_factory=dict)
    tests: dict[str, TestNotes] = field(default_factory=dict)
    collected: dict[str, int] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)
    has_collected: bool = False
    finish: dict[str, Any] | None = None
    damage: str = ""


def read_events(stream: BinaryIO, key: bytes) -> Iterator[dict[str, Any]]:
    """Yield the events of a journal as far as they are true.

    Raises:
        ValueError: A line is not what the keeper of the journal wrote.
    """
    last = b""
    for number, line in enumerate(iter(lambda: stream.readline(_LARGEST_LINE), b""), 1):
        text, _, mark = line.rstrip(b"\n").rpartition(b"\t")
        last = hmac.new(key, last + text, "sha256").hexdigest().encode()
        if not hmac.compare_digest(last, mark):
            raise ValueError(f"line {number} was not written by the keeper of the notes")
        yield json.loads(text)


def read(stream: BinaryIO, key: bytes) -> SessionNotes:
    """Read a journal; damage is told and ends the reading."""
    notes = SessionNotes()
    try:
        take(notes, read_events(stream, key))
    except ValueError as error:
        notes.damage, notes.finish = str(error), None
    return notes


def take(notes: SessionNotes, events: Iterable[Mapping[str, Any]]) -> None:
    """Take the events of a session in their order.

    Raises:
        ValueError: An event came after the end.
    """
    for event in events:
        if notes.finish is not None and event["event"] == "start":
            raise ValueError("a second session wrote into the notes")
        match event["event"]:
            case "start":
                notes.start = dict(event)
            case "collection":
                _take_collection(notes, event)
            case "report":
                _take_report(notes, event)
            case "warning":
                fields = ("category", "message", "test", "when")
                notes.warnings.append({name: event[name] for name in fields})
            case "finish":
                notes.finish = dict(event)
            case other:
                raise ValueError(f"unknown event {other!r}")


def _take_collection(notes: SessionNotes, event: Mapping[str, Any]) -> None:
    notes.has_collected = True
    for name, count in Counter(event["collected"]).items():
        notes.collected[name] = max(count, notes.collected.get(name, 0))
    for one in event["left_out"]:
        left_out = LeftOut(one["by"], one["declared"], tuple(one["tests"]))
        if left_out not in notes.left_out:  # each worker collects the same
            notes.left_out.append(left_out)
    for kind, outcome in (("skipped", SKIPPED), ("broken", ERROR)):
        for name in event[kind]:
            notes.tests.setdefault(name, TestNotes(name, outcome=outcome, is_over=True))
    for known, name in (
        (notes.options, "options"),
        (notes.keys, "keys"),
        (notes.empty, "empty"),
        (notes.marked, "marked"),
    ):
        met = set(known)
        known += [one for one in event[name] if one not in met]


def _take_report(notes: SessionNotes, event: Mapping[str, Any]) -> None:
    test = notes.tests.setdefault(event["id"], TestNotes(event["id"]))
    test.duration_s = round(test.duration_s + event["duration_s"], 6)
    properties = dict(event["notes"])
    attached = [
        one
        for name, value in event["notes"]
        if name == "harness-evidence" and (one := _read_attached(value)) is not None
    ]
    if not event["subtest"]:
        test.attached = attached  # the last phase knows all of them
    test.quarantine = properties.get(journal.QUARANTINE, test.quarantine)
    test.attempts = tuple(event["attempts"]) or test.attempts
    test.is_expected = test.is_expected or event["expected"]
    seen = event["seen"]
    is_waived = event["outcome"] == SKIPPED and journal.QUARANTINED in properties
    test.changed = test.changed or _change(event, seen, is_waived=is_waived)
    _take_outcome(test, event, is_waived=is_waived)
    if event["when"] == "call" and event["outcome"] == PASSED and not event["subtest"]:
        test.doubt = test.doubt or _find_doubt(seen)
    if event["when"] not in ("setup", "call"):
        test.is_over, test.ends = True, test.ends + 1


def _read_attached(value: str) -> dict[str, Any] | None:
    """Read what a test attached; None where a property of that name is nobody's evidence."""
    try:
        one = json.loads(value)
    except (ValueError, RecursionError):
        return None
    types = _ATTACHED.get(str(one.get("kind"))) if isinstance(one, dict) else None
    if types is None or not all(type(one.get(key)) in kinds for key, kinds in types.items()):
        return None
    return dict(one)


def _take_outcome(test: TestNotes, event: Mapping[str, Any], *, is_waived: bool) -> None:
    outcome, is_call = event["outcome"], event["when"] == "call"
    if outcome == _RERUN:
        test.reruns += 1
        test.outcome = UNFINISHED
    elif outcome == FAILED:
        test.outcome = FAILED if is_call else ERROR
    elif test.is_bad or outcome not in (PASSED, SKIPPED):
        return
    elif is_waived:
        test.outcome = QUARANTINED
    elif outcome == SKIPPED and not event["subtest"] and test.outcome != QUARANTINED:
        test.outcome = SKIPPED
    elif outcome == PASSED and is_call and not event["subtest"] and test.outcome == UNFINISHED:
        test.outcome = PASSED


def _find_doubt(seen: Mapping[str, Any] | None) -> str:
    """Say why a call that is reported as passed is no proof; empty where it is one."""
    if seen is None:
        return "reported as passed, but was not seen to run"
    if seen["raw"] == NOT_CALLED:
        return f"reported as passed, but it was not called: {seen['error']}"
    return ""


def _change(
    event: Mapping[str, Any], seen: Mapping[str, Any] | None, *, is_waived: bool
) -> str:
    """Say who made something else of a failure or a skip; empty where nobody did."""
    if seen is None or seen["raw"] not in (FAILED, SKIPPED, XFAILED):
        return ""
    outcome = event["outcome"]
    if outcome in (FAILED, _RERUN) or is_waived:
        return ""
    is_expected = outcome == SKIPPED and event["expected"] and seen["may_fail"]
    if outcome == SKIPPED and (seen["raw"] != FAILED or is_expected):
        return ""
    if seen["raw"] != FAILED and event["when"] != "call":
        return ""
    who = ", ".join(dict.fromkeys(seen["suspects"])) or "something unknown"
    return f"{seen['raw']} ({seen['error']}) became {outcome}: outcome changed by {who}"
