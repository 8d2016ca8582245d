"""Hubs of another commit and ledgers merged wrongly, added to the other ways of damage."""

from __future__ import annotations

import json
import shutil

from harness import files
from harness.evidence.hub import digest, inventory
from harness.evidence.ledger import canonical, checkpoint, merge
from harness.evidence.ledger.log import Ledger
from tests.builders import hubs, sealed
from tests.builders.damages import damage
from tests.builders.ledger_damages import DAMAGES, relog
from tests.builders.sealed import Store

__all__ = ["DAMAGES"]

_OTHER = "c0ffee" * 6 + "c0de"


def _clone(store: Store) -> Store:
    """Run the suite at a commit of its own, in another copy of the project."""
    root = store.root.with_name("clone")
    shutil.rmtree(root, ignore_errors=True)
    sealed.copy(store, root)
    hubs.commit(root)
    return sealed.run(root)


def _tell_other_commit(store: Store) -> None:
    """Write another commit into the record, and make the manifest fit."""
    path = store.hub / "hub.json"
    record = json.loads(path.read_bytes())
    record["stamp"] |= {"commit": _OTHER, "dirty": False}
    sealed.write(path, files.json_bytes(record))
    sealed.remanifest(store.hub)


@damage
def commit_of_a_clone(store: Store) -> str:
    """Offer the hub that a clone of the project sealed at another commit."""
    other = _clone(store).hub
    mine = store.hub.with_name(other.name)
    shutil.copytree(other, mine)
    object.__setattr__(store, "hub", mine)
    return "no seal"


@damage
def commit_of_a_clone_renamed(store: Store) -> str:
    """Put the hub of another commit in the place of this one."""
    other = _clone(store).hub
    shutil.rmtree(store.hub)
    shutil.copytree(other, store.hub)
    return f"run id {other.name}"


@damage
def commit_retold(store: Store) -> str:
    """Let the record tell of another commit."""
    _tell_other_commit(store)
    return inventory.MANIFEST


@damage
def commit_retold_and_sealed(store: Store) -> str:
    """Let the record tell of another commit than a seal that fits otherwise."""
    _tell_other_commit(store)
    manifest = digest.sha256(store.hub / inventory.MANIFEST)
    relog(store, lambda v: v.update(body=v["body"] | {"manifest_sha256": manifest}))
    return "commit c0ffee"


def _branches(store: Store) -> tuple[Ledger, Ledger]:
    """Let the ledger and a copy of it grow apart, theirs by two entries; pin theirs."""
    theirs = Ledger(store.root / "theirs.jsonl")
    shutil.copyfile(store.ledger.path, theirs.path)
    store.ledger.append("note", "ours", {})
    for number in range(2):
        theirs.append("note", f"theirs {number}", {"number": number})
    pinned = checkpoint.take(theirs.leaves(), "small")
    store.ledger.path.with_name("checkpoint.txt").write_text(checkpoint.write(pinned))
    return store.ledger, theirs


@damage
def merged_by_text(store: Store) -> str:
    """Put the lines of both branches below each other, as a merge of text does."""
    ours, theirs = _branches(store)
    new = theirs.path.read_bytes().splitlines(keepends=True)[2:]
    ours.path.write_bytes(ours.path.read_bytes() + b"".join(new))
    return "line 4"


@damage
def merged_without_a_word(store: Store) -> str:
    """Chain the entries of theirs behind ours without an entry that says so."""
    ours, theirs = _branches(store)
    new = theirs.entries()[2:]
    ours.append_all([(e.kind, e.subject, e.body, e.time) for e in new])
    return "an entry was changed"


@damage
def merged_and_forgotten(store: Store) -> str:
    """Cut the ledger back to ours after a merge."""
    ours, theirs = _branches(store)
    before = ours.path.read_bytes()
    merge.merge(ours, theirs)
    ours.path.write_bytes(before)
    return "entries were removed"


@damage
def merged_and_changed(store: Store) -> str:
    """Change the last entry of theirs after a merge."""
    ours, theirs = _branches(store)
    merge.merge(ours, theirs)
    *lines, last = ours.path.read_bytes().splitlines(keepends=True)
    value = json.loads(last) | {"body": {"number": 7}}
    ours.path.write_bytes(b"".join(lines) + canonical.dumps(value) + b"\n")
    return "an entry was changed"


@damage
def merged_in_favour_of_theirs(store: Store) -> str:
    """Take the ledger of theirs, which does not know the newest hub."""
    _, theirs = _branches(store)
    newer = sealed.run(store.root)
    shutil.copyfile(theirs.path, store.ledger.path)
    object.__setattr__(store, "hub", newer.hub)
    return "no seal"
