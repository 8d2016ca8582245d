"""A digest in; out, the runs that made that file or read it, and what they are worth today.

A model leaves its project by mail, and its name says nothing. Its digest stands in the manifest
or in the record of the hub of the run that made it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError
from harness.evidence.hub import digest, inventory, layout, seal
from harness.evidence.hub.ledgers import SealedRun
from harness.evidence.hub.store import HubStore, read_record
from harness.frozen import dataclass
from harness.judgement.verify import VerifyReport, verify
from harness.records import HubRecord

_RECORD_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A run that a file is known to.

    ``made`` says what it is there, in words; it is empty where the run only read it, and
    ``read`` says as what.
    """

    project: Project
    hub: Path
    record: HubRecord
    made: str
    read: str = ""

    @property
    def subject(self) -> str:
        """Name of the run in the ledger."""
        return seal.subject(self.hub.parent.name, self.hub.name)

    def judge(self) -> VerifyReport:
        """Prove the hub again, at its own commit; freshness is told and does not count."""
        return verify(self.project, self.hub, allow_stale=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was found, newest maker first, and what could not be looked at.

    ``sealed`` is a run of which the digest is the manifest itself; ``unread`` are hubs that are
    damaged beyond reading, ``absent`` sealed runs whose hubs are not here.
    """

    sha256: str
    traces: tuple[Trace, ...]
    sealed: SealedRun | None
    unread: tuple[str, ...]
    absent: tuple[str, ...]


def find_runs(stores: Sequence[Project], sha256: str) -> Search:
    """Find the runs that made or read a file.

    Args:
        stores: The project, and the project with the store of each matrix.
        sha256: Digest of the file, or the first twelve digits of it or more.

    Raises:
        IntegrityError: A ledger is damaged.
    """
    traces: list[Trace] = []
    unread: list[str] = []
    absent: list[str] = []
    sealed = None
    for store in stores:
        hub_store = HubStore(store.hubs, store.work)
        runs = hub_store.runs()
        order = {name: place for place, name in enumerate(runs)}
        present = hub_store.folders()
        for hub in sorted(present, key=lambda hub: order.get(_name(hub), -1), reverse=True):
            try:
                traces += _traces(store, hub, sha256)
            except HarnessError as error:
                unread.append(f"{_name(hub)}: {error.where}: {error.found}")
        absent += sorted(runs.keys() - {_name(hub) for hub in present})
        for run in runs.values():
            if str(run.entry.body.get("manifest_sha256")).startswith(sha256):
                sealed = run
    traces.sort(key=lambda trace: not trace.made)
    return Search(
        sha256=sha256,
        traces=tuple(traces),
        sealed=sealed,
        unread=tuple(unread),
        absent=tuple(absent),
    )


def _name(hub: Path) -> str:
    return seal.subject(hub.parent.name, hub.name)


def _traces(store: Project, hub: Path, sha256: str) -> Iterator[Trace]:
    """Look at the bytes first: most hubs do not know the file and need not be parsed.

    Raises:
        HarnessError: The record or the manifest cannot be read.
    """
    wanted = sha256.encode()
    manifest = digest.read_bytes(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    is_listed = wanted in manifest
    if not is_listed and wanted not in digest.read_bytes(hub / layout.RECORD, _RECORD_LIMIT):
        return
    record = read_record(hub)
    made = [
        f"artifact {artifact.id} of stage {artifact.stage}"
        for artifact in record.artifacts
        if artifact.sha256.startswith(sha256)
    ]
    if not made and is_listed:
        listed = inventory.read_manifest(hub).items()
        made = [f"file {path}" for path, sha in listed if sha.startswith(sha256)]
    read = [f"dataset {d.role}" for d in record.datasets if d.sha256.startswith(sha256)]
    if made or read:
        yield Trace(project=store, hub=hub, record=record, made=_join(made), read=_join(read))


def _join(words: Iterable[str]) -> str:
    return ", ".join(words)
