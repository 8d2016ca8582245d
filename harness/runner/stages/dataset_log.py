"""Which generated datasets are known: their digests in the local ledger, by what makes them.

A file in the cache of datasets passes as generated only where the run that made it left an
entry: what lies there without one, or with another digest, is made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.evidence.hub import layout
from harness.evidence.ledger.log import Ledger

KIND = "dataset"


def read_log(shared: Path) -> dict[str, str]:
    """Return SHA-256 of the datasets that were generated, by key.

    Args:
        shared: Folder of what all runs share, with its ledger.

    Raises:
        IntegrityError: The ledger is damaged.
    """
    return {
        entry.subject: str(entry.body.get("sha256"))
        for entry in Ledger(shared / layout.LEDGER).walk()
        if entry.kind == KIND
    }


def log_dataset(shared: Path, key: str, sha256: str, size: int) -> None:
    """Leave an entry for a dataset that was generated.

    Args:
        shared: Folder of what all runs share, with its ledger.
        key: What makes it, see ``datasets.key``.
        sha256: Digest of the file.
        size: Its size [bytes].

    Raises:
        LockTimeoutError: The ledger's lock was not had.
        StorageError: The disk refused.
    """
    Ledger(shared / layout.LEDGER).append(KIND, key, {"sha256": sha256, "size": size})


def copy_log(source: Path, target: Path, names: Iterable[str]) -> None:
    """Take over the entries of datasets whose folders were copied.

    Args:
        source: Shared folder that they come from.
        target: Shared folder that they go to.
        names: Names of their folders, with which their keys begin.

    Raises:
        IntegrityError: A ledger is damaged.
        StorageError: The disk refused.
    """
    wanted = tuple(names)
    if not wanted:
        return
    known, there = read_log(source), read_log(target)
    items: list[tuple[str, str, Mapping[str, object], str]] = [
        (KIND, key, {"sha256": sha256}, "")
        for key, sha256 in known.items()
        if key.startswith(wanted) and there.get(key) != sha256
    ]
    if items:
        Ledger(target / layout.LEDGER).append_all(items)
