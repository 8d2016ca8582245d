"""Which starts a ledger holds for a hub, and what is told of those that no seal ended."""

from __future__ import annotations

import pytest

from harness.evidence.hub.starts import UnsealedRun
from harness.evidence.ledger.log import Entry
from harness.judgement.verify import starting
from harness.judgement.verify.report import Outcome
from harness.judgement.verify.starting import Logged

MINE = "tiny/3"


def read(*entries: str) -> Logged:
    """Note entries that are written ``kind subject``."""
    logged = Logged()
    for sequence, words in enumerate(entries):
        kind, subject = words.split()
        entry = Entry(
            sequence=sequence,
            time="2026-01-02T03:04:05Z",
            kind=kind,
            subject=subject,
            body={},
            previous="",
            leaf="",
        )
        logged.note(entry, MINE)
    return logged


@pytest.mark.parametrize(
    ("entries", "starts", "open_before", "has_any"),
    [
        ((), 0, [], False),
        (("start tiny/3", "seal tiny/3"), 1, [], True),
        (("start tiny/1", "start tiny/3", "seal tiny/3"), 1, ["tiny/1"], True),
        (("start tiny/3", "start tiny/1", "seal tiny/3"), 1, ["tiny/1"], True),
        (("start tiny/1", "seal tiny/1", "start tiny/3", "seal tiny/3"), 1, [], True),
        # It was still running when this one was sealed, and ended since.
        (("start tiny/1", "start tiny/3", "seal tiny/3", "seal tiny/1"), 1, [], True),
        (("start tiny/3", "seal tiny/3", "start tiny/4"), 1, [], True),
        (("start other/1", "start tiny2/1", "start tiny/3", "seal tiny/3"), 1, [], True),
        (("seal tiny/3", "start tiny/4"), 0, [], False),
        (("seal tiny/9", "start tiny/4", "seal tiny/3"), 0, ["tiny/4"], True),
        (("seal tiny/1", "start tiny/1", "seal tiny/3"), 0, ["tiny/1"], True),
        (("note tiny/3", "seal tiny/3"), 0, [], False),
        (("start tiny/3", "start tiny/3"), 2, [], True),
    ],
)
def test_starts_before_a_seal_are_those_of_its_suite(
    entries: tuple[str, ...],
    starts: int,
    open_before: list[str],
    has_any: bool,  # noqa: FBT001 - a column
) -> None:
    """Its own are counted; others of its suite are open until their seal."""
    logged = read(*entries)

    assert len(logged.starts) == starts
    assert list(logged.open_before) == open_before
    assert logged.has_any is has_any


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        (("seal tiny/3",), ""),
        (
            ("seal tiny/1", "start tiny/3"),
            "; plan, rules and golden logged before the first stage: entry 1",
        ),
    ],
)
def test_place_of_a_start_is_said(entries: tuple[str, ...], text: str) -> None:
    """A seal without one says nothing of it."""
    assert starting.describe_start(read(*entries)) == text


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_lost_runs_are_counted_and_the_last_are_named(count: int) -> None:
    """Three by name; one that is still running is not lost."""
    names = [f"tiny/{number}" for number in range(count)]
    runs = [UnsealedRun(subject=name, time="", is_running=False) for name in names]
    living = UnsealedRun(subject="tiny/x", time="", is_running=True)

    (row,) = starting.check_store([*runs, living])

    has = "1 started run has" if count == 1 else f"{count} started runs have"
    more = f" and {count - 3} more" if count > 3 else ""
    assert row.found == f"{has} no seal: {', '.join(names[-3:])}{more}"
    assert row.outcome is Outcome.NOTE
    assert starting.check_store([living]) == []
