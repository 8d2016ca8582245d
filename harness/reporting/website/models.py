"""Rows and ledgers in; out, per model the chain from its bytes to who answers for them.

What a page says of a model is taken from the hubs of the runs that made it and from the ledgers
of the store: sealed where, begun by which rules, reproduced by whom. The newest models are also
proved again while the site is built; of the others the page says by which command.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import ledgers, models, seal
from harness.evidence.hub.store import HubStore, read_record
from harness.files import json_bytes, sha256_bytes
from harness.frozen import dataclass
from harness.judgement.verify import VerifyReport, reproductions
from harness.judgement.verify.reproductions import Reproduction
from harness.records import ArtifactRecord, HubRecord
from harness.reporting.website.rows import Row

JUDGED = 3  # newest models that a build proves again
_NAME = 16  # digits of the digest in the name of a page

Judge = Callable[[Path], VerifyReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """What the ledgers of a store hold of one run: ledger and number of entries, by kind."""

    by_kind: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def tell(self, kind: str) -> str:
        """Name the entries of a kind, empty where there is none."""
        entries = self.by_kind.get(kind, [])
        return ", ".join(f"entry {number} of the {name} ledger" for name, number in entries)

    @property
    def start(self) -> str:
        """Where plan, rules and golden were logged before the run."""
        return self.tell(ledgers.START)

    @property
    def seal(self) -> str:
        """Where the seal of the run was logged."""
        return self.tell(seal.KIND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maker:
    """A run that made a model, with all that is known of it."""

    row: Row
    record: HubRecord
    artifact: ArtifactRecord
    logged: Logged
    reproductions: tuple[Reproduction, ...]
    judged: VerifyReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One content of a file, and the runs of the site that made it, the newest first."""

    sha256: str
    rows: tuple[Row, ...]
    is_judged: bool

    @property
    def place(self) -> str:
        """Path of the model's page in the site."""
        return place(self.sha256)


def place(sha256: str) -> str:
    """Name the page of a model."""
    return f"models/{sha256[:_NAME]}.html"


def gather(newest_first: Sequence[Row]) -> list[Model]:
    """Return the models of a site, the one that was made last first."""
    by_digest: dict[str, list[Row]] = {}
    for row in newest_first:
        for sha256 in row.models:
            by_digest.setdefault(sha256, []).append(row)
    return [
        Model(sha256=sha256, rows=tuple(made), is_judged=number < JUDGED)
        for number, (sha256, made) in enumerate(by_digest.items())
    ]


def read_logged(store: HubStore) -> Mapping[str, Logged]:
    """Return what the ledgers say of each run; nothing where one of them is damaged.

    That a ledger is damaged is said by ``harness verify``, row by row; a site shows what lies
    in the hubs all the same.
    """
    runs: dict[str, Logged] = {}
    try:
        for name, entry in store.ledgers.walk():
            if entry.kind in (seal.KIND, ledgers.START, reproductions.KIND):
                by_kind = runs.setdefault(entry.subject, Logged()).by_kind
                by_kind.setdefault(entry.kind, []).append((name, entry.sequence))
    except IntegrityError:
        return {}
    return runs


def identify(model: Model, logged: Mapping[str, Logged]) -> str:
    """Digest what the page of a model is made of, to know whether it must be made again."""
    parts = [[row.place, row.digest, _logged_of(row, logged).by_kind] for row in model.rows]
    return sha256_bytes(json_bytes([model.is_judged, parts]))


def read_makers(
    model: Model, hubs: Path, logged: Mapping[str, Logged], judge: Judge | None
) -> Iterator[Maker]:
    """Read the runs that made a model; what has become unreadable meanwhile is left out."""
    for row in model.rows:
        hub = hubs / row.suite / row.run_id
        known = _logged_of(row, logged)
        try:
            record = read_record(hub)
            reruns = (
                reproductions.read_reproductions(hub)
                if reproductions.KIND in known.by_kind
                else ()
            )
        except HarnessError:
            continue  # the row of the run says unreadable
        made = [a for a in models.list_models(record) if a.sha256 == model.sha256]
        for artifact in made:
            is_first = model.is_judged and row is model.rows[0]
            yield Maker(
                row=row,
                record=record,
                artifact=artifact,
                logged=known,
                reproductions=reruns,
                judged=judge(hub) if judge is not None and is_first else None,
            )


def _logged_of(row: Row, logged: Mapping[str, Logged]) -> Logged:
    return logged.get(seal.subject(row.suite, row.run_id)) or Logged()


def today() -> str:
    """Return the day [UTC] that a page of a proof carries."""
    return dt.datetime.now(dt.UTC).date().isoformat()
