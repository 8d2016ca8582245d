"""Two ledgers that grew apart in, one that holds the entries of both out.

Ours stays as it is; an entry of kind ``merge`` records size and root of theirs, and what only
they have follows, with its original time. ``history`` rebuilds theirs from that.

Source: design of the harness, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.ledger import canonical, history, merkle
from harness.ledger.history import KIND
from harness.ledger.log import Entry, Ledger

__all__ = ["KIND", "Merged", "merge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a merge did: entries in common, entries added, and the new size."""

    common: int
    added: int
    size: int


def merge(ours: Ledger, theirs: Ledger) -> Merged:
    """Append to our ledger what only their ledger holds.

    Raises:
        IntegrityError: One of the two is damaged; ours is as before.
        LockTimeoutError: The lock of ours was not had.
        StorageError: The disk refused.
    """
    mine, other = ours.entries(), theirs.entries()
    common = _common(mine, other)
    known = {_identity(entry): entry.sequence for entry in mine[common:]}
    missing = [entry for entry in other[common:] if _identity(entry) not in known]
    if not missing:
        return Merged(common=common, added=0, size=len(mine))
    items = [(entry.kind, entry.subject, entry.body, entry.time) for entry in missing]
    if common < len(mine):
        root = merkle.root([bytes.fromhex(entry.leaf) for entry in other]).hex()
        body: dict[str, Any] = {"base": common, "size": len(other), "root": root}
        body |= {"added": len(missing), **_order(other[common:], known, len(mine) + 1)}
        items.insert(0, (KIND, "ledger", body, ""))
    ours.append_all(items)
    return Merged(common=common, added=len(missing), size=len(mine) + len(items))


def _order(theirs: Sequence[Entry], known: Mapping[bytes, int], place: int) -> dict[str, Any]:
    """Say where the entries of theirs stand in the merged ledger, unless all simply follow."""
    places = []
    for entry in theirs:
        there = known.get(_identity(entry))
        places.append(place if there is None else there)
        place += there is None
    found = history.runs(places)
    return {"order": found} if 1 < len(found) <= history.RUN_LIMIT else {}


def _common(mine: Sequence[Entry], other: Sequence[Entry]) -> int:
    pairs = zip(mine, other, strict=False)
    return next(
        (i for i, (a, b) in enumerate(pairs) if a.leaf != b.leaf), min(len(mine), len(other))
    )


def _identity(entry: Entry) -> bytes:
    """Tell entries apart by what they say, not by where they stand."""
    return canonical.dumps([entry.kind, entry.subject, entry.time, entry.body])
