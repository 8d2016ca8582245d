"""The files of a hub with their digests; of a sealed one those that were sealed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import digest, inventory, layout
from harness.frozen import dataclass

# Written after the page, or naming its digest: they cannot be listed in it.
NOT_LISTED = frozenset(
    {layout.REPORT, layout.SUMMARY, "manifest-sha256.txt", "artifact_inventory.txt"}
)
_FILES_LISTED, _LARGEST_READ = 1000, 64 << 20


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file of the hub with its digest and size in bytes."""

    path: str
    size: int
    sha256: str


def list_files(hub: Path) -> tuple[ListedFile, ...]:
    """List the files of a hub; of a sealed one with the digests that were sealed.

    Those are not taken anew: a page is no proof, and a file that has grown since may be of any
    size.
    """
    paths = sorted(p for p in hub.rglob("*") if p.is_file() and not p.is_symlink())
    names = [(p, p.relative_to(hub).as_posix()) for p in paths]
    listed: dict[str, str] = {}
    with contextlib.suppress(IntegrityError):  # not written yet, or damaged
        listed = inventory.read_manifest(hub)
    limit = _LARGEST_READ if os.path.lexists(hub / inventory.MANIFEST) else None
    return tuple(
        ListedFile(name, path.stat().st_size, listed.get(name) or _digest(path, limit))
        for path, name in names[:_FILES_LISTED]
        if name not in NOT_LISTED and not name.startswith(".")
    )


def _digest(path: Path, limit: int | None) -> str:
    try:
        return digest.sha256(path, limit)
    except IntegrityError:
        return "not read"
