"""A finished folder in, an immutable hub out: inventory, durable, read-only, named, logged.

An intent beside the hubs is written before the folder gets its final name and removed once the
ledger holds the seal; after a crash in between, ``resume`` finishes what the intent says.

Source: design of the harness, sections 3 and 7.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from harness import files
from harness.errors import HarnessError, IntegrityError, StorageError
from harness.evidence.hub import digest, inventory, ledgers, strays
from harness.frozen import dataclass
from harness.verdict import Verdict

KIND = ledgers.SEAL
subject = ledgers.subject
_INTENT = ".sealing-"
_INTENT_LIMIT = 1 << 20  # bytes
_TOGETHER = 200  # hubs that one intent names
# What a file system without modes answers to chmod.
_NO_MODES = (errno.EPERM, errno.ENOTSUP)
_READ_ONLY = 0o444
_WRITABLE = "a store that can be written"
EntryT_co = TypeVar("EntryT_co", covariant=True)


class Log(Protocol[EntryT_co]):
    """What a seal is written to: ``ledger.log.Ledger``."""

    def append(self, kind: str, subject: str, body: Mapping[str, Any]) -> EntryT_co:
        """Add one entry durably."""

    def append_all(
        self, items: Sequence[tuple[str, str, Mapping[str, Any], str]]
    ) -> Sequence[EntryT_co]:
        """Add several entries (kind, subject, body, time) by one durable write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A hub that was sealed in another store: its folder, and what its seal says and when."""

    sealed: Path
    body: Mapping[str, Any]
    time: str

    @property
    def subject(self) -> str:
        """Its name in the ledger."""
        return subject(self.body["suite"], self.body["run_id"])


def seal(
    temporary: Path,
    final: Path,
    ledger: Log[EntryT_co],
    *,
    suite: str,
    run_id: str,
    verdict: Verdict,
    notes: Mapping[str, Any] | None = None,
) -> EntryT_co:
    """Make a folder the hub ``final`` (``hubs/<suite>/<run id>``) and log it.

    Afterwards every file is read-only, durable and listed; an older hub is never overwritten.
    ``notes`` join the entry: the commit, and what the verdict leaves out.

    Raises:
        IntegrityError: The folder holds something that a hub may not.
        StorageError: The disk refused, or ``final`` exists; the temporary folder stays.
        LockTimeoutError: The ledger's lock was not had; ``resume`` will log the seal.
    """
    with files.storage(final, _WRITABLE):
        _refuse_existing(final)
        body = _close_folder(temporary, {**(notes or {}), **_names(suite, run_id, verdict)})
        final.parent.mkdir(parents=True, exist_ok=True)
        intent = _intent_path(final.parent.parent, run_id)
        _write_durably(intent, files.json_bytes(body))
        temporary.rename(final)
        _sync_folder(final.parent)
        _sync_folder(final.parent.parent)
    entry = ledger.append(KIND, subject(suite, run_id), body)
    with files.storage(intent, _WRITABLE):
        intent.unlink(missing_ok=True)
    return entry


def stage(
    temporary: Path,
    final: Path,
    time: str,
    *,
    suite: str,
    run_id: str,
    verdict: Verdict,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Make a folder the hub ``final`` in a store without a ledger, for ``adopt``.

    What its seal will say, and when it was made, lies beside it.

    Raises:
        IntegrityError: See ``seal``.
        StorageError: See ``seal``.
    """
    with files.storage(final, _WRITABLE):
        _refuse_existing(final)
        body = _close_folder(temporary, {**(notes or {}), **_names(suite, run_id, verdict)})
        final.parent.mkdir(parents=True, exist_ok=True)
        files.write_bytes(_promise(final), files.json_bytes({"body": body, "time": time}))
        temporary.rename(final)


def read_staged(hub: Path) -> Adoption:
    """Read what the seal of a staged hub will say.

    Raises:
        IntegrityError: It is not there, or not what ``stage`` writes.
    """
    import json  # noqa: PLC0415 - where runs are many

    path = _promise(hub)
    try:
        value = json.loads(digest.read_bytes(path, _INTENT_LIMIT))
        body, time = value["body"], value["time"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise digest.damage(path.name, str(error)[:80], "what a staged hub promises") from error
    return Adoption(sealed=hub, body=body, time=time)


def adopt(hubs: Path, ledger: Log[EntryT_co], adoptions: Sequence[Adoption]) -> list[EntryT_co]:
    """Move staged hubs into the store ``hubs`` and log all of them at once.

    Each is moved by one rename, so that both stores must be on the same file system; after a
    crash ``resume`` logs those that were moved, and the others are where they were.

    Raises:
        StorageError: The disk refused, or the store holds a hub of that name.
        LockTimeoutError: The ledger's lock was not had; ``resume`` will log the seals.
    """
    with files.storage(hubs, _WRITABLE):
        hubs.mkdir(parents=True, exist_ok=True)
        for one in adoptions:
            _refuse_existing(hubs / one.subject)
            (hubs / one.subject).parent.mkdir(exist_ok=True)
    entries: list[EntryT_co] = []
    for begin in range(0, len(adoptions), _TOGETHER):
        entries += _adopt_batch(hubs, ledger, adoptions[begin : begin + _TOGETHER])
    return entries


def close_received(folder: Path, body: Mapping[str, Any], time: str) -> Adoption:
    """Make a hub that came from elsewhere read-only and durable, for ``adopt``.

    Raises:
        IntegrityError: Something in it is no file.
        StorageError: The disk refused.
    """
    with files.storage(folder, _WRITABLE):
        _make_read_only(folder)
        _sync(folder)
    return Adoption(sealed=folder, body=body, time=time)


def restore(hubs: Path, adoption: Adoption) -> None:
    """Move a hub back into the store whose ledger still holds its seal.

    Raises:
        StorageError: The disk refused, or the store holds a hub of that name.
    """
    final = hubs / adoption.subject
    with files.storage(final, _WRITABLE):
        _refuse_existing(final)
        final.parent.mkdir(parents=True, exist_ok=True)
        adoption.sealed.rename(final)
        _sync_folder(final.parent)


def _adopt_batch(
    hubs: Path, ledger: Log[EntryT_co], adoptions: Sequence[Adoption]
) -> Sequence[EntryT_co]:
    """Take one batch in, by one intent, one rename for each, and one write of the ledger."""
    intent = _intent_path(hubs, adoptions[0].body["run_id"])
    with files.storage(hubs, _WRITABLE):
        _write_durably(intent, files.json_bytes([dict(one.body) for one in adoptions]))
        for one in adoptions:
            one.sealed.rename(hubs / one.subject)
        for folder in {hubs, *((hubs / one.subject).parent for one in adoptions)}:
            _sync_folder(folder)
    entries = ledger.append_all([(KIND, one.subject, one.body, one.time) for one in adoptions])
    with files.storage(hubs, _WRITABLE):
        intent.unlink(missing_ok=True)
    return entries


def _names(suite: str, run_id: str, verdict: Verdict) -> dict[str, str]:
    return {"suite": suite, "run_id": run_id, "verdict": verdict.value}


def _close_folder(temporary: Path, body: Mapping[str, Any]) -> dict[str, Any]:
    """Make a folder read-only, listed and durable, and add what its seal says of it."""
    strays.remove_strays(temporary)
    _prune(temporary)
    _make_read_only(temporary)
    records = inventory.write(temporary)
    _sync(temporary)
    return {
        **body,
        "manifest_sha256": digest.sha256(temporary / inventory.MANIFEST),
        "file_count": len(records),
        "size": sum(record.size for record in records),
    }


def _promise(hub: Path) -> Path:
    return hub.with_name(f"{hub.name}.seal.json")


def resume(hubs: Path, ledger: Log[Any], sealed: Container[str]) -> tuple[str, ...]:
    """Finish the seals that a crash left between the final name and the ledger.

    Args:
        hubs: The hub store.
        ledger: Where the seals belong.
        sealed: Subjects of the seals that the ledger holds.

    Returns:
        Subjects of the hubs that were logged now.

    Raises:
        StorageError: The disk refused.
        LockTimeoutError: The ledger's lock was not had.
    """
    logged = []
    for path in intents(hubs):
        for body in _read_intent(path):
            name = subject(body["suite"], body["run_id"])
            if name not in sealed and _is_whole(hubs / name, body["manifest_sha256"]):
                ledger.append(KIND, name, body)
                logged.append(name)
        with files.storage(path, _WRITABLE):
            path.unlink(missing_ok=True)
    return tuple(logged)


def intents(hubs: Path) -> tuple[Path, ...]:
    """Return the intents of seals that are under way or were cut short."""
    return tuple(sorted(hubs.glob(f"{_INTENT}*.json"))) if hubs.is_dir() else ()


def _intent_path(hubs: Path, run_id: str) -> Path:
    return hubs / f"{_INTENT}{run_id}.json"


def _read_intent(path: Path) -> list[dict[str, Any]]:
    """Return the bodies that an intent holds, none when it was torn by the crash."""
    import json  # noqa: PLC0415 - only after a crash

    try:
        value = json.loads(digest.read_bytes(path, _INTENT_LIMIT))
    except (HarnessError, ValueError, RecursionError):
        return []
    return [body for body in (value if isinstance(value, list) else [value]) if _is_body(body)]


def _is_body(body: Any) -> bool:
    names = ("suite", "run_id", "manifest_sha256")
    is_known = isinstance(body, dict) and all(isinstance(body.get(n), str) for n in names)
    if not is_known or any(set(body[n]) & {"/", "\0"} for n in names):
        return False
    return ".." not in (body["suite"], body["run_id"])


def _is_whole(hub: Path, manifest_sha256: str) -> bool:
    try:
        return digest.sha256(hub / inventory.MANIFEST) == manifest_sha256
    except IntegrityError:
        return False


def _refuse_existing(final: Path) -> None:
    if os.path.lexists(final):
        raise StorageError(
            str(final),
            found="a hub of that name",
            expected="a new name",
            remedy="Run again: each run has its own id.",
        )


def _prune(root: Path) -> None:
    """Remove empty folders, which neither a manifest nor git can keep."""
    for folder, _, _ in os.walk(root, topdown=False):
        if folder != str(root) and not os.listdir(folder):  # noqa: PTH208 - names only
            Path(folder).rmdir()


def _make_read_only(root: Path) -> None:
    for item in inventory.scan(root):
        if item.is_file:
            try:
                (root / item.path).chmod(_READ_ONLY)
            except OSError as error:
                if error.errno not in _NO_MODES:
                    raise
        elif not stat.S_ISDIR(item.mode):
            raise digest.damage(
                inventory.printable_path(item.path), digest.kind_of(item.mode), "a file"
            )


def _sync(root: Path) -> None:
    """Make all files and folders of the hub durable, in one batch after all writes."""
    for folder, _, names in os.walk(root):
        for name in names:
            _sync_path(os.path.join(folder, name), os.O_RDONLY)  # noqa: PTH118 - hot loop
        _sync_path(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync_path(path: str, flags: int) -> None:
    handle = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    _sync_path(str(folder), os.O_RDONLY | os.O_DIRECTORY)


def _write_durably(path: Path, content: bytes) -> None:
    files.write_bytes(path, content)
    _sync_path(str(path), os.O_RDONLY)
