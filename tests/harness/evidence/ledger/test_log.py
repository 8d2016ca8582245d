"""The log: chained, durable, one writer at a time, and never shorter unnoticed."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, IntegrityError, LockTimeoutError, StorageError
from harness.evidence.ledger import canonical, checkpoint, lock, log, merge, merkle
from harness.evidence.ledger.log import Ledger


def filled(path: Path, count: int) -> Ledger:
    """Return a ledger with some entries."""
    ledger = Ledger(path, clock=lambda: "2026-01-02T03:04:05Z")
    for number in range(count):
        ledger.append("seal", f"tiny/{number}", {"number": number, "text": "é😀"})
    return ledger


def test_entries_come_back_in_order_and_chained(tmp_path: Path) -> None:
    """Each entry names the leaf hash of the one before it."""
    entries = filled(tmp_path / "ledger.jsonl", 4).entries()

    assert [entry.body["number"] for entry in entries] == [0, 1, 2, 3]
    assert [e.previous for e in entries[1:]] == [e.leaf for e in entries[:-1]]


def test_the_root_is_that_of_the_lines(tmp_path: Path) -> None:
    """Anybody can recompute the root from the file alone."""
    ledger = filled(tmp_path / "ledger.jsonl", 5)
    leaves = [merkle.leaf_hash(line) for line in ledger.path.read_bytes().splitlines()]

    assert ledger.check().root == merkle.root(leaves).hex()


def test_an_absent_ledger_is_empty(tmp_path: Path) -> None:
    """No file means no entries and the root of the empty tree."""
    assert Ledger(tmp_path / "none.jsonl").check().size == 0


def test_each_changed_byte_is_found(tmp_path: Path) -> None:
    """Any byte of any line, the last one included as far as a pinned root covers it."""
    ledger = filled(tmp_path / "ledger.jsonl", 3)
    content = ledger.path.read_bytes()
    pinned = checkpoint.take(ledger.leaves(), "x")
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        ledger.path.write_bytes(changed)
        with pytest.raises(IntegrityError):
            checkpoint.require_prefix(pinned, ledger.leaves(), "ledger")


@pytest.mark.parametrize("removed", [0, 1, 2])
def test_a_removed_line_is_found(tmp_path: Path, removed: int) -> None:
    """Removal inside the log breaks the chain."""
    ledger = filled(tmp_path / "ledger.jsonl", 4)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[:removed] + lines[removed + 1 :]))

    with pytest.raises(IntegrityError):
        ledger.check()


CHANGES: list[dict[str, object]] = [
    {"body": {"number": 9}},
    {"subject": "tiny/9"},
    {"time": "2027-01-02T03:04:05Z"},
    {"kind": "gc"},
    {"previous": "0" * 64},
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_written_anew_breaks_the_chain_behind_it(
    tmp_path: Path, place: int, change: dict[str, object]
) -> None:
    """Canonical, in its place and of the right number: the next one holds another hash."""
    ledger = filled(tmp_path / "ledger.jsonl", 4)
    lines = ledger.path.read_bytes().splitlines()
    lines[place] = canonical.dumps({**json.loads(lines[place]), **change})
    ledger.path.write_bytes(b"\n".join(lines) + b"\n")

    with pytest.raises(IntegrityError):
        ledger.entries()


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("sequence", [-1, 0, 1, 2, 3, 4])
def test_the_number_of_an_entry_is_its_place(tmp_path: Path, place: int, sequence: int) -> None:
    """Renumbered, with the chain behind it made anew, a ledger is refused all the same."""
    ledger = filled(tmp_path / "ledger.jsonl", 4)
    lines = ledger.path.read_bytes().splitlines()
    lines[place] = canonical.dumps({**json.loads(lines[place]), "sequence": sequence})
    for later in range(place + 1, 4):
        previous = merkle.leaf_hash(lines[later - 1]).hex()
        lines[later] = canonical.dumps({**json.loads(lines[later]), "previous": previous})
    ledger.path.write_bytes(b"\n".join(lines) + b"\n")

    if sequence == place:
        assert ledger.check().size == 4
    else:
        with pytest.raises(IntegrityError):
            ledger.check()


def test_cut_at_each_offset_it_is_a_valid_prefix_and_a_torn_tail(tmp_path: Path) -> None:
    """Never valid and shorter where a checkpoint is pinned; the next append cuts the tail."""
    ledger = filled(tmp_path / "ledger.jsonl", 3)
    content, pinned = ledger.path.read_bytes(), checkpoint.take(ledger.leaves(), "x")
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for size in range(len(content)):
        ledger.path.write_bytes(content[:size])
        whole = sum(end <= size for end in ends)
        health = ledger.check()
        torn = size - max([end for end in ends if end <= size], default=0)
        assert (health.size, health.torn_bytes) == (whole, torn)
        with pytest.raises(IntegrityError):
            checkpoint.require_prefix(pinned, ledger.leaves(), "ledger")
        if size % 13 == 0:
            ledger.append("note", "again", {})
            assert (ledger.check().size, ledger.check().torn_bytes) == (whole + 1, 0)


def test_nothing_is_appended_to_a_damaged_ledger(tmp_path: Path) -> None:
    """A last line that is no entry is damage, not a torn tail."""
    ledger = filled(tmp_path / "ledger.jsonl", 2)
    damaged = ledger.path.read_bytes() + b"{}\n"
    ledger.path.write_bytes(damaged)

    with pytest.raises(IntegrityError):
        ledger.append("seal", "x", {})
    assert ledger.path.read_bytes() == damaged


@pytest.mark.parametrize("body", [{"x": 0.5}, {"x": float("nan")}, {"x": "y" * 70_000}])
def test_an_entry_that_could_not_be_read_is_not_written(
    tmp_path: Path, body: dict[str, object]
) -> None:
    """Fractions, NaN and oversized entries are refused before the file is touched."""
    ledger = filled(tmp_path / "ledger.jsonl", 1)
    before = ledger.path.read_bytes()

    with pytest.raises((HarnessError, canonical.CanonicalError)):
        ledger.append("seal", "x", body)
    assert ledger.path.read_bytes() == before


@pytest.mark.parametrize("call", ["pwrite", "fsync", "ftruncate", "pread"])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses_leaves_the_ledger_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """The entry is either there or not; the next append needs no manual step."""
    ledger = filled(tmp_path / "ledger.jsonl", 2)

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(StorageError):
            ledger.append("seal", "refused", {})

    assert ledger.append("seal", "later", {}).sequence == 2
    assert ledger.check().size == 3


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that writes three bytes at a time still gets a whole entry."""
    real: Callable[[int, bytes, int], int] = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda handle, data, at: real(handle, data[:3], at))

    assert filled(tmp_path / "ledger.jsonl", 2).check().size == 2


def _append_some(path: str, name: str, count: int) -> None:
    ledger = Ledger(Path(path))
    for number in range(count):
        ledger.append("seal", f"{name}/{number}", {})


@pytest.mark.slow
def test_many_writers_lose_and_double_nothing_while_readers_verify(tmp_path: Path) -> None:
    """Sixteen processes append at once; a reader never sees a broken ledger."""
    path = tmp_path / "ledger.jsonl"
    context = multiprocessing.get_context("spawn" if sys.platform == "darwin" else "forkserver")
    context.set_forkserver_preload(["harness.evidence.ledger.log"])
    writers = [
        context.Process(target=_append_some, args=(str(path), str(i), 8)) for i in range(16)
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        Ledger(path).check()
        time.sleep(0.02)
    for writer in writers:
        writer.join()

    subjects = [entry.subject for entry in Ledger(path).entries()]
    assert sorted(subjects) == sorted(f"{i}/{n}" for i in range(16) for n in range(8))


def test_a_dead_owner_s_lock_is_taken_over_at_once(tmp_path: Path) -> None:
    """SIGKILL while holding the lock leaves nothing to unlock."""
    path = tmp_path / ".lock"
    code = (
        "import sys, time; from pathlib import Path; from harness.evidence.ledger import lock\n"
        "with lock.hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(LockTimeoutError) as waiting, lock.hold(path, wait_s=0.05):
            pass
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert str(child.pid) in waiting.value.found
    assert json.loads(path.read_text()).keys() == {"pid", "boot", "start"}

    with lock.hold(path, wait_s=1.0):
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert not path.exists()


def test_a_long_record_of_a_dead_owner_leaves_nothing(tmp_path: Path) -> None:
    """Whoever takes a lock over signs alone, and never cuts the file to nothing."""
    path = tmp_path / ".lock"
    path.write_text(json.dumps({"pid": 1, "boot": "b" * 400, "start": "s"}) + "\n")

    with lock.hold(path, wait_s=1.0):
        assert json.loads(path.read_text()) == lock.owner()


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    """The lock never writes through a link."""
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / ".lock").symlink_to(target)

    with pytest.raises(StorageError), lock.hold(tmp_path / ".lock"):
        pass
    assert target.read_text() == "precious"


def test_ledgers_that_grew_apart_merge_without_loss(tmp_path: Path) -> None:
    """Ours stays a prefix, theirs follow with their time, and a second merge adds nothing."""
    ours = filled(tmp_path / "ours.jsonl", 3)
    theirs = Ledger(tmp_path / "theirs.jsonl", clock=lambda: "2025-05-05T05:05:05Z")
    theirs.path.write_bytes(ours.path.read_bytes())
    ours.append("seal", "tiny/ours", {})
    for name in ("a", "b"):
        theirs.append("seal", f"tiny/{name}", {})
    before = ours.path.read_bytes()

    merged = merge.merge(ours, theirs)

    entries = ours.entries()
    assert ours.path.read_bytes().startswith(before)
    assert (merged.common, merged.added, merged.size) == (3, 2, 7)
    assert [e.subject for e in entries[4:]] == ["ledger", "tiny/a", "tiny/b"]
    assert entries[5].time == "2025-05-05T05:05:05Z"
    assert merge.merge(ours, theirs).added == 0


def test_a_ledger_that_is_only_behind_is_brought_forward_unchanged(tmp_path: Path) -> None:
    """A fast-forward leaves the same bytes as the longer ledger."""
    ours = filled(tmp_path / "ours.jsonl", 2)
    theirs = Ledger(tmp_path / "theirs.jsonl")
    theirs.path.write_bytes(ours.path.read_bytes())
    theirs.append("seal", "tiny/new", {})

    merge.merge(ours, theirs)

    assert ours.path.read_bytes() == theirs.path.read_bytes()


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.dictionaries(st.text(), x)
    ).map(lambda v: json.dumps(v).encode())
)
def test_parsing_anything_raises_one_kind_of_error(line: bytes) -> None:
    """No line makes another exception than IntegrityError."""
    with pytest.raises(IntegrityError):
        log.parse(line, "line 1")


def test_an_append_to_a_long_ledger_takes_milliseconds(tmp_path: Path) -> None:
    """The cost of an append does not grow with the ledger: the tail is read, not the whole."""
    path = tmp_path / "ledger.jsonl"
    previous, lines = merkle.root([]).hex(), []
    for number in range(20_000):
        value = {
            "schema": 1,
            "sequence": number,
            "time": "2026-01-02T03:04:05Z",
            "kind": "seal",
        }
        value |= {"subject": "x", "body": {}, "previous": previous}
        lines.append(canonical.dumps(value))
        previous = merkle.leaf_hash(lines[-1]).hex()
    path.write_bytes(b"\n".join(lines) + b"\n")
    ledger = Ledger(path)
    ledger.append("seal", "warm", {})
    started = time.process_time()
    for number in range(20):
        ledger.append("seal", str(number), {})

    assert (time.process_time() - started) / 20 < 0.015
