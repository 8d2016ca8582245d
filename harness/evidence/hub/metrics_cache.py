"""The guarded numbers of earlier runs, remembered by the identity of their record's file.

A trend over many runs then reads one small file instead of every record. It is a cache: it may
be deleted at any time, and a record that is not the same file any more is read again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.errors import HarnessError, StorageError
from harness.evidence.hub import layout
from harness.evidence.hub.store import read_record
from harness.files import identify, json_bytes, read_cache, write_bytes

_SCHEMA = 1


class MetricsCache:
    """Numbers by guard of sealed runs; ``save`` keeps those that were asked for."""

    def __init__(self, path: Path) -> None:
        """Read the cache; an unreadable one is empty."""
        self._path = path
        self._known = _read(path)
        self._used: dict[str, Any] = {}

    def numbers(self, hub: Path) -> dict[str, float]:
        """Return the number of each guard of a run that found one; none if unreadable."""
        identity = _identity(hub / layout.RECORD)
        if identity is None:
            return {}
        known: Any = self._known.get(str(hub))
        if not _fits(known, identity):
            try:
                record = read_record(hub)
            except HarnessError:
                return {}  # `verify` is where damage is judged
            values = {g.id: g.value for g in record.guards if g.value is not None}
            known = {"file": identity, "numbers": values}
        self._used[str(hub)] = known
        numbers: dict[str, float] = known["numbers"]
        return numbers

    def save(self) -> None:
        """Write what was asked for; a cache that cannot be written is left as it was."""
        if self._used == self._known:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path, json_bytes({"schema": _SCHEMA, "hubs": self._used}))
        except (OSError, StorageError, ValueError):
            return


def _identity(path: Path) -> list[int] | None:
    try:
        return identify(path.lstat())
    except OSError:
        return None


def _fits(known: Any, identity: list[int]) -> bool:
    """Say whether an entry is of this file and holds numbers, whoever wrote the cache."""
    if not isinstance(known, dict) or known.get("file") != identity:
        return False
    numbers = known.get("numbers")
    return isinstance(numbers, dict) and all(type(n) in (int, float) for n in numbers.values())


def _read(path: Path) -> dict[str, Any]:
    known = read_cache(path, _SCHEMA).get("hubs")
    return known if isinstance(known, dict) else {}
