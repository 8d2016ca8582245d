"""Two ledgers that grew apart in, one that holds the entries of both out.

Ours stays as it is; an entry of kind ``merge`` records size and root of theirs, and what only
they have follows, with its original time. ``history`` rebuilds theirs from that.

Source: design of the harness, section 7.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from harness.evidence.ledger import canonical, history, merkle
from harness.evidence.ledger.history import KIND
from harness.evidence.ledger.log import Entry, Ledger
from harness.frozen import dataclass

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
    common, mine, other, tree = _apart(ours, theirs)
    size = common + len(mine)
    known = {_identity(entry): entry.sequence for entry in mine}
    missing = [entry for entry in other if _identity(entry) not in known]
    if not missing:
        return Merged(common=common, added=0, size=size)
    items = [(entry.kind, entry.subject, entry.body, entry.time) for entry in missing]
    if mine:
        body: dict[str, Any] = {"base": common, "size": tree.size, "root": tree.root().hex()}
        body |= {"added": len(missing), **_order(other, known, size + 1)}
        items.insert(0, (KIND, "ledger", body, ""))
    ours.append_all(items)
    return Merged(common=common, added=len(missing), size=size + len(items))


def _apart(
    ours: Ledger, theirs: Ledger
) -> tuple[int, list[Entry], list[Entry], merkle.Growing]:
    """Read two ledgers side by side; keep only what comes after their common beginning.

    Returns:
        The number of entries in common, the later ones of ours and of theirs, and the tree
        of theirs.
    """
    common, tree = 0, merkle.Growing()
    mine: list[Entry] = []
    other: list[Entry] = []
    for one, two in itertools.zip_longest(ours.walk(), theirs.walk()):
        if two is not None:
            tree.add(bytes.fromhex(two.leaf))
        if one == two and not mine and not other:
            common += 1
            continue
        mine += [] if one is None else [one]
        other += [] if two is None else [two]
    return common, mine, other, tree


def _order(theirs: Sequence[Entry], known: Mapping[bytes, int], place: int) -> dict[str, Any]:
    """Say where the entries of theirs stand in the merged ledger, unless all simply follow."""
    places = []
    for entry in theirs:
        there = known.get(_identity(entry))
        places.append(place if there is None else there)
        place += there is None
    runs = history.runs(places)
    return {"order": runs} if 1 < len(runs) <= history.RUN_LIMIT else {}


def _identity(entry: Entry) -> bytes:
    """Tell entries apart by what they say, not by where they stand."""
    return canonical.dumps([entry.kind, entry.subject, entry.time, entry.body])
