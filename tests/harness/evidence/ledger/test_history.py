"""After a merge, a checkpoint of either branch is still provable, and no other one is."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from harness.errors import IntegrityError
from harness.evidence.ledger import checkpoint, history, merge
from harness.evidence.ledger.log import Ledger


def forked(folder: Path, *names: str) -> list[Ledger]:
    """Return ledgers that share two entries and then went their own ways."""
    first = Ledger(folder / "first.jsonl", clock=lambda: "2026-01-02T03:04:05Z")
    for number in range(2):
        first.append("seal", f"tiny/{number}", {"number": number})
    made = []
    for name in names:
        branch = Ledger(folder / f"{name}.jsonl")
        branch.path.write_bytes(first.path.read_bytes())
        for number in range(3):
            branch.append("seal", f"{name}/{number}", {"text": "é😀"})
        made.append(branch)
    return made


def covered(pinned: checkpoint.Checkpoint, ledger: Ledger) -> frozenset[int]:
    """Return what a checkpoint covers in a ledger."""
    return history.require(pinned, ledger.leaves(), ledger.entries(), "checkpoint")


def test_checkpoints_of_both_branches_hold_after_a_merge(tmp_path: Path) -> None:
    """Each size of each branch, taken before the merge, is proved in the merged ledger."""
    ours, theirs = forked(tmp_path, "ours", "theirs")
    pinned = [
        checkpoint.Checkpoint(
            origin="x",
            size=size,
            root=checkpoint.take(ledger.leaves()[:size], "x").root,
        )
        for ledger in (ours, theirs)
        for size in range(1, 6)
    ]
    last = covered(checkpoint.take(theirs.leaves(), "x"), theirs)

    merge.merge(ours, theirs)

    assert all(covered(one, ours) for one in pinned)
    assert last == frozenset(range(5))
    names = [ours.entries()[i].subject for i in sorted(covered(pinned[-1], ours))]
    assert names == ["tiny/0", "tiny/1", "theirs/0", "theirs/1", "theirs/2"]


def test_a_merge_of_merges_keeps_all_branches_provable(tmp_path: Path) -> None:
    """Three branches, merged in turn and twice over, with entries in common in between."""
    one, two, three = forked(tmp_path, "one", "two", "three")
    pinned = [checkpoint.take(ledger.leaves(), "x") for ledger in (one, two, three)]
    merge.merge(two, three)
    two.append("note", "later", {})
    pinned.append(checkpoint.take(two.leaves(), "x"))
    merge.merge(one, three)
    pinned.append(checkpoint.take(one.leaves(), "x"))

    merge.merge(one, two)

    assert [bool(covered(each, one)) for each in pinned] == [True] * 5


def test_a_checkpoint_of_a_third_history_is_refused(tmp_path: Path) -> None:
    """What was never merged is no part of the ledger."""
    ours, theirs, other = forked(tmp_path, "ours", "theirs", "other")
    merge.merge(ours, theirs)

    with pytest.raises(IntegrityError):
        covered(checkpoint.take(other.leaves(), "x"), ours)


@pytest.mark.parametrize(
    "body",
    [
        {"base": 99, "size": 3, "root": "0" * 64, "added": 1},
        {"base": 0, "size": 2, "root": "0" * 64, "added": 2, "order": [[0, 10**9]]},
        {"base": -1, "size": "x", "root": 5, "added": None, "order": "all"},
        {"base": 1, "size": 3, "root": "0" * 64, "order": [[1], "x", [1, 2, 3]]},
        {},
    ],
)
def test_a_merge_entry_that_lies_gives_no_branch(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """Numbers that lead nowhere, or to another root, are neither followed nor believed."""
    (ledger,) = forked(tmp_path, "ours")
    ledger.append("merge", "ledger", body)
    ledger.append("note", "later", {})

    assert list(history.branches(ledger.entries())) == []


def test_runs_that_repeat_are_not_piled_up(tmp_path: Path) -> None:
    """A hostile merge entry names all entries five thousand times; memory does not grow."""
    (ledger,) = forked(tmp_path, "ours")
    items = [("note", str(number), {}, "2026-01-02T03:04:05Z") for number in range(200)]
    ledger.append_all(items)
    order = [[0, 200]] * 5000
    ledger.append(
        "merge", "ledger", {"base": 0, "size": 10**6, "root": "0" * 64, "order": order}
    )
    entries = ledger.entries()

    tracemalloc.start()
    branches = list(history.branches(entries))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert branches == []
    assert peak < 1_000_000


def test_an_overlong_line_is_damage_and_no_torn_tail(tmp_path: Path) -> None:
    """A line beyond any entry, in the middle or at the end, never shortens the ledger."""
    (ledger,) = forked(tmp_path, "ours")
    content = ledger.path.read_bytes()
    for tail in (b"x" * 70_000, b"x" * 70_000 + b"\n", b"x" * 70_000 + b"\n" + content):
        ledger.path.write_bytes(content + tail)
        with pytest.raises(IntegrityError):
            ledger.check()
