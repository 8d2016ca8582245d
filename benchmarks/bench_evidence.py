"""Verification and ledger, measured beside the tools that people use: ``make bench-evidence``.

Medians of repeated runs on the same warm files, in one process after the other; the page with
figures and the plot of cost against size goes to docs/.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from matplotlib.figure import Figure

from harness.hub import comparison, inventory
from harness.ledger import merkle
from harness.ledger.log import Ledger
from harness.ledger.tiles import Tiles

_DOCS = Path(__file__).parents[1] / "docs"
_TIME = "2026-01-02T03:04:05Z"
Row = tuple[str, str, str]


def median(call: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of a call [s]."""
    spent = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def files_of(folder: Path, count: int, size: int) -> Path:
    """Make a sealed folder of many files."""
    folder.mkdir(parents=True)
    block = os.urandom(size)
    for number in range(count):
        path = folder / f"{number % 16:02d}" / f"{number:05d}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(number.to_bytes(8) + block[8:])
        path.chmod(0o444)
    inventory.write(folder)
    return folder


def _shell(argv: list[str], cwd: Path) -> Callable[[], object]:
    return lambda: subprocess.run(argv, cwd=cwd, check=True, capture_output=True)


def verify_rows(place: Path, count: int, size: int, repeats: int) -> list[Row]:
    """Measure one set of files with every tool that is there, and the floor of the machine."""
    hub = files_of(place / f"{count}x{size}", count, size)
    total = count * size
    name = f"{count:,} files × {size / 1024:,.0f} KiB"

    def ours() -> None:
        if damages := comparison.compare(hub).damages:
            raise SystemExit(f"the files to measure are damaged: {damages[:3]}")

    mine = median(ours, repeats)
    rows: list[Row] = [
        (f"{name}: harness, every byte", _s(mine), f"{total / mine / 1e9:.2f} GB/s")
    ]
    program = shutil.which("sha256sum")
    if program:
        argv = [program, "--check", "--quiet", inventory.MANIFEST]
        other = median(_shell(argv, hub), repeats)
        rows.append(
            (f"{name}: sha256sum -c", _s(other), f"harness takes {mine / other:.2f} of it")
        )
    bag = Path(sys.executable).with_name("bagit.py")
    if bag.exists():
        copied = place / "bag"
        shutil.copytree(hub, copied)
        subprocess.run([bag, "--sha256", "--quiet", str(copied)], check=True)
        argv = [str(bag), "--validate", "--quiet", str(copied)]
        other = median(_shell(argv, place), repeats)
        rows.append(
            (f"{name}: bagit --validate", _s(other), f"harness takes {mine / other:.2f} of it")
        )
        shutil.rmtree(copied)
    shutil.rmtree(hub)
    return rows


def floor_rows() -> list[Row]:
    """Measure what the machine's SHA-256 gives at best, in memory, on one and on all cores."""
    block = bytes(64 << 20)
    one = median(lambda: hashlib.sha256(block), 3)
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        every = median(lambda: list(pool.map(hashlib.sha256, [block] * cores)), 3)
    return [
        ("SHA-256 in memory, one thread", _s(one), f"{len(block) / one / 1e9:.2f} GB/s"),
        (
            f"SHA-256 in memory, {cores} threads",
            _s(every),
            f"{cores * len(block) / every / 1e9:.2f} GB/s",
        ),
    ]


def ledger_of(path: Path, count: int) -> Ledger:
    """Write a ledger of many seals, fast."""
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
    return Ledger(path)


_PROBE = """
import sys, time, resource, pathlib
sys.path.insert(0, sys.argv[2])
from harness.ledger.log import Ledger
began = time.perf_counter()
Ledger(pathlib.Path(sys.argv[1])).check()
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def ledger_costs(place: Path, count: int) -> dict[str, float]:
    """Measure every operation on a ledger of one size: seconds, and peak bytes of a proof."""
    ledger = ledger_of(place / f"{count}.jsonl", count)
    root = str(Path(__file__).parents[1])
    argv = [sys.executable, "-c", _PROBE, str(ledger.path), root]
    told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()
    append = median(lambda: ledger.append("seal", "tiny/new", {"size": 1}), 9)
    tree = Tiles(ledger, place / f"{count}.tree")
    began = time.perf_counter()
    tree.bring_up_to_date()
    built = time.perf_counter() - began

    def proof() -> None:
        fresh = Tiles(ledger, place / f"{count}.tree")
        size, index = fresh.bring_up_to_date(), count // 3
        leaf = bytes.fromhex(fresh.entry(index).leaf)
        merkle.check_inclusion(leaf, index, size, fresh.inclusion_proof(index), fresh.root())

    costs = {
        "verify": float(told[0]),
        "verify_peak_bytes": float(told[1]),
        "append": append,
        "cache built": built,
        "inclusion proof": median(proof, 9),
    }
    ledger.path.unlink()
    shutil.rmtree(place / f"{count}.tree")
    return costs


def ledger_rows(costs: dict[int, dict[str, float]]) -> list[Row]:
    """Write the costs of every size as rows."""
    rows: list[Row] = []
    for count, found in costs.items():
        peak = f"{found['verify_peak_bytes'] / 1e6:.0f} MB at most"
        rows.append((f"ledger of {count:,}: verify chain and tree", _s(found["verify"]), peak))
        names = ("append", "cache built", "inclusion proof")
        rows += [(f"ledger of {count:,}: {name}", _s(found[name]), "") for name in names]
    return rows


def plot(costs: dict[int, dict[str, float]], path: Path) -> None:
    """Draw cost against size, both on a log scale."""
    figure = Figure(figsize=(6.4, 4.2))
    axes = figure.subplots()
    for name in ("verify", "cache built", "append", "inclusion proof"):
        axes.loglog(
            list(costs), [each[name] for each in costs.values()], marker="o", label=name
        )
    axes.set_xlabel("entries in the ledger")
    axes.set_ylabel("time [s]")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _s(seconds: float) -> str:
    return f"{seconds * 1e3:,.2f} ms" if seconds < 1 else f"{seconds:,.2f} s"


@click.command()
@click.option("--quick", is_flag=True, help="Small sizes, and nothing is written.")
@click.option("--repeats", default=5, show_default=True, help="Runs of each measurement.")
def main(*, quick: bool, repeats: int) -> None:
    """Measure everything and write docs/evidence-speed.md and its plot."""
    sizes = [1000, 10_000] if quick else [1000, 10_000, 100_000, 1_000_000]
    large = (100, 1 << 20) if quick else (1000, (1 << 30) // 1000)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        rows = floor_rows()
        rows += verify_rows(place, *large, repeats)
        rows += verify_rows(place, 1000, 10 << 10, repeats)
        costs = {count: ledger_costs(place, count) for count in sizes}
    rows += ledger_rows(costs)
    table = [
        "| what | median | |",
        "|---|---:|---|",
        *(f"| {a} | {b} | {c} |" for a, b, c in rows),
    ]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    click.echo("\n".join([machine, *table, f"peak of this process {peak:.0f} MB"]))
    if quick:
        return
    head = (
        "# Speed of the evidence\n\nWritten by `make bench-evidence` on warm files; medians.\n"
    )
    image = "![cost against size](evidence-speed.svg)\n"
    page = "\n".join([head, f"{machine}.\n", *table, "", image])
    (_DOCS / "evidence-speed.md").write_text(page, "utf-8")
    plot(costs, _DOCS / "evidence-speed.svg")


if __name__ == "__main__":
    main()
