"""A frozen plan in, an entry of the ledger out, before anything runs: what was to be judged.

A bound that was moved after the outcome was known is then provably later than the run, and a
run that was begun and never sealed is seen: whoever repeats one until it is green leaves the
starts of the others. The seal names its start by what that says, not by where it stands, so
that both can be copied into another ledger.

Source: design of the harness, section 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.evidence.hub import digest, layout, ledgers
from harness.evidence.hub.ownership import is_held
from harness.evidence.hub.plan import Plan
from harness.evidence.ledger import canonical
from harness.evidence.ledger.log import Entry, Ledger
from harness.files import sha256_bytes
from harness.frozen import dataclass

KIND = ledgers.START
KEY = "start"  # key of a seal: digest of the start that it ends


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsealedRun:
    """A run that a ledger saw begin and not end.

    ``is_running`` says that a process still holds it: its end may be yet to come.
    """

    subject: str
    time: str
    is_running: bool

    @property
    def state(self) -> str:
        """Say how it stands: nothing is known to be wrong with what a lost machine ran."""
        if self.is_running:
            return "is running"
        return "was interrupted, its process is gone and it was never sealed: inconclusive"

    @property
    def suite(self) -> str:
        """Name of its suite."""
        return self.subject.rpartition("/")[0]

    @property
    def run_id(self) -> str:
        """Its run id."""
        return self.subject.rpartition("/")[2]


def log_start(ledger: Ledger, hub: Path, frozen: Plan) -> str:
    """Log what is about to run: the digests of its plan, its rules and its golden.

    Args:
        ledger: Where its seal is going to stand.
        hub: The hub as it is written, with its plan in it.
        frozen: That plan.

    Returns:
        The digest by which the seal names this start.

    Raises:
        LockTimeoutError: Another living process kept the ledger.
        StorageError: The disk refused.
    """
    body: dict[str, Any] = {
        "suite": frozen.suite.name,
        "run_id": frozen.run_id,
        "commit": frozen.stamp.commit,
        "is_dirty": frozen.stamp.dirty,
        "plan_sha256": digest.sha256(hub / layout.PLAN),
        "rules_sha256": frozen.config_sha256,
        "golden_sha256": frozen.golden_sha256,
    }
    name = ledgers.subject(frozen.suite.name, frozen.run_id)
    return digest_start(ledger.append(KIND, name, body))


def digest_start(entry: Entry) -> str:
    """Digest what a start says, wherever it stands."""
    return sha256_bytes(canonical.dumps([entry.kind, entry.subject, entry.time, entry.body]))


def list_unsealed(started: Iterable[Entry], work: Path) -> tuple[UnsealedRun, ...]:
    """Turn the starts that no seal ended into what is told of them.

    Args:
        started: Their entries, in the order of the ledger.
        work: The folder ``.harness``, where a living run keeps its lock.
    """
    runs = []
    for entry in started:
        run_id = entry.subject.rpartition("/")[2]
        lives = layout.RUN_ID.fullmatch(run_id) and is_held(layout.owner(work, run_id))
        runs.append(UnsealedRun(subject=entry.subject, time=entry.time, is_running=bool(lives)))
    return tuple(runs)


def find_faults(
    start: Entry, sealed: Entry, promised: Mapping[str, str | None]
) -> Iterable[tuple[str, str]]:
    """Give what of a run is not as its start said: found, expected.

    Args:
        start: The start.
        sealed: The seal.
        promised: Digests that the hub shows, by their key in the start.
    """
    named = sealed.body.get(KEY)
    if named != digest_start(start):
        yield f"start {digest_start(start)[:12]}…", f"{str(named)[:12]}…, as its seal says"
    if start.sequence > sealed.sequence:
        yield f"a start in entry {start.sequence}", f"one before the seal, {sealed.sequence}"
    for key, value in promised.items():
        if start.body.get(key) != value:
            words = key.removesuffix("_sha256")
            was = start.body.get(key)
            yield f"{words} {str(value)[:12]}…", f"{str(was)[:12]}…, as logged before the run"
