"""Ways of damaging the ledger beside a sealed hub, added to those of its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.evidence.ledger import canonical, checkpoint, merkle
from tests.builders import sealed
from tests.builders.damages import DAMAGES, damage
from tests.builders.sealed import Store

__all__ = ["DAMAGES"]


@damage
def ledger_missing(store: Store) -> str:
    """Take the ledger away."""
    store.ledger.path.unlink()
    return "no ledger"


@damage
def ledger_emptied(store: Store) -> str:
    """Empty the ledger."""
    store.ledger.path.write_bytes(b"")
    return "no seal"


@damage
def ledger_linked(store: Store) -> str:
    """Put a link in the place of the ledger."""
    away = store.root / "away.jsonl"
    store.ledger.path.rename(away)
    store.ledger.path.symlink_to(away)
    return "ledger.jsonl"


def relog(store: Store, change: Callable[[dict[str, Any]], None]) -> None:
    """Rewrite the last entry of a ledger, properly spelled."""
    *before, last = store.ledger.path.read_bytes().splitlines(keepends=True)
    value = json.loads(last)
    change(value)
    store.ledger.path.write_bytes(b"".join(before) + canonical.dumps(value) + b"\n")


@damage
def ledger_verdict(store: Store) -> str:
    """Rewrite the sealed verdict, chain and all."""
    relog(store, lambda v: v.update(body=v["body"] | {"verdict": "red"}))
    return "verdict"


@damage
def ledger_future(store: Store) -> str:
    """Let the seal come from the future."""
    relog(store, lambda v: v.update(time="2999-01-01T00:00:00Z"))
    return "2999"


@damage
def ledger_backdated(store: Store) -> str:
    """Let the seal come before the run."""
    relog(store, lambda v: v.update(time="2001-01-01T00:00:00Z"))
    return "2001"


@damage
def ledger_sequence(store: Store) -> str:
    """Number the entry wrongly."""
    relog(store, lambda v: v.update(sequence=7))
    return "line 2"


@damage
def ledger_spelling(store: Store) -> str:
    """Spell an entry otherwise than canonically."""
    path = store.ledger.path
    path.write_bytes(path.read_bytes().replace(b'"body":', b'"body": '))
    return "line 1"


@damage
def ledger_doubled_line(store: Store) -> str:
    """Repeat an entry with its sequence number."""
    path = store.ledger.path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines, lines[-1]]))
    return "line 3"


@damage
def ledger_sealed_twice(store: Store) -> str:
    """Seal one hub twice, properly chained."""
    entry = sealed.seals(store)[0]
    store.ledger.append(entry.kind, entry.subject, entry.body)
    return "2 seals"


@damage
def ledger_conflict(store: Store) -> str:
    """Leave git's conflict marks in the ledger."""
    path = store.ledger.path
    path.write_bytes(b"<<<<<<< HEAD\n" + path.read_bytes() + b"=======\n>>>>>>> other\n")
    return "line 1"


@damage
def checkpoint_rolled_back(store: Store) -> str:
    """Cut the ledger behind a pinned checkpoint."""
    path, before = store.ledger.path, store.ledger.path.read_bytes()
    store.ledger.append("note", "later", {})
    pinned = checkpoint.take(store.ledger.leaves(), "small")
    (path.parent / "checkpoint.txt").write_text(checkpoint.write(pinned))
    path.write_bytes(before)
    return "entries were removed"


@damage
def checkpoint_of_another(store: Store) -> str:
    """Keep a checkpoint that another history has made."""
    other = checkpoint.take([merkle.leaf_hash(b"x")], "small")
    (store.ledger.path.parent / "checkpoint.txt").write_text(checkpoint.write(other))
    return "an entry was changed"


@damage
def signature_missing(store: Store) -> str:
    """Trust a key that has signed nothing."""
    key = "ci+5ff75b7b+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
    store.declare('name = "small"', f'name = "small"\ntrusted_keys = ["{key}"]')
    return "checkpoint.txt"


@damage
def external_changed(store: Store) -> str:
    """Change an artifact that stays outside the hub."""
    path = next((store.root / ".harness").rglob("weights.bin"))
    path.write_bytes(path.read_bytes()[::-1])
    return "weights.bin"
