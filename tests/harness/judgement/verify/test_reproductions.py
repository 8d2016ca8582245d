"""Reruns that somebody signed: whose count, of which hub, and what a change means."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.config.project import Project
from harness.errors import ConfigError
from harness.evidence.hub import digest, inventory, seal
from harness.evidence.ledger import checkpoint, keys
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import reproductions
from harness.judgement.verify.report import Outcome, Row
from harness.verdict import AnswerClass
from tests.builders.sealed import Store

pytest.importorskip("cryptography")


def log(store: Store, signer: SecretKey | None, answer: str = "rounding", **body: Any) -> None:
    """Write what harness reproduce writes; ``body`` changes it before it is signed."""
    subject = seal.subject(store.hub.parent.name, store.hub.name)
    said = {
        "answer": answer,
        "manifest_sha256": digest.sha256(store.hub / inventory.MANIFEST),
        "differences": [],
        **body,
    }
    signed = reproductions.sign_body(subject, said, signer)
    Ledger(store.ledger.path).append(reproductions.KIND, subject, signed)


def trusting(store: Store, *trusted: SecretKey) -> Project:
    """Return the project with keys that it trusts."""
    return replace(store.project, trusted_keys=tuple(key.public.encode() for key in trusted))


def rows_of(store: Store, project: Project, required: int = 0) -> list[Row]:
    """Return the rows of a check."""
    return reproductions.check(store.hub, project, required)


def test_without_reruns_there_is_no_row(store: Store) -> None:
    """Unless some are required."""
    assert rows_of(store, store.project) == []
    (row,) = rows_of(store, store.project, 1)
    assert (row.outcome, row.found) == (
        Outcome.INCONCLUSIVE,
        "reproduced by 0 other keys that count",
    )


@pytest.mark.parametrize("manifest", ["0" * 64, "f" * 64])
def test_rerun_of_another_hub_does_not_count(store: Store, manifest: str) -> None:
    """Whether its digest is the smaller or the greater one."""
    log(store, keys.new("other"), manifest_sha256=manifest)

    first, last = rows_of(store, store.project, 1)

    assert first.found == "does not count: it is of another hub of this name"
    assert (first.outcome, last.outcome) == (Outcome.NOTE, Outcome.INCONCLUSIVE)


@pytest.mark.parametrize("answer", list(AnswerClass))
def test_answer_counts_where_it_holds(store: Store, answer: AnswerClass) -> None:
    """What came out the same counts; a change that a trusted key found is red."""
    key = keys.new("other")
    log(store, key, answer.value, differences=["artifact out: value"])

    first, last = rows_of(store, trusting(store, key), 1)

    assert (last.outcome is Outcome.PASSED) is answer.holds
    assert (first.outcome is Outcome.PASSED) is answer.holds
    is_change = answer is AnswerClass.CHANGED
    assert (first.outcome is Outcome.RED) is is_change
    assert first.found.endswith(": artifact out: value") is is_change


@pytest.mark.parametrize("differences", [[], None, "text", {"a": 1}, ["one", "two"]])
def test_first_difference_is_named_where_there_is_one(store: Store, differences: Any) -> None:
    """An entry of the ledger may hold anything."""
    key = keys.new("other")
    log(store, key, AnswerClass.CHANGED.value, differences=differences)

    (row,) = rows_of(store, trusting(store, key))

    name = f"{key.name}+{key.public.id.hex()}"
    assert row.outcome is Outcome.RED
    assert row.found.endswith(f"says {name}: one" if "one" in (differences or ()) else name)


def test_change_that_an_unknown_key_found_is_only_told(store: Store) -> None:
    """Anybody could write it."""
    log(store, keys.new("stranger"), AnswerClass.CHANGED.value)

    (row,) = rows_of(store, trusting(store, keys.new("trusted")))

    assert row.outcome is Outcome.NOTE
    assert row.found.endswith("which no trusted key answers for")


def test_keys_are_counted_and_not_entries(store: Store) -> None:
    """Of two trusted keys, one twice, and a stranger, two count; unsigned, nobody does."""
    one, two, stranger = keys.new("one"), keys.new("two"), keys.new("stranger")
    for number, key in enumerate((one, one, two, stranger, None)):
        log(store, key, run=number)
    project = trusting(store, one, two)

    assert rows_of(store, project, 2)[-1].found == "reproduced by 2 other keys"
    assert rows_of(store, project, 2)[-1].outcome is Outcome.PASSED
    assert rows_of(store, project, 3)[-1].outcome is Outcome.INCONCLUSIVE
    # Where no key is named, whoever signed counts.
    assert rows_of(store, store.project, 3)[-1].outcome is Outcome.PASSED
    assert rows_of(store, store.project, 4)[-1].outcome is Outcome.INCONCLUSIVE
    assert len(rows_of(store, project)) == 5


def test_producer_does_not_answer_for_himself(store: Store) -> None:
    """The key of the checkpoint beside the ledger counts for no rerun; another does."""
    producer, other = keys.new("ci"), keys.new("other")
    log(store, producer)
    log(store, other)
    project = trusting(store, producer, other)
    assert rows_of(store, project, 2)[-1].outcome is Outcome.PASSED

    note = checkpoint.write(checkpoint.take(store.ledger.leaves(), "small"), [producer])
    store.ledger.path.with_name("checkpoint.txt").write_text(note)

    first, second, last = rows_of(store, project, 1)
    assert first.found.endswith("who also signs for the producer")
    assert [first.outcome, second.outcome] == [Outcome.NOTE, Outcome.PASSED]
    assert last.found == "reproduced by 1 other keys"
    assert rows_of(store, project, 2)[-1].outcome is Outcome.INCONCLUSIVE
    reproductions.require_other_key(store.hub, project, other)
    reproductions.require_other_key(store.hub, project, None)
    with pytest.raises(ConfigError, match="signed the checkpoint"):
        reproductions.require_other_key(store.hub, project, producer)


@pytest.mark.parametrize("change", ["answer", "subject", "signature", "key"])
def test_signature_of_another_text_does_not_count(store: Store, change: str) -> None:
    """Another word, another run, another signature or another key under the same entry."""
    key = keys.new("other")
    log(store, key, "changed", differences=["x"])
    entry = store.ledger.entries()[-1]
    subject, body = entry.subject, dict(entry.body)
    if change == "subject":
        del body["signature"]
        body = reproductions.sign_body("tiny/20200101T000000Z-000000", body, key)
    else:
        other = reproductions.sign_body(subject, {**body, "answer": "rounding"}, keys.new("b"))
        body[change] = "rounding" if change == "answer" else other[change]
    store.ledger.append(entry.kind, subject, body)

    _, bent, last = rows_of(store, store.project, 2)

    assert bent.found.startswith("does not count: signature of ")
    assert bent.outcome is Outcome.NOTE
    assert last.outcome is Outcome.INCONCLUSIVE
