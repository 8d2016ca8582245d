"""A merged ledger in, the ledgers it was merged from out, so that their checkpoints still hold.

A merge keeps ours as it is and appends what only theirs has, chained anew; its entry says how
theirs was made of both. From that, theirs is rebuilt leaf by leaf and held against the root
that the entry recorded: a checkpoint of either branch can be proved in the merged ledger.

Source: design of the harness, section 7 (branches that both appended merge).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import IntegrityError
from harness.evidence.ledger import checkpoint, log, merkle
from harness.evidence.ledger.checkpoint import Checkpoint
from harness.evidence.ledger.log import Entry
from harness.frozen import dataclass

KIND = "merge"
RUN_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Branch:
    """A ledger as it was: its entries, and where each of them stands in the merged one."""

    entries: tuple[Entry, ...]
    places: tuple[int, ...]

    @property
    def leaves(self) -> list[bytes]:
        """Leaf hashes of the entries."""
        return [bytes.fromhex(entry.leaf) for entry in self.entries]


def runs(places: Sequence[int]) -> list[list[int]]:
    """Write places as runs: [first, count], in order."""
    pairs: list[list[int]] = []
    for place in places:
        if pairs and place == sum(pairs[-1]):
            pairs[-1][1] += 1
        else:
            pairs.append([place, 1])
    return pairs


def branches(entries: Sequence[Entry]) -> Iterator[Branch]:
    """Rebuild every ledger that was merged into this one, the merged ones of those included.

    A merge entry whose numbers do not lead to the root it records gives nothing.
    """
    position = 0
    while position < len(entries):
        entry = entries[position]
        position += 1
        if entry.kind == KIND:
            branch = _rebuilt(entries, entry)
            if branch is not None:
                yield branch
                for inner in branches(branch.entries):
                    places = tuple(branch.places[place] for place in inner.places)
                    yield Branch(inner.entries, places)
            position += _count(entry.body.get("added"))  # merges of theirs, told above


def require(
    pinned: Checkpoint, leaves: Sequence[bytes], entries: Sequence[Entry], where: str
) -> frozenset[int]:
    """Require that a checkpoint is of this ledger or of one merged into it.

    Returns:
        The sequence numbers, in this ledger, of the entries that the checkpoint covers.

    Raises:
        IntegrityError: Entries that were there are gone or changed.
    """
    try:
        checkpoint.require_prefix(pinned, leaves, where)
    except IntegrityError:
        for branch in branches(entries):
            is_long = len(branch.entries) >= pinned.size
            if is_long and merkle.root(branch.leaves[: pinned.size]) == pinned.root:
                return frozenset(branch.places[: pinned.size])
        raise
    return frozenset(range(pinned.size))


def _rebuilt(entries: Sequence[Entry], merge: Entry) -> Branch | None:
    base, size = _count(merge.body.get("base")), _count(merge.body.get("size"))
    added = _count(merge.body.get("added"))
    order = merge.body.get("order", [[merge.sequence + 1, added]])
    places_in_order = itertools.chain(range(base), _places(order, len(entries)))
    # Runs of a hostile ledger may repeat: no branch is longer than what it was merged into.
    places = list(itertools.islice(places_in_order, len(entries) + 1))
    if base > merge.sequence or len(places) != size or size > len(entries):
        return None
    rebuilt = list(entries[:base])
    for place in places[base:]:
        rebuilt.append(log.chain_entry(entries[place], rebuilt[-1] if rebuilt else None))
    branch = Branch(tuple(rebuilt), tuple(places))
    return branch if merkle.root(branch.leaves).hex() == merge.body.get("root") else None


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0


def _places(order: Any, size: int) -> Iterator[int]:
    """Read runs; what is no run inside the ledger ends the reading."""
    for run in order if isinstance(order, list) else ():
        if not isinstance(run, list) or len(run) != 2:  # noqa: PLR2004 - first and count
            return
        first, count = map(_count, run)
        if first + count > size:
            return
        yield from range(first, first + count)
