"""The edges of keys, locks and lines: what is one off on either side is not let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.evidence.ledger import checkpoint, history, keys, lock, log, merge, merkle
from harness.evidence.ledger.log import Ledger


def _moved(id_: bytes, change: int) -> bytes:
    """Return the id that lies so far from another one."""
    return ((int.from_bytes(id_, "big") + change) % (1 << 32)).to_bytes(4, "big")


@pytest.mark.parametrize("change", [-1, 1, 1 << 31])
@pytest.mark.parametrize("kind", ["secret", "public"])
def test_id_that_does_not_fit_is_refused(kind: str, change: int) -> None:
    """A larger one and a smaller one; the one that fits is read."""
    key = keys.new("ci")
    right = key.public.id
    text, read = {
        "secret": (key.encode(), keys.read_secret),
        "public": (key.public.encode(), keys.read_public),
    }[kind]

    read(text)
    with pytest.raises(ConfigError, match="id"):
        read(text.replace(f"+{right.hex()}+", f"+{_moved(right, change).hex()}+"))


@pytest.mark.parametrize("change", [-1, 1])
def test_signature_of_another_id_is_none(change: int) -> None:
    """The same 64 bytes under the next id, and under the one before, sign nothing."""
    key = keys.new("ci")
    signature = key.sign(b"text")
    other = _moved(signature[:4], change) + signature[4:]

    assert keys.is_signed(key.public, b"text", signature)
    assert not keys.is_signed(key.public, b"text", other)
    assert not keys.is_signed(key.public, b"text", signature + b"\0")
    assert not keys.is_signed(key.public, b"text", signature[:-1])


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"[1]",
        b"{}",
        b'{"pid": null, "boot": ""}',
        b'{"pid": Infinity, "boot": ""}',
        b'{"pid": "x"}',
        b"\xff",
    ],
)
def test_unreadable_lock_names_another_process(tmp_path: Path, content: bytes | None) -> None:
    """A lock without an owner that can be read is somebody's all the same."""
    path = tmp_path / "ledger.lock"
    if content is not None:
        path.write_bytes(content)

    assert lock._holder(path) == "another process"


def test_first_entry_makes_the_folders(tmp_path: Path) -> None:
    """However deep the ledger is to lie."""
    ledger = Ledger(tmp_path / "a/b/c/ledger.jsonl")

    ledger.append("note", "x", {})

    assert ledger.count() == 1


@pytest.mark.parametrize("torn", [0, 1, log.LINE_LIMIT // 2, log.LINE_LIMIT - 1])
def test_longest_line_is_found_before_a_torn_tail(tmp_path: Path, torn: int) -> None:
    """The last whole entry counts, however long it is and whatever stands behind it."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.append("note", "first", {})
    entry = ledger.append("note", "long", {"text": ""})
    room = log.LINE_LIMIT - len(ledger.path.read_bytes().splitlines()[1]) - 8
    ledger.path.unlink()
    ledger.append("note", "first", {})
    entry = ledger.append("note", "long", {"text": "x" * room})
    with ledger.path.open("ab") as stream:
        stream.write(b"y" * torn)

    assert ledger.count() == 2
    assert ledger.append("note", "next", {}).previous == entry.leaf


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_proofs_of_what_is_not_there_are_refused(size: int) -> None:
    """No prefix of nothing or beyond the tree, no leaf before the first or after the last."""
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(size)]

    for old in (-1, 0, size + 1):
        with pytest.raises(merkle.ProofError):
            merkle.consistency_proof(leaves, old)
    for index in (-1, size):
        with pytest.raises(merkle.ProofError):
            merkle.inclusion_proof(leaves, index)
    if size:
        assert merkle.consistency_proof(leaves, size) == []


@pytest.mark.parametrize("index", [-2, -1, 1, 2])
def test_inclusion_outside_the_tree_is_refused(index: int) -> None:
    """The tree of one leaf needs no hashes, and holds nothing before or after it."""
    leaf = merkle.leaf_hash(b"x")

    merkle.check_inclusion(leaf, 0, 1, [], leaf)
    with pytest.raises(merkle.ProofError):
        merkle.check_inclusion(leaf, index, 1, [], leaf)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_merged_ledger_proves_one_with_an_entry_in_common(tmp_path: Path, after: int) -> None:
    """An entry that both have stands elsewhere in each; theirs is rebuilt all the same."""

    def grown(name: str, *subjects: str) -> Ledger:
        ledger = Ledger(tmp_path / name, clock=lambda: "2026-01-02T03:04:05Z")
        for subject in subjects:
            ledger.append("note", subject, {})
        return ledger

    ours = grown("ours.jsonl", "first", "mine", "both")
    theirs = grown("theirs.jsonl", "first", "both", *(f"theirs {n}" for n in range(after)))
    pinned = checkpoint.take(theirs.leaves(), "x")

    merge.merge(ours, theirs)

    if after:
        covered = history.require(pinned, ours.leaves(), ours.entries(), "theirs")
        subjects = [ours.entries()[i].subject for i in sorted(covered)]
        assert subjects == ["first", "both", *(f"theirs {n}" for n in range(after))]
    assert len(ours.entries()) == 3 + (1 + after if after else 0)
