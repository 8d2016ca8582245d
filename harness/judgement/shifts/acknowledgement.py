"""Shifts that a person looked at and accepts, each with a reason: entries of the ledger.

An acknowledgement speaks of one metric of comparable runs, and of a new level by its first run
and its direction: another shift of the same metric needs another one. Where a golden was
calibrated anew after a shift, that decision covers it: it has a reason too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from harness.config.project import Project
from harness.evidence.hub import ledgers, seal
from harness.evidence.ledger.log import Entry
from harness.frozen import dataclass
from harness.judgement.golden import store

KIND = "shift-acknowledged"
UP, DOWN = "up", "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What was accepted: ``run_id`` is the first run of the new level, as it looked then."""

    suite: str
    metric: str
    group: str
    run_id: str
    direction: str
    reason: str
    time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What the ledgers say that bears on shifts, in their order.

    ``places`` orders runs by subject and golden updates among each other; ``updates`` are the
    places, times and reasons of updates by suite.
    """

    acknowledged: tuple[Acknowledgement, ...]
    places: Mapping[str, int] = field(default_factory=dict)
    updates: Mapping[str, tuple[tuple[int, str, str], ...]] = field(default_factory=dict)

    def find_update(self, suite: str, subject: str) -> tuple[str, str] | None:
        """Return time and reason of the first golden update of a suite behind a run."""
        place = self.places.get(subject)
        if place is None:
            return None
        later = (u for u in self.updates.get(suite, ()) if u[0] > place)
        return next(((time, reason) for _, time, reason in later), None)


def read_decisions(project: Project) -> Decisions:
    """Read acknowledgements and golden updates.

    Raises:
        IntegrityError: A ledger is damaged.
    """
    known, places = [], dict[str, int]()
    updates: dict[str, list[tuple[int, str, str]]] = {}
    for place, (_, entry) in enumerate(ledgers.of_store(project.hubs, project.work).walk()):
        if entry.kind == seal.KIND:
            places.setdefault(entry.subject, place)
        elif entry.kind == store.LOGGED:
            reason = str(entry.body.get("reason"))
            updates.setdefault(entry.subject, []).append((place, entry.time, reason))
        elif entry.kind == KIND:
            known.append(_read(entry))
    in_order = {suite: tuple(several) for suite, several in updates.items()}
    return Decisions(acknowledged=tuple(known), places=places, updates=in_order)


def append(project: Project, accepted: Acknowledgement, size: str) -> Entry:
    """Write an acknowledgement into the local ledger; ``size`` says in words what was seen.

    Raises:
        IntegrityError: The ledger is damaged.
        LockTimeoutError: Another living process kept the lock.
        StorageError: The disk refused.
    """
    body = {
        "metric": accepted.metric,
        "group": accepted.group,
        "direction": accepted.direction,
        "size": size,
        "reason": accepted.reason,
    }
    subject = seal.subject(accepted.suite, accepted.run_id)
    return ledgers.of_store(project.hubs, project.work).local.append(KIND, subject, body)


def _read(entry: Entry) -> Acknowledgement:
    suite, _, run_id = entry.subject.rpartition("/")
    texts = {name: str(entry.body.get(name)) for name in ("metric", "group", "direction")}
    reason = str(entry.body.get("reason"))
    return Acknowledgement(suite=suite, run_id=run_id, reason=reason, time=entry.time, **texts)
