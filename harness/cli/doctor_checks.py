"""What ``harness doctor`` looks at beside the tools: clock, locks, keys and leftovers.

Each finding that is not in order says how it is cured; nothing is changed by looking.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import layout, ledgers, seal
from harness.evidence.hub.ledgers import Ledgers
from harness.evidence.ledger import keys
from harness.frozen import dataclass
from harness.verdict import Verdict

_SKEW_S = 600.0
_EARLIEST = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``inconclusive`` is a warning."""

    check: str
    verdict: Verdict
    found: str
    remedy: str = ""


def look(project: Project) -> Iterator[Finding]:
    """Examine clock, keys, locks and leftovers of a project."""
    yield clock(project)
    yield from trust(project)
    yield lock(project)
    yield leftovers(project)


def clock(project: Project) -> Finding:
    """Hold the clock against the last entry of the ledger, which it may not be behind."""
    now = dt.datetime.now(dt.UTC)
    remedy = "Set the clock: hubs of the future, or of the past, do not verify."
    if now < _EARLIEST:
        return Finding("clock", Verdict.RED, f"{now:%Y-%m-%d}", remedy)
    try:
        last = max((entry.time for _, entry in _ledgers(project).walk()), default="")
        ahead = (dt.datetime.fromisoformat(last) - now).total_seconds() if last else 0.0
    except (HarnessError, ValueError, TypeError):
        return Finding("clock", Verdict.INCONCLUSIVE, "no readable ledger to compare with")
    if ahead > _SKEW_S:
        message = f"{ahead / 60:.0f} minutes behind the last entry of the ledger"
        return Finding("clock", Verdict.RED, message, remedy)
    return Finding("clock", Verdict.GREEN, f"{now:%Y-%m-%dT%H:%M:%SZ}")


def trust(project: Project) -> Iterator[Finding]:
    """Read the trusted keys, and look for the library and the checkpoint they need."""
    if not project.trusted_keys:
        yield Finding("keys", Verdict.GREEN, "none trusted: checkpoints need no signature")
        return
    try:
        names = [keys.read_public(text).name for text in project.trusted_keys]
    except HarnessError as error:
        yield Finding("keys", Verdict.RED, f"{error.where}: {error.found}", error.remedy)
        return
    if importlib.util.find_spec("cryptography") is None:
        remedy = "Install ptycho-harness[sign]: signatures cannot be checked without it."
        yield Finding("keys", Verdict.RED, "no library for Ed25519", remedy)
        return
    yield Finding("keys", Verdict.GREEN, f"trusted: {', '.join(names)}")
    if not (project.hubs / layout.CHECKPOINT).is_file():
        remedy = "Run harness ledger checkpoint --sign KEYFILE where the key is kept."
        yield Finding("checkpoint", Verdict.INCONCLUSIVE, "none; hubs cannot verify", remedy)


def lock(project: Project) -> Finding:
    """Say who writes to the ledger now; a lock of a dead owner is taken over by itself."""
    beside = (ledger.path for ledger in (_ledgers(project).local, _ledgers(project).published))
    for path in (path.with_name(f".{path.name}.lock") for path in beside):
        finding = _lock_of(path)
        if finding is not None:
            return finding
    return Finding("locks", Verdict.GREEN, "none held")


def _lock_of(path: Path) -> Finding | None:
    """Say who holds a lock file; nothing where there is none."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        remedy = f"Remove {path.name}, which is no lock file of ours."
        return Finding("locks", Verdict.RED, f"{path.name}: {error.strerror}", remedy)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        remedy = "Wait for that process; nothing needs to be unlocked by hand."
        return Finding("locks", Verdict.INCONCLUSIVE, "the ledger is being written", remedy)
    except OSError as error:
        remedy = "Keep the store on a file system with locks: appends are not safe here."
        return Finding("locks", Verdict.RED, f"no locks: {error.strerror}", remedy)
    finally:
        os.close(handle)
    return Finding("locks", Verdict.GREEN, "one of a dead process; the next append takes it")


def leftovers(project: Project) -> Finding:
    """Count what killed runs left; the next run clears it."""
    counts = {
        "unfinished hubs": sum(
            1
            for suite in files.subfolders(project.hubs)  # no link among them is entered
            for path in files.subfolders(suite)
            if path.name.startswith(layout.TEMPORARY)
        ),
        "unfinished seals": len(seal.intents(project.hubs)),
        "working folders": len(files.subfolders(project.work / "work")),
    }
    message = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    if not message:
        return Finding("leftovers", Verdict.GREEN, "none")
    remedy = "None needed: the next harness run clears what no living run owns."
    is_open = counts["unfinished hubs"] + counts["unfinished seals"] > 0
    verdict = Verdict.INCONCLUSIVE if is_open else Verdict.GREEN
    return Finding("leftovers", verdict, message, remedy if is_open else "")


def _ledgers(project: Project) -> Ledgers:
    return ledgers.of_store(project.hubs, project.work)
