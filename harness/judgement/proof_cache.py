"""Whether a hub that decides is as it was sealed: proved once, then known by its identity.

Every file is held against the manifest and the manifest against the seal. What was proved is
remembered by the identity of each file and by the seal: no change of a file, of its mode or of
its time keeps that. The cache may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path

from harness.config.project import Project
from harness.errors import StorageError
from harness.evidence.hub.ledgers import SealedRun
from harness.files import json_bytes, read_cache, write_bytes

_SCHEMA = 1
# A file that changed this recently may change again without a new time stamp.
_SETTLED_NS = 2_000_000_000


class ProofCache:
    """What was proved of the hubs of a project; ``save`` keeps it."""

    def __init__(self, project: Project) -> None:
        """Read the cache; an unreadable one is empty."""
        self._project = project
        self._path = project.work / "cache" / "proved.json"
        known = read_cache(self._path, _SCHEMA).get("hubs")
        self._known: dict[str, str] = known if isinstance(known, dict) else {}
        self._is_changed = False

    def damage_of(self, hub: Path, sealed: Mapping[str, SealedRun]) -> str:
        """Say what of a hub is not as it was sealed; nothing where all of it is.

        Args:
            hub: The hub.
            sealed: The sealed runs of its store, by subject.
        """
        name, subject = str(hub), f"{hub.parent.name}/{hub.name}"
        if subject not in sealed:
            return f"ledger: no seal of {subject}"
        identity, newest = _identity(hub, sealed[subject])
        if identity and self._known.get(name) == identity:
            return ""
        # What proves; most calls do without it.
        from harness.judgement.verify import contents, sealing, structure  # noqa: PLC0415
        from harness.judgement.verify.report import Outcome, worst  # noqa: PLC0415

        record, rows = structure.check(hub)
        rows = (*rows, *contents.check(hub, record))
        rows = (*rows, *sealing.check(hub, record, (), self._project))
        worst_of = worst(row.outcome for row in rows)
        if worst_of is Outcome.DAMAGED:
            bad = next(row for row in rows if row.outcome is worst_of)
            return f"{bad.check}: {bad.found}"
        # Not remembered while it may still change within the grain of the file system's clock.
        if identity and newest < time.time_ns() - _SETTLED_NS:
            self._known[name] = identity
            self._is_changed = True
        return ""

    def save(self) -> None:
        """Write what was proved; a cache that cannot be written is left as it was."""
        if not self._is_changed:
            return
        present = {name: value for name, value in self._known.items() if os.path.isdir(name)}  # noqa: PTH112 - names
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(self._path, json_bytes({"schema": _SCHEMA, "hubs": present}))
        except (OSError, StorageError):
            return
        self._is_changed = False


def _identity(hub: Path, run: SealedRun) -> tuple[str, int]:
    """Digest which files a hub is made of and its seal, and give the newest change [ns]."""
    digest, newest = hashlib.sha256(run.entry.leaf.encode()), 0
    digest.update(f"{run.is_local} {run.is_published}".encode())
    for folder, folders, names in os.walk(hub):
        folders.sort()
        for name in (*sorted(names), *folders):
            path = os.path.join(folder, name)  # noqa: PTH118 - hot loop
            try:
                status = os.lstat(path)
            except OSError:
                return "", 0
            # The change time too: a program can set the other one back, but not this one.
            newest = max(newest, status.st_ctime_ns, status.st_mtime_ns)
            facts = (status.st_dev, status.st_ino, status.st_mode, status.st_size)
            times = (status.st_mtime_ns, status.st_ctime_ns, status.st_nlink)
            digest.update(f"{path}\0{facts}{times}\n".encode(errors="surrogateescape"))
    return digest.hexdigest(), newest
