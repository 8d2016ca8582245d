"""What every operation on a ledger costs, against its size."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.evidence_figures import Row, median, peak_bytes, spoken, within
from benchmarks.measured import Measured
from harness.evidence.ledger import merkle
from harness.evidence.ledger.log import Ledger
from harness.evidence.ledger.tiles import Tiles

_TIME = "2026-01-02T03:04:05Z"
_MEMORY = 300_000_000
_DECLARATION = """\
schema = 1
name = "bench"

[suites.tiny]
description = "None of its hubs is here."
inputs = []

[[suites.tiny.stages]]
id = "nothing"
kind = "command"
argv = ["true"]
timeout_s = 10
"""
_COMMANDS = {
    "ledger verify": ["ledger", "verify"],
    "ledger log": ["ledger", "log"],
    "ledger checkpoint": ["ledger", "checkpoint"],
    "ledger proof": ["ledger", "proof", "7"],
}
# Seconds asked for, by operation and the size that they are asked of.
_LIMITS = {"verify": (100_000, 1.5), "append": (None, 0.015), "inclusion proof": (None, 0.02)}
DRAWN = ("cache built", "verify", "inclusion proof", "append", "bare write and fsync")


def ledger_of(path: Path, count: int) -> Ledger:
    """Write a ledger of many seals, fast, and make it durable."""
    previous = merkle.root([]).hex()
    with path.open("wb") as stream:
        for number in range(count):
            body = {"file_count": 12, "manifest_sha256": "a" * 64, "run_id": f"{number:032d}"}
            value = {
                "body": body | {"size": 34567, "suite": "tiny", "verdict": "green"},
                "kind": "seal",
                "previous": previous,
                "schema": 1,
                "sequence": number,
                "subject": f"tiny/{number:032d}",
                "time": _TIME,
            }
            line = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
            previous = merkle.leaf_hash(line).hex()
            stream.write(line + b"\n")
        stream.flush()
        # Else the first append would wait until all of this has reached the disk.
        os.fsync(stream.fileno())
    return Ledger(path)


def costs(place: Path, count: int, repeats: int) -> dict[str, float]:
    """Measure every operation on a ledger of one size [s]; where asked, memory [bytes]."""
    root = place / str(count)
    (root / "hubs").mkdir(parents=True)
    (root / "harness.toml").write_text(_DECLARATION)
    ledger = ledger_of(root / "hubs" / "ledger.jsonl", count)
    tree = Tiles(ledger, root / "tree")
    began = time.perf_counter()
    tree.bring_up_to_date()
    times = {"cache built": time.perf_counter() - began}
    times["verify"] = median(ledger.check, max(1, repeats // 2))

    def proof() -> None:
        fresh = Tiles(ledger, root / "tree")
        size, index = fresh.bring_up_to_date(), count // 3
        leaf = bytes.fromhex(fresh.entry(index).leaf)
        merkle.check_inclusion(leaf, index, size, fresh.inclusion_proof(index), fresh.root())

    times["inclusion proof"] = median(proof, 3 * repeats)
    times["bare write and fsync"] = median(lambda: _bare(root / "bare"), 3 * repeats)
    times["append"] = median(lambda: ledger.append("seal", "x/y", {"size": 1}), 3 * repeats)
    for name, words in _COMMANDS.items():
        times[f"memory of {name}"] = peak_bytes("-C", str(root), *words)
    shutil.rmtree(root)
    return times


def _bare(path: Path) -> None:
    with path.open("ab") as stream:
        stream.write(bytes(400))
        stream.flush()
        os.fsync(stream.fileno())


def rows(costs_of: Mapping[int, Mapping[str, float]]) -> list[Row]:
    """Write the costs of every size as rows."""
    made = []
    for count, each in costs_of.items():
        for name, value in each.items():
            what = f"ledger of {count:,}: {name}"
            size, limit = _LIMITS.get(name, (0, 0.0))
            if name.startswith("memory"):
                holds = value < _MEMORY
                figure = Measured(
                    what=what, value=value / 1e6, unit="MB", target="< 300 MB", holds=holds
                )
                cell = f"{value / 1e6:.0f} MB"
                made.append(Row(what, cell, "< 300 MB", holds, figure))
            elif size in (None, count):
                made.append(within(what, value, limit))
            else:
                made.append(Row(what, spoken(value)))
    return made


def figures(costs_of: Mapping[int, Mapping[str, float]]) -> list[Measured]:
    """Return the limits at the largest size, and those that were asked of one size."""
    count, each = max(costs_of.items())
    made = [row.figure for row in rows(costs_of) if row.figure is not None]
    label = f"ledger of {_LIMITS['verify'][0]:,}: verify"
    records = [m for m in made if m.what.startswith(f"ledger of {count:,}:") or m.what == label]
    bare = each["bare write and fsync"]
    return [
        replace(m, peer="bare write and fsync", beside=bare) if "append" in m.what else m
        for m in records
    ]


def plot(costs_of: Mapping[int, Mapping[str, float]], path: Path) -> None:
    """Draw cost and memory against size, on log scales."""
    figure = Figure(figsize=(9.6, 4.2))
    left, right = figure.subplots(1, 2)
    for name in DRAWN:
        times = [each[name] for each in costs_of.values()]
        left.loglog(list(costs_of), times, marker="o", label=name)
    left.set_ylabel("time [s]")
    for name in _COMMANDS:
        peaks = [each[f"memory of {name}"] / 1e6 for each in costs_of.values()]
        right.loglog(list(costs_of), peaks, marker="o", label=name)
    right.axhline(_MEMORY / 1e6, color="grey", linestyle="--", label="asked for")
    right.set_ylabel("most resident memory [MB]")
    for axes in (left, right):
        axes.set_xlabel("entries in the ledger")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
