"""The store of a campaign: which units are done, and the one writer that takes hubs in.

Every unit runs in a store of its own, beside this one, and its sealed hub comes here by one
rename. The seal in this store's ledger carries the key of the unit; that is the list of what
is done, and there is no other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from harness import identifiers
from harness.config.project import Project
from harness.evidence.hub import layout, seal
from harness.evidence.hub.seal import Adoption
from harness.evidence.hub.store import remove
from harness.evidence.ledger import lock
from harness.frozen import dataclass
from harness.runner import workflow

_UNITS = ".units"
_NAME = 32  # digits of a key that name its folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A unit in the store: where its hub is and which verdict was sealed."""

    hub: Path
    verdict: str


def of_unit(store: Project, key: str) -> Project:
    """Return the store that a unit runs in."""
    name = key[:_NAME]
    return replace(store, hubs=store.hubs / _UNITS / name, work=store.work / "units" / name)


@contextlib.contextmanager
def hold_store(store: Project) -> Iterator[None]:
    """Be the only writer of a store; what a killed one left is put in order first.

    Raises:
        LockTimeoutError: Another living process is at this campaign.
    """
    store.hubs.mkdir(parents=True, exist_ok=True)
    try:
        with lock.hold(store.hubs / ".writer.lock", 0.0):
            workflow.tidy(store)
            yield
    finally:
        for folder in (store.hubs / _UNITS, store.work / "units"):
            with contextlib.suppress(OSError):
                folder.rmdir()  # only when nothing is in it


def finished_units(store: Project) -> dict[str, Done]:
    """Return what is done, by key; a hub that was removed counts no more.

    Raises:
        IntegrityError: The ledger is damaged.
    """
    by_key = {}
    for entry in workflow.ledger_of(store).walk():
        key = entry.body.get("unit")
        # A ledger may come from anywhere: what is no name of a hub is never made a path.
        is_hub = entry.kind == seal.KIND and identifiers.is_hub(entry.subject)
        if is_hub and isinstance(key, str):
            hub = store.hubs / entry.subject
            by_key[key] = Done(hub=hub, verdict=str(entry.body.get("verdict")))
    return {key: done for key, done in by_key.items() if (done.hub / layout.RECORD).is_file()}


def take_in(store: Project, answers: Mapping[str, Mapping[str, object]]) -> None:
    """Move the hubs that units told of into the store, by key, and log them together.

    Raises:
        StorageError: The disk refused.
        LockTimeoutError: The ledger's lock was not had.
    """
    adoptions = [_adoption(key, value) for key, value in answers.items()]
    seal.adopt(store.hubs, workflow.ledger_of(store), adoptions)
    for key in answers:
        clear(store, key)


def _adoption(key: str, answer: Mapping[str, object]) -> Adoption:
    body = answer["body"]
    assert isinstance(body, dict)  # noqa: S101 - ``unit.describe_hub`` made it
    return Adoption(
        sealed=Path(str(answer["hub"])), body={**body, "unit": key}, time=str(answer["time"])
    )


def clear(store: Project, key: str) -> None:
    """Remove what a unit needed to run; external artifacts and the work of red runs stay."""
    own = of_unit(store, key)
    remove(own.hubs)
    for folder in (own.work / "work", own.work / "runs", own.work):
        with contextlib.suppress(OSError):
            folder.rmdir()


def sweep(store: Project, wanted: Collection[str]) -> None:
    """Clear what killed runs left of units that need not be run."""
    names = {key[:_NAME] for key in wanted}
    folder = store.hubs / _UNITS
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            workflow.tidy(of_unit(store, path.name))
            clear(store, path.name)


def has(store: Project, subject: str) -> bool:
    """Say whether a hub of that name is there, under whatever key."""
    return (store.hubs / subject).exists()
