"""The files of a hub in, a verified copy of them out, in a folder that appears whole or not."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness import files
from harness.errors import ConfigError, IntegrityError
from harness.evidence.hub import comparison, digest, inventory


@contextlib.contextmanager
def folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes ``target`` when the body ends well.

    Raises:
        ConfigError: ``target`` exists.
        StorageError: The disk refused; nothing is left.
    """
    if target.exists() or target.is_symlink():
        raise ConfigError(
            str(target),
            found="something of that name",
            expected="a new folder",
            remedy="Choose another --output.",
        )
    # Beside the target, for a rename is atomic within one file system only.
    temporary = target.with_name(f".{target.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with files.storage(target, "a place that can be written", "export again"):
            temporary.mkdir(parents=True)
            yield temporary
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def copy(hub: Path, target: Path) -> dict[str, str]:
    """Copy the files of a hub and hold every copy against the manifest.

    Returns:
        Digest by path, the manifest itself included.

    Raises:
        IntegrityError: A file is not as it was sealed.
    """
    listed = inventory.read_manifest(hub)
    comparison.require_shape(hub, listed)
    listed[inventory.MANIFEST] = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    limits = _limits(hub, listed)
    for name, expected in listed.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_size(hub / name, limits[name])
        shutil.copyfile(hub / name, path, follow_symlinks=False)
        # The copy is what is held against the seal: it may differ from what was read a moment
        # before.
        _require_digest(name, digest.sha256(path), expected)
    return listed


def require_sealed(hub: Path) -> None:
    """Hold every file of a hub against the manifest, where nothing is copied.

    Raises:
        IntegrityError: A file is not as it was sealed.
    """
    listed = inventory.read_manifest(hub)
    limits = _limits(hub, listed)
    for name, expected in listed.items():
        _require_digest(name, digest.sha256(hub / name, limits[name]), expected)


def _limits(hub: Path, listed: Iterable[str]) -> dict[str, int]:
    """Return how many bytes a file may have at most: as many as the inventory says.

    Raises:
        IntegrityError: The inventory is missing or larger than a list can be.
    """
    sizes = inventory.read_sizes(hub)
    own = dict.fromkeys((inventory.MANIFEST, inventory.INVENTORY), inventory.LIST_LIMIT)
    return {name: own.get(name, sizes.get(name, comparison.SIZE_LIMIT)) for name in listed}


def _require_size(path: Path, limit: int) -> None:
    """Refuse a file that is longer than was sealed before a byte of it is copied."""
    with digest.open_regular(path) as (_, size):
        if size > limit:
            raise digest.damage(path.name, f"{size} bytes", f"at most {limit} bytes")


def _require_digest(name: str, sha256: str, expected: str) -> None:
    if sha256 != expected:
        raise IntegrityError(
            name,
            found=f"{sha256[:12]}…",
            expected=f"{expected[:12]}… as sealed",
            remedy="Restore the hub from a copy; harness verify names what is wrong.",
        )
