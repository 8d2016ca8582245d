"""A hub in a remote store in, the same hub in the project's store out, proved before named.

Files arrive in a folder beside the hubs, each held against the manifest and the manifest
against the seal; what arrived is kept for the next call when one breaks off. Then the hub gets
its name by one rename, and the ledger its entry with the time at which it was sealed. Where the
ledger came by git before the hubs, it must already say the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from harness import files
from harness.config.project import Project
from harness.errors import EvidenceMissingError, HarnessError, IntegrityError, StorageError
from harness.evidence.hub import comparison, digest, inventory, seal
from harness.evidence.hub.store import remove
from harness.evidence.ledger import lock
from harness.evidence.ledger.log import Entry
from harness.judgement.verify import sealing, structure
from harness.judgement.verify.report import Outcome
from harness.runner import workflow
from harness.sharing.remote import seals
from harness.sharing.remote.push import Moved
from harness.sharing.remote.store import RemoteStore

_ARRIVING = ".arriving"
_WRITABLE = "a place that can be written"


@contextlib.contextmanager
def hold_receiver(project: Project) -> Iterator[None]:
    """Be the only one that pulls into a project.

    Raises:
        LockTimeoutError: Another living process is at it.
        StorageError: The disk refused.
    """
    with files.storage(project.hubs, _WRITABLE, "pull again"):
        project.hubs.mkdir(parents=True, exist_ok=True)
    # Without waiting: a second pull would only fetch again what the first one is fetching.
    with lock.hold(project.hubs / ".arriving.lock", 0.0):
        workflow.tidy(project)
        try:
            yield
        finally:
            for folder in sorted((project.hubs / _ARRIVING).glob("*")):
                with contextlib.suppress(OSError):
                    folder.rmdir()  # only when nothing is in it
            with contextlib.suppress(OSError):
                (project.hubs / _ARRIVING).rmdir()


def pull(subject: str, project: Project, known: dict[str, Entry], store: RemoteStore) -> Moved:
    """Fetch a hub, unless it is here; within ``receiving``.

    Args:
        subject: ``<suite>/<run id>``, as ``seals.present`` names it.
        project: Where it goes.
        known: Seals of the project's ledger by subject.
        store: Where it comes from.

    Raises:
        EvidenceMissingError: It is not there.
        IntegrityError: It is not as it was sealed, or another one of its name is here.
        StorageError: The store or the disk refused; the next pull goes on from here.
        LockTimeoutError: The ledger's lock was not had.
    """
    entry = seals.read_seal(store, subject)
    if entry is None:
        raise EvidenceMissingError(
            f"{store.url}: {subject}",
            found="no seal",
            expected="a whole hub",
            remedy="Push it again: its transfer broke off.",
        )
    if subject in known:
        seals.require_same(subject, entry, known[subject], store.url)
    if os.path.lexists(project.hubs / subject):
        _require_equal(project.hubs / subject, entry, known.get(subject))
        return Moved(subject=subject, is_there=True)
    folder = project.hubs / _ARRIVING / subject
    with files.storage(folder, _WRITABLE, "pull again"):
        moved = _fetch_files(folder, entry, store)
    adoption = seal.close_received(folder, entry.body, entry.time)
    try:
        # After the last byte and before the name: under its name a hub counts as evidence.
        _prove(folder, entry)
    except HarnessError:
        remove(folder)
        raise
    if subject in known:
        # The ledger knows it, by git: one more entry would be a second seal.
        seal.restore(project.hubs, adoption)
    else:
        seal.adopt(project.hubs, workflow.ledger_of(project), [adoption])
    return moved


def _require_equal(hub: Path, entry: Entry, own: Entry | None) -> None:
    """Require that a hub that is here is the one that is there.

    Raises:
        IntegrityError: It is another one, or was never sealed.
    """
    manifest = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    if own is None or manifest != entry.body["manifest_sha256"]:
        actual = "a hub without a seal" if own is None else f"the manifest {manifest[:12]}…"
        raise digest.damage(str(hub), actual, f"{entry.body['manifest_sha256'][:12]}… as there")


def _fetch_files(folder: Path, entry: Entry, store: RemoteStore) -> Moved:
    """Fetch every file that is not in the folder yet."""
    manifest, subject = str(entry.body["manifest_sha256"]), entry.subject
    if folder.exists() and not _holds(folder / inventory.MANIFEST, manifest):
        remove(folder)  # left by a pull of something else
    folder.mkdir(parents=True, exist_ok=True)
    copied = present = size = 0

    def fetch(path: str, sha256: str, limit: int) -> None:
        nonlocal copied, present, size
        if _holds(folder / path, sha256):
            present += 1
            return
        # Beside the folder: what a broken transfer leaves must never be taken for a file of
        # the hub.
        part = folder.with_name(f"{folder.name}.part")
        try:
            length = store.fetch(f"{subject}/{path}", part, limit=limit, sha256=sha256)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            part.replace(folder / path)
        finally:
            part.unlink(missing_ok=True)
        copied, size = copied + 1, size + length

    fetch(inventory.MANIFEST, manifest, inventory.LIST_LIMIT)
    listed = inventory.read_manifest(folder)
    _refuse_shapes(listed)
    if inventory.INVENTORY not in listed:
        raise digest.damage(inventory.MANIFEST, "no inventory", "a list with sizes")
    fetch(inventory.INVENTORY, listed.pop(inventory.INVENTORY), inventory.LIST_LIMIT)
    sizes = _sizes(folder, listed)
    for path, sha256 in listed.items():
        fetch(path, sha256, sizes[path])
    return Moved(subject=subject, copied=copied, present=present, size=size)


def _holds(path: Path, sha256: str) -> bool:
    try:
        return digest.sha256(path) == sha256
    except IntegrityError:
        return False


def _refuse_shapes(listed: dict[str, str]) -> None:
    """Refuse more files than a hub may hold, and a file below another file.

    Raises:
        IntegrityError: The manifest lists such.
    """
    if len(listed) > inventory.FILE_LIMIT:
        actual = f"{len(listed)} files"
        raise digest.damage(inventory.MANIFEST, actual, f"at most {inventory.FILE_LIMIT}")
    for path in listed:
        parent = path
        # Two listed files of which one lies below the other can never both be written.
        while parent := parent.rpartition("/")[0]:
            if parent in listed:
                raise digest.damage(
                    inventory.printable_path(path),
                    f"a file below the file {parent}",
                    "a folder",
                )


def _sizes(folder: Path, listed: dict[str, str]) -> dict[str, int]:
    """Return the size of every file that is to come, and refuse what cannot be kept.

    Raises:
        IntegrityError: The inventory leaves a file out or gives it a size that no hub has.
        StorageError: There is no room for all of them.
    """
    sizes = inventory.read_sizes(folder)
    for path in listed:
        if not 0 <= sizes.get(path, -1) <= comparison.SIZE_LIMIT:
            actual = f"{sizes[path]} bytes" if path in sizes else "no size in the inventory"
            expected = f"at most {comparison.SIZE_LIMIT} bytes"
            raise digest.damage(inventory.printable_path(path), actual, expected)
    # Asked before the first byte, not learnt at the last one.
    wanted, free = sum(sizes[path] for path in listed), shutil.disk_usage(folder).free
    if wanted > free:
        raise StorageError(
            str(folder),
            found=f"{free} bytes free",
            expected=f"room for {wanted} bytes",
            remedy="Free space, or pull one suite with --suite.",
        )
    return sizes


def _prove(folder: Path, entry: Entry) -> None:
    """Hold the folder against manifest, record and seal before it gets a name.

    Raises:
        IntegrityError: One of them says otherwise.
    """
    for damage in comparison.compare(folder).damages:
        raise digest.damage(f"{entry.subject}/{damage.path}", damage.found, damage.expected)
    record, rows = structure.check(folder)
    for row in rows:
        if row.outcome is not Outcome.PASSED:
            raise digest.damage(entry.subject, row.found, row.expected)
    manifest = digest.sha256(folder / inventory.MANIFEST, inventory.LIST_LIMIT)
    for actual, expected in sealing.faults(entry, manifest, record):
        raise digest.damage(
            entry.subject, inventory.printable_path(actual), inventory.printable_path(expected)
        )
