"""Bytes flipped, ledgers cut short and structures bent: every one must be found and named."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

from harness.errors import HarnessError, IntegrityError
from harness.evidence.hub import inventory
from harness.evidence.ledger import checkpoint
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import VerifyReport, verify
from proofs.faults.figures import Campaign, Scale, every
from tests.builders import sealed
from tests.builders.history_damages import DAMAGES
from tests.builders.sealed import Store

_DAMAGED = 4
_PAYLOAD = ("analysis/measure/stats.json", "analysis/measure/rows.csv", "cli/measure.log")


def _list_damage(verified: VerifyReport) -> str:
    bad = [row for row in verified.rows if row.outcome == "damaged"]
    return " ".join(f"{row.found} {row.expected}" for row in bad)


def _judge(store: Store, names: tuple[str, ...]) -> str:
    """Say what is wrong with how damage was told; nothing when it was found and named."""
    try:
        verified = verify(store.project, store.hub)
    except HarnessError as error:
        return f"refused as a whole: {error}"
    except Exception as error:  # noqa: BLE001 - a traceback is what is counted here
        return f"{type(error).__name__}: {error}"
    if verified.exit_code != _DAMAGED:
        return f"exit code {verified.exit_code}"
    output = _list_damage(verified)
    return "" if any(name in output for name in names) else f"not named: {output[:160]}"


def metadata(store: Store) -> list[Path]:
    """Return every file of a hub that the harness itself wrote, and those beside it."""
    listed = [*inventory.read_manifest(store.hub), inventory.MANIFEST]
    return [store.hub / name for name in listed if name not in _PAYLOAD] + [store.ledger.path]


def flips(folder: Path, scale: Scale) -> Campaign:
    """Flip one bit of each byte of the metadata, and random bits of the payload."""
    campaign = Campaign(
        fault=f"one bit flipped in {every(scale.stride, 'byte')} of all metadata files of a hub"
        f" and of its ledger; {scale.bits:,} random bits in payloads",
        target="100 % detected, the right file named, 0 tracebacks",
    )
    store = sealed.make(folder / "project")
    pinned = checkpoint.write(checkpoint.take(store.ledger.leaves(), "small"))
    store.ledger.path.with_name("checkpoint.txt").write_text(pinned)
    assert verify(store.project, store.hub).exit_code == 0
    for path in metadata(store):
        for place in range(0, path.stat().st_size, scale.stride):
            _flip(campaign, store, path, place, 1 << place % 8)
    chance = random.Random(20260102)  # noqa: S311 - repeatable, no secret
    for _ in range(scale.bits):
        path = store.hub / chance.choice(_PAYLOAD)
        place = chance.randrange(path.stat().st_size)
        _flip(campaign, store, path, place, 1 << chance.randrange(8))
    assert verify(store.project, store.hub).exit_code == 0
    return campaign


def _flip(campaign: Campaign, store: Store, path: Path, place: int, bit: int) -> None:
    content = path.read_bytes()
    changed = bytearray(content)
    changed[place] ^= bit
    sealed.write(path, bytes(changed))
    # A flipped line of the ledger is named as such, or by the checkpoint that pinned it.
    names = (path.name, "checkpoint.txt") if path.suffix == ".jsonl" else (path.name,)
    problem = _judge(store, (*names, f"tiny/{store.hub.name}"))
    campaign.require(not problem, f"{path.name} byte {place}: {problem}")
    sealed.write(path, content)


def truncations(folder: Path, scale: Scale) -> Campaign:
    """Cut a ledger at every byte offset."""
    campaign = Campaign(
        fault=f"ledger truncated at {every(scale.offsets, 'byte offset')}",
        target="valid prefix + torn tail, or invalid; never valid and shorter with a pin",
    )
    folder.mkdir(parents=True, exist_ok=True)
    ledger = Ledger(folder / "ledger.jsonl")
    for number in range(5):
        ledger.append("seal", f"tiny/{number}", {"number": number, "text": "é"})
    content, pinned = ledger.path.read_bytes(), checkpoint.take(ledger.leaves(), "x")
    for size in range(0, len(content), scale.offsets):
        ledger.path.write_bytes(content[:size])
        campaign.require(_is_honest(ledger, content[:size], pinned), f"cut at {size}")
    return campaign


def _is_honest(ledger: Ledger, content: bytes, pinned: checkpoint.Checkpoint) -> bool:
    health = ledger.check()
    torn = len(content) - (content.rfind(b"\n") + 1)
    try:
        checkpoint.require_prefix(pinned, ledger.leaves(), "ledger")
    except IntegrityError:
        return (health.size, health.torn_bytes) == (content.count(b"\n"), torn)
    return False


def structures(folder: Path, scale: Scale) -> Campaign:
    """Bend a sealed hub, its neighbours and its ledger in every way we know."""
    del scale  # a handful of milliseconds each: the short form tries them all
    campaign = Campaign(
        fault=f"{len(DAMAGES)} structural damages: remove, add, rename, swap, symlink, hard"
        " link, mode, restored mtime, case collision, replay, hub of another commit, merged"
        " ledgers, rolled-back checkpoint, duplicate sequence number, future clock and others",
        target="100 % detected, exit 4",
    )
    pristine = sealed.make(folder / "pristine")
    for name, damage in sorted(DAMAGES.items()):
        root = folder / "project"
        shutil.rmtree(root, ignore_errors=True)
        store = sealed.copy(pristine, root)
        word = damage(store)
        problem = _judge(store, (word,))
        campaign.require(not problem, f"{name}: {problem}")
    return campaign
