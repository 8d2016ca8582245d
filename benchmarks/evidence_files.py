"""The command ``harness verify`` beside the tools that people use, on the same warm files."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.evidence_figures import (
    HARNESS,
    Row,
    median,
    missing,
    program,
    side_by_side,
    spoken,
)
from benchmarks.measured import Measured, at_most
from harness.evidence.hub import digest, inventory
from tests.builders import sealed
from tests.builders.sealed import Store

OURS = "harness verify"
SUMS, BAG = "sha256sum -c", "bagit --validate"


def hub_of(root: Path, count: int, size: int) -> Store:
    """Make a project whose one hub holds, sealed, as many files more."""
    store = sealed.make(root)
    (entry,) = sealed.seals(store)
    block = os.urandom(size)
    for number in range(count):
        path = store.hub / "analysis" / "payload" / f"{number % 16:02d}" / f"{number:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(number.to_bytes(8) + block[8:])
        path.chmod(0o444)
    sealed.remanifest(store.hub)
    manifest = digest.sha256(store.hub / inventory.MANIFEST)
    store.ledger.path.unlink()
    store.ledger.append(entry.kind, entry.subject, entry.body | {"manifest_sha256": manifest})
    return store


def _others(store: Store, place: Path) -> dict[str, Callable[[], object]]:
    """Return the calls of the other tools that are installed."""
    calls: dict[str, Callable[[], object]] = {}
    if checker := shutil.which("sha256sum"):
        argv = [checker, "--check", "--quiet", inventory.MANIFEST]
        calls[SUMS] = program(argv, store.hub)
    bagit = Path(sys.executable).with_name("bagit.py")
    if bagit.exists():
        bag = place / "bag"
        shutil.copytree(store.hub, bag)
        subprocess.run([str(bagit), "--sha256", "--quiet", str(bag)], check=True)
        calls[BAG] = program([str(bagit), "--validate", "--quiet", str(bag)])
    return calls


def rows(
    place: Path, sizes: tuple[int, int], repeats: int, times: Mapping[str, float], rate: float
) -> list[Row]:
    """Measure one hub with every tool, turn by turn, start-up of each included.

    Args:
        place: Where the hub is made; removed afterwards.
        sizes: Files beside those of the harness, and the bytes of each.
        repeats: Turns.
        times: Seconds that ours may take, and the share of each other tool's time.
        rate: What the machine's SHA-256 gives at best [bytes/s].
    """
    count, size = sizes
    store = hub_of(place / "project", count, size)
    words = ["-C", str(store.root), "verify", "--hub", str(store.hub), "--allow-stale", "-q"]
    took = side_by_side({OURS: program([HARNESS, *words]), **_others(store, place)}, repeats)
    shutil.rmtree(place)
    mine = took.pop(OURS)
    named = f"{count:,} files of {size / 1024:,.0f} KiB: "
    limit, floor = times.get(OURS), count * size / rate
    ours = named + OURS
    made = [
        Row(
            ours,
            f"{spoken(mine)}, {count * size / mine / 1e9:.2f} GB/s",
            "" if limit is None else f"≤ {spoken(limit)}",
            None if limit is None else mine <= limit,
            None if limit is None else at_most(ours, mine, "s", limit, floor=floor),
        )
    ]
    for name in (SUMS, BAG):
        if name not in took:
            made.append(missing(named + name, ours, mine, name))
            continue
        seconds, most = took[name], times.get(name)
        share = mine / seconds
        cell = f"{spoken(seconds)}; harness takes {share:.2f} of it"
        holds = None if most is None else share <= most
        target = "" if most is None else f"≤ {most}"
        figure = Measured(
            what=ours,
            value=mine,
            unit="s",
            peer=name,
            beside=seconds,
            floor=floor,
            target=f"ratio {target}" if target else "",
            holds=holds,
        )
        made.append(Row(named + name, cell, target, holds, figure))
    return made


def floor_rows() -> tuple[list[Row], float]:
    """Measure what the machine's SHA-256 gives at best, in memory, on one and on all cores.

    Returns:
        The rows, and the rate on all cores [bytes/s].
    """
    block = bytes(64 << 20)
    cores = os.cpu_count() or 1
    one = median(lambda: hashlib.sha256(block), 3)
    with ThreadPoolExecutor(cores) as pool:
        every = median(lambda: list(pool.map(hashlib.sha256, [block] * cores)), 3)
    rate = cores * len(block) / every
    return [
        Row("SHA-256 in memory, one thread", f"{len(block) / one / 1e9:.2f} GB/s"),
        Row(f"SHA-256 in memory, {cores} threads", f"{rate / 1e9:.2f} GB/s"),
    ], rate
