"""Two ledgers that grew apart in, one that holds the entries of both out.

Ours stays as it is; an entry of kind ``merge`` records size and root of theirs, and what only
they have follows, with its original time.

Source: design of the harness, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.ledger import canonical, merkle
from harness.ledger.log import Entry, Ledger

KIND = "merge"


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
    known = {_identity(entry) for entry in mine[common:]}
    missing = [entry for entry in other[common:] if _identity(entry) not in known]
    if not missing:
        return Merged(common=common, added=0, size=len(mine))
    items = [(entry.kind, entry.subject, entry.body, entry.time) for entry in missing]
    if common < len(mine):
        root = merkle.root([bytes.fromhex(entry.leaf) for entry in other]).hex()
        body = {"base": common, "size": len(other), "root": root, "added": len(missing)}
        items.insert(0, (KIND, "ledger", body, ""))
    ours.append_all(items)
    return Merged(common=common, added=len(missing), size=len(mine) + len(items))


def _common(mine: Sequence[Entry], other: Sequence[Entry]) -> int:
    pairs = zip(mine, other, strict=False)
    return next(
        (i for i, (a, b) in enumerate(pairs) if a.leaf != b.leaf), min(len(mine), len(other))
    )


def _identity(entry: Entry) -> bytes:
    """Tell entries apart by what they say, not by where they stand."""
    return canonical.dumps([entry.kind, entry.subject, entry.time, entry.body])
