"""The checkpoint beside a ledger: what it covers, who signed it, and what is asked of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.evidence.ledger import checkpoint, keys, merge
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import signing
from harness.judgement.verify.report import Outcome, Row

pytest.importorskip("cryptography")


def grow(path: Path, *subjects: str) -> Ledger:
    """Append entries of fixed times."""
    ledger = Ledger(path, clock=lambda: "2026-01-02T03:04:05Z")
    for subject in subjects:
        ledger.append("note", subject, {})
    return ledger


def pin(ledger: Ledger, *signers: SecretKey, size: int | None = None) -> None:
    """Write a checkpoint of the first entries beside a ledger."""
    pinned = checkpoint.take(ledger.leaves()[:size], "x")
    ledger.path.with_name("checkpoint.txt").write_text(checkpoint.write(pinned, signers))


def ask(ledger: Ledger, sequence: int, *trusted: SecretKey | str) -> Row:
    """Return the row of a check."""
    texts = [one if isinstance(one, str) else one.public.encode() for one in trusted]
    (row,) = signing.check(ledger, ledger.leaves(), sequence, texts)
    return row


def test_signed_entries_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    """The last that it pins is covered, the next is not; who signed is named."""
    key = keys.new("ci")
    ledger = grow(tmp_path / "ledger.jsonl", "a", "b", "c")
    pin(ledger, key, size=2)

    first, last, beyond = (ask(ledger, sequence, key) for sequence in range(3))

    assert first.outcome is last.outcome is Outcome.PASSED
    assert last.found == "2 pinned entries hold, signed by ci"
    assert beyond.outcome is Outcome.DAMAGED
    assert (beyond.found, beyond.expected) == (
        "checkpoint.txt: 2 entries signed",
        "entry 2 among them",
    )


def test_where_nobody_is_trusted_no_signature_is_asked_for(tmp_path: Path) -> None:
    """The entries that are pinned hold all the same."""
    ledger = grow(tmp_path / "ledger.jsonl", "a", "b")
    pin(ledger, size=1)

    row = ask(ledger, 1)

    assert (row.outcome, row.found) == (Outcome.PASSED, "1 pinned entries hold")


def test_what_does_not_vouch_is_damage(tmp_path: Path) -> None:
    """No checkpoint, another signer, entries that are gone, text that is none."""
    key, other = keys.new("ci"), keys.new("ci")
    ledger = grow(tmp_path / "ledger.jsonl", "a", "b")
    absent = ask(ledger, 0, key)
    assert (absent.outcome, absent.found) == (Outcome.DAMAGED, "no checkpoint.txt")

    pin(ledger, other)
    assert ask(ledger, 0, key).found == "checkpoint.txt: no trusted signature"
    assert ask(ledger, 0, key, other).outcome is Outcome.PASSED
    pin(grow(tmp_path / "x/ledger.jsonl", "a", "z"), key)
    (tmp_path / "x/checkpoint.txt").replace(tmp_path / "checkpoint.txt")
    assert ask(ledger, 0, key).outcome is Outcome.DAMAGED
    (tmp_path / "checkpoint.txt").write_text("x")
    assert ask(ledger, 0, key).outcome is Outcome.DAMAGED


def test_key_that_cannot_be_read_leaves_it_open(tmp_path: Path) -> None:
    """It is the declaration that is wrong, and no evidence."""
    ledger = grow(tmp_path / "ledger.jsonl", "a")
    pin(ledger, keys.new("ci"))

    assert ask(ledger, 0, "ci+00000000+AAAA").outcome is Outcome.INCONCLUSIVE


def test_checkpoint_of_a_merged_ledger_covers_its_own(tmp_path: Path) -> None:
    """What came from elsewhere stands between; theirs is covered, ours is not."""
    key = keys.new("ci")
    ours = grow(tmp_path / "ledger.jsonl", "a", "mine")
    theirs = grow(tmp_path / "theirs/ledger.jsonl", "a", "b")
    pin(theirs, key)
    (tmp_path / "theirs/checkpoint.txt").replace(tmp_path / "checkpoint.txt")
    merge.merge(ours, theirs)

    subjects = [entry.subject for entry in ours.entries()]
    outcomes = {s: ask(ours, i, key).outcome for i, s in enumerate(subjects)}

    assert subjects == ["a", "mine", "ledger", "b"]
    assert outcomes["a"] is outcomes["b"] is Outcome.PASSED
    assert outcomes["mine"] is outcomes["ledger"] is Outcome.DAMAGED
