"""The entry of the ledger beside a hub in a remote store, and which hubs are there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection

from harness import identifiers
from harness.config.project import Project
from harness.errors import IntegrityError
from harness.evidence.hub import digest, layout, ledgers, seal
from harness.evidence.ledger import canonical, log
from harness.evidence.ledger.log import Entry
from harness.sharing.remote.store import RemoteStore

SUFFIX = ".seal.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def present(store: RemoteStore, suites: Collection[str] = ()) -> list[str]:
    """Return the subjects of the hubs that are whole there, oldest first.

    Names that no hub can have are passed over and never opened.

    Raises:
        StorageError: The store refused.
    """
    subjects = []
    # Names come from whoever can write there: one with a slash or dots would lead elsewhere.
    for suite in filter(identifiers.NAME.fullmatch, store.names()):
        if suite in layout.NO_SUITES or (suites and suite not in suites):
            continue
        for name in store.names(suite):
            run_id = name.removesuffix(SUFFIX)
            if name != run_id and layout.RUN_ID.fullmatch(run_id):
                subjects.append(seal.subject(suite, run_id))
    return sorted(subjects, key=lambda subject: subject.rpartition("/")[2])


def read_seal(store: RemoteStore, subject: str) -> Entry | None:
    """Read the seal of a hub there; ``None`` where the hub is not there, or not yet whole.

    Raises:
        IntegrityError: It is not what a push writes.
        StorageError: The store refused.
    """
    name = subject + SUFFIX
    content = store.read(name, log.LINE_LIMIT + 1)
    if content is None:
        return None
    entry = log.parse(content.removesuffix(b"\n"), f"{store.url}: {name}")
    suite, _, run_id = subject.partition("/")
    identity = (entry.kind, entry.subject, entry.body.get("suite"), entry.body.get("run_id"))
    if identity != (seal.KIND, subject, suite, run_id):
        raise digest.damage(name, f"the seal of {entry.subject[:80]!r}", f"that of {subject}")
    if not _SHA256.fullmatch(str(entry.body.get("manifest_sha256"))):
        raise digest.damage(name, "no digest of the manifest", "64 hexadecimal digits")
    return entry


def write(store: RemoteStore, entry: Entry) -> None:
    """Write the seal of a hub, which makes it whole to readers.

    Raises:
        StorageError: The store refused.
    """
    value = {**dataclasses.asdict(entry), "schema": log.SCHEMA}
    del value["leaf"]
    store.write(entry.subject + SUFFIX, canonical.dumps(value) + b"\n")


def seals_by_subject(project: Project) -> dict[str, Entry]:
    """Return the seals of a project's ledgers by subject.

    Raises:
        IntegrityError: A ledger is damaged.
    """
    both = ledgers.of_store(project.hubs, project.work)
    return {subject: run.entry for subject, run in both.runs().items()}


def require_same(subject: str, there: Entry, here: Entry, url: str) -> None:
    """Require that two entries tell of the same seal, wherever they stand in their ledgers.

    Raises:
        IntegrityError: One name was given to two hubs.
    """
    # Sequence and previous hash are of the ledger that an entry stands in, and differ rightly.
    if (there.body, there.time) == (here.body, here.time):
        return
    raise IntegrityError(
        f"{url}: {subject}",
        found=f"the seal {str(there.body['manifest_sha256'])[:12]}… of {there.time[:20]}",
        expected=f"{str(here.body.get('manifest_sha256'))[:12]}… of {here.time[:20]}, as here",
        remedy="Find out which of the two was changed: harness verify --all, here and there.",
    )
