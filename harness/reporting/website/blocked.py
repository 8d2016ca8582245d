"""Blockers as the site shows them: from the register, and from the notes of the hubs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import blockers
from harness.evidence.hub.blockers import Blocker, Register
from harness.files import read_bounded
from harness.frozen import dataclass
from harness.reporting import view
from harness.reporting.view import BlockerNote
from harness.reporting.website import rows
from harness.reporting.website.rows import Row

_NOTE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """A blocker, what its note says, and the runs of the site that it blocked, newest first.

    ``is_registered`` is false where only hubs know of it: its count and state are then those
    of the runs in the site.
    """

    head: Blocker
    note: BlockerNote
    seen: tuple[Row, ...]
    is_registered: bool

    @property
    def place(self) -> str:
        """Path of the blocker's page in the site."""
        return f"blockers/{self.head.id}.html"


def gather(hubs: Path, listed: Sequence[Row]) -> list[Entry]:
    """Return the blockers of a store, open ones first, then those seen last."""
    seen: dict[str, list[Row]] = {}
    for row in sorted(listed, key=lambda r: r.run_id, reverse=True):
        for name in row.blockers:
            seen.setdefault(name, []).append(row)
    by_id = {entry.head.id: entry for entry in _read_register(hubs, seen)}
    for name, blocked_rows in seen.items():
        if name not in by_id and (entry := _from_hub(hubs, name, blocked_rows)) is not None:
            by_id[name] = entry
    newest_first = sorted(by_id.values(), key=lambda e: e.head.last_seen, reverse=True)
    return sorted(newest_first, key=lambda e: e.head.status != "open")


def _read_register(hubs: Path, seen: dict[str, list[Row]]) -> list[Entry]:
    entries = []
    for path in sorted(Register(hubs).folder.glob("B-*.md")):
        try:
            head, body = blockers.split_note(
                read_bounded(path, _NOTE_LIMIT).decode(errors="replace"), path
            )
        except (IntegrityError, OSError):
            continue  # `harness blockers list` tells damage; the hubs still hold the note
        if head.id == path.stem:
            rows_ = tuple(seen.get(head.id, ()))
            entries.append(Entry(head, view.note(path.name, body), rows_, is_registered=True))
    return entries


def _from_hub(hubs: Path, name: str, rows_: list[Row]) -> Entry | None:
    newest, oldest = rows_[0], rows_[-1]
    for head, body in rows.notes(hubs / newest.suite / newest.run_id):
        if head.id == name:
            counted = replace(
                head,
                first_seen=oldest.finished,
                last_seen=newest.finished,
                occurrences=len(rows_),
            )
            return Entry(counted, view.note(name, body), tuple(rows_), is_registered=False)
    return None
