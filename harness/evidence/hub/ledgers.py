"""The two ledgers of a store, and the order of its runs: as they were logged, by no clock.

Runs seal into the local ledger, below the work folder, which git does not see. The published
one lies beside the hubs and is tracked: it holds copies of the seals of hubs that were
published, and what changed tracked files. A store from before there were two has all in it.

A local seal says how many published entries there were before it; that puts both in one order.

Source: design of the harness, sections 9 and 10.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from harness.config.project import Project
from harness.evidence.hub import layout
from harness.evidence.ledger.log import Entry, Ledger
from harness.files import real_path
from harness.frozen import dataclass

LOCAL, PUBLISHED = "local", "published"
SEAL = "seal"  # kind of the entry that holds the digest of a hub
START = "start"  # and of what is logged before its run
AFTER = "after"  # key of a seal: entries of the published ledger before it
_GUESSED_WORK = ".harness"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Both ledgers of a store; either may be absent."""

    local: Ledger
    published: Ledger

    @property
    def by_name(self) -> tuple[tuple[str, Ledger], ...]:
        """The ledgers that exist, by name."""
        both = ((LOCAL, self.local), (PUBLISHED, self.published))
        return tuple((name, ledger) for name, ledger in both if os.path.lexists(ledger.path))

    def walk(self) -> Iterator[tuple[str, Entry]]:
        """Give the entries of both in one order, each with the name of its ledger.

        Raises:
            IntegrityError: One of them is damaged.
        """
        published, count = self.published.walk(), 0
        for entry in self.local.walk():
            after = entry.body.get(AFTER, 0)
            while type(after) is int and count < after:
                known = next(published, None)
                if known is None:  # another branch is checked out, which has fewer
                    break
                count += 1
                yield PUBLISHED, known
            yield LOCAL, entry
        for known in published:
            yield PUBLISHED, known

    def runs(self) -> dict[str, SealedRun]:
        """Return the sealed runs by subject, in the order in which they were logged first.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        return self.read_runs().sealed

    def read_runs(self) -> LoggedRuns:
        """Return the sealed runs, and the starts behind the last seal of each suite.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        runs: dict[str, SealedRun] = {}
        late: dict[str, list[Entry]] = {}
        for name, entry in self.walk():
            if entry.kind == START:
                late.setdefault(_suite_of(entry), []).append(entry)
            if entry.kind == SEAL:
                late.pop(_suite_of(entry), None)
                known = runs.get(entry.subject) or SealedRun(entry.subject, entry)
                runs[entry.subject] = replace(
                    known,
                    is_local=known.is_local or name == LOCAL,
                    is_published=known.is_published or name == PUBLISHED,
                )
        return LoggedRuns(sealed=runs, late=late)

    def read_unsealed(self) -> tuple[Entry, ...]:
        """Return the starts that no seal ended, and hold no more of all others than names.

        Raises:
            IntegrityError: A ledger is damaged.
        """
        started: dict[str, Entry] = {}
        sealed: set[str] = set()
        for _, entry in self.walk():
            if entry.kind == SEAL:
                sealed.add(entry.subject)
                started.pop(entry.subject, None)
            elif entry.kind == START and entry.subject not in sealed:
                started[entry.subject] = entry
        return tuple(started.values())

    def identity(self) -> tuple[tuple[int, ...], ...]:
        """Say which files they are now, to know again whether they changed."""
        identities = []
        for _, ledger in self.by_name:
            status = ledger.path.lstat()
            times = (status.st_mtime_ns, status.st_ctime_ns)
            identities.append((status.st_dev, status.st_ino, status.st_size, *times))
        return tuple(identities)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRuns:
    """Sealed runs by subject; ``late`` are the starts behind the last seal of each suite."""

    sealed: dict[str, SealedRun]
    late: dict[str, list[Entry]]


@dataclass(frozen=True, slots=True)
class SealedRun:
    """A run that a ledger knows: the entry of its seal, and which ledgers hold it."""

    subject: str
    entry: Entry
    is_local: bool = False
    is_published: bool = False

    @property
    def suite(self) -> str:
        """Name of its suite."""
        return _suite_of(self.entry)

    @property
    def run_id(self) -> str:
        """Its run id."""
        return self.subject.rpartition("/")[2]

    @property
    def verdict(self) -> str:
        """The verdict that was sealed."""
        return str(self.entry.body.get("verdict"))


def subject(suite: str, run_id: str) -> str:
    """Name a hub in the ledger."""
    return f"{suite}/{run_id}"


def _suite_of(entry: Entry) -> str:
    return entry.subject.rpartition("/")[0]


def of_store(hubs: Path, work: Path) -> Ledgers:
    """Return the ledgers of a store from its folder of hubs and its work folder."""
    return Ledgers(Ledger(work / layout.LEDGER), Ledger(hubs / layout.LEDGER))


def of_hub(hub: Path, project: Project | None = None) -> Ledgers:
    """Return the ledgers of the store that a hub lies in, found by its place.

    Args:
        hub: ``<store>/<suite>/<run id>``.
        project: Whose folders are meant; guessed by their usual names when left out, and for
            hubs of another project.
    """
    store = real_path(hub).parent.parent
    in_matrix = store.parent.name == layout.MATRICES
    work = (store.parent.parent if in_matrix else store).parent / _GUESSED_WORK
    if project is not None:
        if store.is_relative_to(project.work):  # a calibration's
            return of_store(store, store.parent)
        if store in (project.hubs, project.hubs / layout.MATRICES / store.name):
            work = project.work
            in_matrix = store != project.hubs
    return of_store(store, work / layout.MATRICES / store.name if in_matrix else work)
