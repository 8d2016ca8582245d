"""A hub and the ledgers in; out, whether this hub is the one that was sealed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.config.project import Project
from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import digest, inventory, layout, ledgers, seal, starts
from harness.evidence.ledger import merkle
from harness.evidence.ledger.log import Entry, Ledger
from harness.files import real_path
from harness.judgement.verify import report, starting, structure
from harness.judgement.verify.report import Outcome, Row
from harness.records import HubRecord

CHECK = "ledger"
_TOMBSTONE = "gc"
_RESTORE = "Restore the hub or the ledger from git or another copy."


def check(
    hub: Path,
    record: HubRecord | None,
    trusted: Sequence[str] = (),
    project: Project | None = None,
) -> tuple[Row, ...]:
    """Find the seal of a hub in the ledgers and hold the hub against it.

    It must stand in the local ledger or in the published one, and in both say the same. Where
    there are ``trusted`` keys, a signed checkpoint must cover the seal.
    """
    both = ledgers.of_hub(hub, project)
    if not both.by_name:
        remedy = "Copy the store's ledger.jsonl to two folders above the hub."
        wanted = f"{layout.LEDGER} beside the suites"
        return (report.damage_row(CHECK, "no ledger", wanted, remedy),)
    folder = real_path(hub)
    name = seal.subject(folder.parent.name, folder.name)
    try:
        manifest = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    except HarnessError as error:
        return (report.of_error(CHECK, error),)
    read = [
        (word, ledger, _seen_or_error(ledger, name, manifest)) for word, ledger in both.by_name
    ]
    rows = [
        row
        for word, ledger, seen in read
        if isinstance(seen, _Seen) and seen.seals
        for row in _hold_against(hub, record, (word, ledger, seen), manifest, trusted)
    ]
    broken = [seen for _, _, seen in read if isinstance(seen, HarnessError)]
    if not rows and not broken:
        return (_not_once(hub, name, 0),)
    # What a ledger says that cannot be read is not known; the other alone may prove the hub.
    outcome = Outcome.INCONCLUSIVE if rows else Outcome.DAMAGED
    return (*rows, *(report.of_error(CHECK, error, outcome) for error in broken))


def _seen_or_error(ledger: Ledger, name: str, manifest: str) -> _Seen | HarnessError:
    try:
        return _see(ledger, name, manifest)
    except HarnessError as error:
        return error


def _hold_against(
    hub: Path,
    record: HubRecord | None,
    source: tuple[str, Ledger, _Seen],
    manifest: str,
    trusted: Sequence[str],
) -> tuple[Row, ...]:
    """Hold a hub against what one of the ledgers says of it."""
    word, ledger, seen = source
    # Two seals of one name: nobody can say any more which of them was meant.
    if len(seen.seals) != 1:
        return (_not_once(hub, seen.seals[0].subject, len(seen.seals)),)
    entry = seen.seals[0]
    wrong = [*faults(entry, manifest, record, seen.other), *_proof_faults(seen.leaves, entry)]
    place = f"entry {entry.sequence} of {len(seen.leaves)}"
    begun = starting.describe_start(seen.logged)
    rows = [report.passed_row(CHECK, f"{word}: {place}, included{begun}")]
    if wrong:
        line = f"in the {word} {layout.LEDGER} line {entry.sequence + 1}"
        rows = [
            report.damage_row(
                CHECK, report.printable(actual), report.printable(f"{wanted} {line}"), _RESTORE
            )
            for actual, wanted in wrong
        ]
    rows += starting.check(hub, record, entry, seen.logged)
    return (*rows, *_check_checkpoint(ledger, seen.leaves, entry.sequence, trusted))


def _check_checkpoint(
    ledger: Ledger, leaves: Sequence[bytes], sequence: int, trusted: Sequence[str]
) -> tuple[Row, ...]:
    """Hold the ledger against its checkpoint, where there is one or has to be."""
    if not trusted and not os.path.lexists(ledger.path.with_name(layout.CHECKPOINT)):
        return ()
    from harness.judgement.verify import signing  # noqa: PLC0415 - notes and keys, for who has them

    return signing.check(ledger, leaves, sequence, trusted)


@dataclass(slots=True)
class _Seen:
    """What one reading of the ledger gave: every leaf, and what concerns one hub."""

    leaves: list[bytes] = field(default_factory=list)
    seals: list[Entry] = field(default_factory=list)
    other: str | None = None  # whose manifest this hub shows
    logged: starting.Logged = field(default_factory=starting.Logged)


def _see(ledger: Ledger, name: str, manifest: str) -> _Seen:
    """Read the ledger once, keeping no more than a hash of each entry.

    Raises:
        IntegrityError: The ledger is damaged.
    """
    seen = _Seen()
    for entry in ledger.walk():
        # A ledger of a million entries is read past here; 32 bytes of each are what a proof
        # needs.
        seen.leaves.append(bytes.fromhex(entry.leaf))
        seen.logged.note(entry, name)
        if entry.kind != seal.KIND:
            continue
        if entry.subject == name:
            seen.seals.append(entry)
        elif entry.body.get("manifest_sha256") == manifest:
            seen.other = entry.subject
    return seen


def _not_once(hub: Path, name: str, count: int) -> Row:
    waiting = {
        path.stem.rpartition("-")[2] for path in seal.intents(real_path(hub).parent.parent)
    }
    if count == 0 and name.rpartition("-")[2] in waiting:
        remedy = "Run harness status: it finishes a seal that was cut short."
        return report.damage_row(CHECK, f"{name}: its seal was cut short", "one seal", remedy)
    count_text = "no seal" if count == 0 else f"{count} seals"
    return report.damage_row(CHECK, f"{count_text} of {name}", "one seal", _RESTORE)


def faults(
    entry: Entry, manifest: str, record: HubRecord | None, other: str | None = None
) -> Iterator[tuple[str, str]]:
    """Give what of a hub is not as its seal says: found, expected.

    Args:
        entry: The seal.
        manifest: Digest of the hub's manifest.
        record: The hub's record, where it could be read.
        other: Subject of another hub that was sealed with this manifest.
    """
    sealed = entry.body.get("manifest_sha256")
    if sealed != manifest:
        yield f"{inventory.MANIFEST}: {_replay_row(manifest, other)}", f"{str(sealed)[:12]}…"
    time = structure.moment(entry.time)
    if time is None or structure.is_future(time):
        yield f"entry {entry.sequence}: time {entry.time}", "a time that has come"
    if record is None:
        return
    recorded = {
        "suite": record.suite,
        "run_id": record.run_id,
        "verdict": record.verdict.value,
        "commit": record.stamp.commit,
    }
    for key, value in recorded.items():
        if entry.body.get(key) != value:
            yield f"hub.json: {key} {value}", f"{entry.body.get(key)!r} as sealed"[:200]
    finished = structure.moment(record.finished)
    late = structure.CLOCK_SKEW_S
    if time and finished and (finished - time).total_seconds() > late:
        yield f"hub.json: finished {record.finished}", f"a time before its seal, {entry.time}"


def _replay_row(manifest: str, other: str | None) -> str:
    return f"that of {other}, replayed" if other else f"{manifest[:12]}…, never sealed"


def _proof_faults(leaves: Sequence[bytes], entry: Entry) -> Iterator[tuple[str, str]]:
    proof = merkle.inclusion_proof(leaves, entry.sequence)
    try:
        merkle.check_inclusion(
            leaves[entry.sequence], entry.sequence, len(leaves), proof, merkle.root(leaves)
        )
    except (merkle.ProofError, IntegrityError) as error:
        yield f"entry {entry.sequence}: {error}", "an inclusion proof that holds"


def check_store(project: Project, present: Iterable[str]) -> tuple[Row, ...]:
    """Prove both ledgers as a whole and name every seal whose hub is not in the store.

    Args:
        project: The project, or one with the store of a matrix.
        present: Subjects of the hubs that are there.
    """
    both = ledgers.of_store(project.hubs, project.work)
    rows = [_whole(word, ledger) for word, ledger in both.by_name]
    if not rows:
        return (report.passed_row(CHECK, "none yet"),)
    if report.worst(row.outcome for row in rows) is Outcome.DAMAGED:
        return tuple(rows)
    gone = {entry.subject for _, entry in both.walk() if entry.kind == _TOMBSTONE}
    absent = sorted(both.runs().keys() - frozenset(present) - gone)
    if absent:
        some = ", ".join(absent[:5]) + (f" and {len(absent) - 5} more" if absent[5:] else "")
        message = report.printable(f"{len(absent)} sealed hubs are not here: {some}")
        rows.append(
            report.note_row(CHECK, message, "They may be kept elsewhere, or not be in git.")
        )
    rows += starting.check_store(starts.list_unsealed(both.read_unsealed(), project.work))
    return tuple(rows)


def _whole(word: str, ledger: Ledger) -> Row:
    try:
        health = ledger.check()
    except HarnessError as error:
        return report.of_error(CHECK, error)
    message = f"{word}: {health.size} entries hold, root {health.root[:12]}…"
    if health.torn_bytes:
        message += f"; a torn tail of {health.torn_bytes} bytes"
    return report.passed_row(CHECK, message)
