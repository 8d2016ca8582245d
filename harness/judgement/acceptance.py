"""Changes that a person accepted: evidence stays fresh though an input is not the same.

An acceptance is an entry of the ledger. It holds for one run, one kind of cause and exactly
the state that was looked at: the next edit makes the evidence stale again.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.config.project import Project
from harness.evidence.hub import layout
from harness.evidence.ledger.log import Entry, Ledger

KIND = "cause-accepted"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was accepted; ``state`` is the digest of what the cause looked like then."""

    run_id: str
    cause: str
    state: str


def of_project(project: Project) -> frozenset[Acceptance]:
    """Read what was accepted.

    Raises:
        IntegrityError: The ledger is damaged.
    """
    path = project.hubs / layout.LEDGER
    if not path.is_file():
        return frozenset()
    return frozenset(
        Acceptance(entry.subject, str(entry.body.get("cause")), str(entry.body.get("state")))
        for entry in Ledger(path).walk()
        if entry.kind == KIND
    )


def keep(
    project: Project, suite: str, given: Acceptance, items: tuple[str, ...], reason: str
) -> Entry:
    """Write an acceptance with its reason into the ledger.

    Raises:
        IntegrityError: The ledger is damaged.
        LockTimeoutError: Another living process kept the lock.
        StorageError: The disk refused.
    """
    body = {
        "suite": suite,
        "cause": given.cause,
        "state": given.state,
        "items": list(items),
        "reason": reason,
    }
    return Ledger(project.hubs / layout.LEDGER).append(KIND, given.run_id, body)
