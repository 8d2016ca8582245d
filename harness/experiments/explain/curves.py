"""Curves of two runs side by side: at which epoch which column moved first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest, series
from harness.frozen import dataclass
from harness.records import HubRecord

_LARGEST = 4 << 20
_ALIKE = 1e-6  # relative; what is written with six digits may differ by so much
_MOST = 3


@dataclass(frozen=True, slots=True)
class Departure:
    """A column at the first point where two runs differ.

    ``axis`` is ``epoch`` or ``step``, ``at`` the point, ``change`` the change in units of the
    larger of both values.
    """

    artifact: str
    column: str
    axis: str
    at: float
    before: float
    after: float
    change: float


def find_departures(
    base: Path, before: HubRecord, hub: Path, after: HubRecord
) -> tuple[Departure, ...]:
    """Return what differs first in the tables of two hubs: the largest changes at that point.

    Args:
        base: Folder of the earlier hub.
        before: Its record.
        hub: Folder of the later hub.
        after: Its record.
    """
    old, new = _read_tables(base, before), _read_tables(hub, after)
    departures = [one for key in old if key in new for one in _depart(key, old[key], new[key])]
    if not departures:
        return ()
    first = min(one.at for one in departures)
    at_first = [one for one in departures if one.at == first]
    return tuple(sorted(at_first, key=lambda one: -one.change)[:_MOST])


def _read_tables(hub: Path, record: HubRecord) -> Mapping[tuple[str, str], series.Series]:
    departures = {}
    for artifact in record.artifacts:
        if not artifact.path.endswith(".csv") or artifact.external:
            continue
        with contextlib.suppress(IntegrityError):  # no table here, or none so small
            path = digest.join_inside(hub, artifact.path)
            table = digest.read_bytes(path, _LARGEST).decode(errors="replace")
            for column in series.of_table(table):
                departures[artifact.id, column.name] = column
    return departures


def _depart(
    key: tuple[str, str], old: series.Series, new: series.Series
) -> Iterator[Departure]:
    """Yield the first point at which a column differs; nothing where it never does."""
    values = dict(new.points)
    for at, before in old.points:
        after = values.get(at)
        if after is None:
            continue
        size = max(abs(before), abs(after))
        # A value that is not finite differs from any that is.
        change = abs(after - before) / size if size > 0 else 0.0
        if not change <= _ALIKE:
            yield Departure(key[0], key[1], old.axis, at, before, after, change)
            return
