"""A store of hubs in, a plan of what may go out; and the plan carried out with tombstones.

What stays: the newest hubs of each suite, its last green one, every hub that a golden cites,
and every hub whose record cannot be read. What goes leaves an entry in the ledger first, so
that an absent hub is never a riddle; after a crash in between, the next plan finishes it.

Source: design of the harness, sections 3 and 7 (one entry per gc).
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError, StorageError
from harness.evidence.hub import checkout, digest, inventory, layout, ledgers, seal
from harness.evidence.hub.store import HubStore, remove
from harness.frozen import dataclass
from harness.judgement.golden import store as golden
from harness.records import HubRecord
from harness.verdict import Verdict

KIND = "gc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How much stays: ``keep`` newest hubs of a suite, and all younger than some days."""

    keep: int = 5
    older_than_days: float = 0.0
    suite: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One hub, its size with what is kept outside of it [bytes], and why it stays or goes."""

    hub: Path
    size: int
    goes: bool
    why: str

    @property
    def subject(self) -> str:
        """Its name in the ledger."""
        return seal.subject(self.hub.parent.name, self.hub.name)


def plan(project: Project, rules: Rules) -> tuple[Item, ...]:
    """Say of every hub whether it stays; nothing is changed.

    Raises:
        IntegrityError: The ledger or a golden is damaged.
    """
    cited = frozenset(_hubs_of_goldens(project))
    store = HubStore(project.hubs, project.work)
    marked = {entry.subject for _, entry in store.ledgers.walk() if entry.kind == KIND}
    published = _published_hubs(project, store)
    suites = store.suites() if rules.suite is None else [rules.suite]
    items: list[Item] = []
    for suite in suites:
        hubs = store.hubs(suite)
        green = store.latest(suite, Verdict.GREEN)
        for age, hub in enumerate(reversed(hubs)):
            name = seal.subject(suite, hub.name)
            why = "its removal was cut short" if name in marked else ""
            stays = "" if why else _reason_to_stay(project, hub, rules, age, green, cited)
            # Even where its removal was begun: what git holds, others have.
            stays = "published" if name in published else stays
            size = _size(hub) + _size(layout.external_folder(project.work, hub.name))
            why_ = stays or why or f"older than the {rules.keep} newest"
            items.append(Item(hub=hub, size=size, goes=not stays, why=why_))
    return tuple(items)


def apply(project: Project, items: tuple[Item, ...], reason: str) -> int:
    """Remove what goes, a tombstone in the ledger before each; return the bytes freed.

    Raises:
        IntegrityError: The ledger is damaged.
        LockTimeoutError: Another process holds the ledger.
        StorageError: The disk refused; the next call goes on from there.
    """
    both = ledgers.of_store(project.hubs, project.work)
    marked = {entry.subject for _, entry in both.walk() if entry.kind == KIND}
    freed = 0
    for item in items:
        if not item.goes:
            continue
        if item.subject not in marked:
            # The tombstone first: a crash after it leaves a removal to finish, one before it
            # would leave a hub that is gone without a word.
            both.local.append(KIND, item.subject, _tombstone(item, reason))
        _remove(project, item.hub)
        freed += item.size
    return freed


def _published_hubs(project: Project, store: HubStore) -> frozenset[str]:
    """Name the hubs that git keeps, or that were published where there is no git.

    What an older release logged beside the hubs, and nobody committed, is not published.
    """
    runs = store.runs()
    listed = checkout.ask(project.root, "ls-files", "-z", "--", str(project.hubs))
    if listed is None:
        return frozenset(r.subject for r in runs.values() if r.is_local and r.is_published)
    top = project.hubs.relative_to(project.root).parts
    paths = (Path(os.fsdecode(name)).parts for name in listed.split(b"\0") if name)
    return frozenset("/".join(parts[len(top) : len(top) + 2]) for parts in paths)


def _reason_to_stay(
    project: Project,
    hub: Path,
    rules: Rules,
    age: int,
    green: Path | None,
    cited: frozenset[str],
) -> str:
    record = _record(project, hub)
    rules_ = (
        (record is None, "its record cannot be read: look at it first"),
        (hub == green, "the last green hub of its suite"),
        (seal.subject(hub.parent.name, hub.name) in cited, "a golden cites it"),
        (age < rules.keep, f"one of the {rules.keep} newest"),
        (record is not None and _age_days(record) < rules.older_than_days, "too young"),
    )
    return next((why for holds, why in rules_ if holds), "")


def _hubs_of_goldens(project: Project) -> Iterator[str]:
    """Name every hub that a golden was made of.

    Raises:
        IntegrityError: A golden is damaged.
    """
    folders = project.golden.iterdir() if project.golden.is_dir() else ()
    for folder in folders:
        for value in golden.load(folder).references:
            for hub in value.hubs:
                yield "/".join(Path(hub).parts[-2:])


def _record(project: Project, hub: Path) -> HubRecord | None:
    try:
        return HubStore(project.hubs, project.work).read(hub)
    except HarnessError:
        return None


def _age_days(record: HubRecord) -> float:
    try:
        finished = dt.datetime.fromisoformat(record.finished)
        return (dt.datetime.now(dt.UTC) - finished).total_seconds() / 86400
    except (ValueError, TypeError):
        return 0.0


def _size(folder: Path) -> int:
    if not folder.is_dir():
        return 0
    # lstat: what a link leads to is not freed with it.
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir())


def _tombstone(item: Item, reason: str) -> dict[str, str | int]:
    body: dict[str, str | int] = {"reason": reason, "why": item.why, "size": item.size}
    try:
        manifest = item.hub / inventory.MANIFEST
        body["manifest_sha256"] = digest.sha256(manifest, inventory.LIST_LIMIT)
    except HarnessError as error:
        body["manifest_sha256"] = f"none: {error.found}"[:80]
    return body


def _remove(project: Project, hub: Path) -> None:
    """Rename first, so that a half-removed hub is a leftover and never a damaged hub."""
    away = layout.temporary(project.hubs, hub.parent.name, hub.name)
    try:
        # Out of its name in one step: half a hub under its name would be damage.
        hub.rename(away)
        remove(away)
        shutil.rmtree(layout.external_folder(project.work, hub.name), ignore_errors=True)
    except OSError as error:
        raise StorageError(
            str(hub),
            found=error.strerror or str(error),
            expected="a hub that may be removed",
            remedy="Fix the permissions, then run harness gc --apply again.",
        ) from error
