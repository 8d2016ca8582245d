"""Changes that a person accepted: evidence stays fresh though an input is not the same.

An acceptance is an entry of the ledger. It holds for one run, one kind of cause and exactly
the state that was looked at: the next edit makes the evidence stale again.
"""

from __future__ import annotations

from pathlib import Path

from harness.config.project import Project
from harness.evidence.hub import ledgers
from harness.evidence.ledger.log import Entry
from harness.frozen import dataclass

KIND = "cause-accepted"
_NAMED = 3


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
    return frozenset(
        Acceptance(entry.subject, str(entry.body.get("cause")), str(entry.body.get("state")))
        for _, entry in ledgers.of_store(project.hubs, project.work).walk()
        if entry.kind == KIND
    )


def describe_accepted(
    hub: Path, run_id: str, project: Project | None = None
) -> tuple[str, ...]:
    """Say what was accepted for a run, when, why and in which ledger.

    Raises:
        IntegrityError: A ledger is damaged.
    """
    lines = []
    for word, entry in ledgers.of_hub(hub, project).walk():
        if entry.kind == KIND and entry.subject == run_id:
            items = entry.body.get("items")
            named = ", ".join(map(str, items[:_NAMED])) if isinstance(items, list) else ""
            cause, reason = entry.body.get("cause"), entry.body.get("reason")
            lines.append(f"{cause} ({named}) on {entry.time}, {word}: {reason}")
    return tuple(lines)


def keep(
    project: Project, suite: str, acceptance: Acceptance, items: tuple[str, ...], reason: str
) -> Entry:
    """Write an acceptance with its reason into the local ledger.

    Raises:
        IntegrityError: The ledger is damaged.
        LockTimeoutError: Another living process kept the lock.
        StorageError: The disk refused.
    """
    body = {
        "suite": suite,
        "cause": acceptance.cause,
        "state": acceptance.state,
        "items": list(items),
        "reason": reason,
    }
    own = ledgers.of_store(project.hubs, project.work).local
    return own.append(KIND, acceptance.run_id, body)
