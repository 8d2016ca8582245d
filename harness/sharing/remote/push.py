"""A sealed hub in, the same hub in a remote store out; its seal goes last."""

from __future__ import annotations

from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.hub import comparison, digest, inventory, seal
from harness.evidence.ledger.log import Entry
from harness.frozen import dataclass
from harness.sharing.remote import seals
from harness.sharing.remote.store import RemoteStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What was done for one hub: files and bytes copied now, and files that were there."""

    subject: str
    is_there: bool = False
    copied: int = 0
    present: int = 0
    size: int = 0


def push(hub: Path, known: dict[str, Entry], store: RemoteStore) -> Moved:
    """Send a hub; what arrived whole before is not sent again.

    Every file is read back and held against the manifest before the seal is written.

    Args:
        hub: The hub, below a store whose ledger gave ``known``.
        known: Seals of that ledger by subject.
        store: Where to send it.

    Raises:
        IntegrityError: The hub is not as it was sealed, another one of its name is there, or
            a file did not arrive as it was sent.
        StorageError: The store refused; the next push goes on from here.
    """
    entry = _check_seal(hub, known)
    there = seals.read_seal(store, entry.subject)
    if there is not None:
        seals.require_same(entry.subject, there, entry, store.url)
        return Moved(subject=entry.subject, is_there=True)
    listed = inventory.read_manifest(hub)
    comparison.require_shape(hub, listed)
    listed[inventory.MANIFEST] = str(entry.body["manifest_sha256"])
    copied = present = size = 0
    for path, sha256 in listed.items():
        name, length = f"{entry.subject}/{path}", (hub / path).stat().st_size
        if store.holds(name, length, sha256):
            present += 1
            continue
        # Read back behind it: a store that answers yes may still have cut the file.
        store.send(hub / path, name)
        if not store.holds(name, length, sha256):
            raise digest.damage(
                f"{store.url}: {name}", "other bytes", f"{sha256[:12]}… as sent"
            )
        copied, size = copied + 1, size + length
    # At last: a hub without its seal is one whose transfer broke off.
    seals.write(store, entry)
    return Moved(subject=entry.subject, copied=copied, present=present, size=size)


def _check_seal(hub: Path, known: dict[str, Entry]) -> Entry:
    """Return the seal of a hub that is still as it was sealed.

    Raises:
        IntegrityError: It is not, or was never sealed here.
    """
    subject = seal.subject(hub.parent.name, hub.name)
    compared = comparison.compare(hub)
    for damage in compared.damages:
        raise digest.damage(f"{subject}/{damage.path}", damage.found, damage.expected)
    entry = known.get(subject)
    manifest = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    if entry is None or entry.body.get("manifest_sha256") != manifest:
        raise IntegrityError(
            subject,
            found="no seal of it in the ledger" if entry is None else "another manifest",
            expected="the hub that was sealed",
            remedy="Restore the hub or the ledger from git or another copy.",
        )
    return entry
