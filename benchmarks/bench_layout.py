"""What hubs, ledger and site cost against their number: ``make bench-layout``.

The sizes of hubs are those of the committed ones; ledgers and sites are synthetic. The record
goes to docs/scaling.json, from which ``python -m proofs.docs`` writes the tables of scaling.md.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from pathlib import Path
from typing import Any

import click

from benchmarks import bench_site, evidence_ledger, measured, scaling_record
from benchmarks.measured import Measured
from tests.builders import stores

_HUBS = Path(__file__).parents[1] / "hubs"
_LEDGERS = (1000, 10_000, 100_000, 1_000_000)
_SITES = (100, 300, 1000)
_REPEATS = 3
_SMALL = 2  # sizes of each kind


def hub_sizes() -> dict[str, float]:
    """Return how many files and bytes a committed hub has, the median of all."""
    hubs = [path for path in _HUBS.glob("*/*") if path.is_dir()]
    files = [[p for p in hub.rglob("*") if p.is_file()] for hub in hubs]
    return {
        "count": len(hubs),
        "files": statistics.median(len(each) for each in files),
        "bytes": statistics.median(sum(p.stat().st_size for p in each) for each in files),
    }


def ledger_row(folder: Path, count: int) -> dict[str, float]:
    """Measure a ledger of one size."""
    path = folder / "size.jsonl"
    size = evidence_ledger.ledger_of(path, count).path.stat().st_size
    path.unlink()
    costs = evidence_ledger.costs(folder, count, _REPEATS)
    click.echo(f"ledger of {count:,}: {costs['verify']:.2f} s to verify")
    return {"entries": count, "bytes": size, **costs}


def site_row(folder: Path, count: int) -> dict[str, Any]:
    """Measure the site of so many hubs: built first, and again with nothing new."""
    folder.mkdir()
    (folder / "harness.toml").write_text(bench_site.DECLARATION)
    stores.fill(folder / "hubs", count)
    first, same = bench_site.build(folder), bench_site.build(folder)
    index = (folder / "out" / "index.html").stat().st_size
    click.echo(f"site of {count:,}: {first.wall_s:.1f} s, again {same.wall_s:.1f} s")
    return {
        "hubs": count,
        "first": dataclasses.asdict(first),
        "same": dataclasses.asdict(same),
        "index_bytes": index,
    }


def figures(content: dict[str, Any]) -> list[Measured]:
    """Return what one more costs at the largest size, beside the smallest."""
    made = []
    for kind, axis, keys in (
        ("ledger", "entries", ("bytes", "verify", "append", "inclusion proof")),
        ("site", "hubs", ("index_bytes",)),
    ):
        rows = content[f"{kind}s"]
        first, last = rows[0], rows[-1]
        made += [
            Measured(
                what=f"{kind} of {last[axis]:,} {axis}: {key.replace('_', ' ')}",
                value=last[key],
                unit="B" if "bytes" in key else "s",
                peer=f"of {first[axis]:,}",
                beside=first[key],
                note=f"the size grew {last[axis] / first[axis]:g} times",
            )
            for key in keys
        ]
    return made


@click.command()
@click.option("--small", is_flag=True, help="The two smallest sizes of each, for a look.")
@click.option(
    "--record", type=click.Path(path_type=Path), default=scaling_record.RECORD, help="To write."
)
@click.option("--json", "numbers", type=click.Path(path_type=Path), help="Figures as numbers.")
def main(*, small: bool, record: Path, numbers: Path | None) -> None:
    """Measure everything and write the record."""
    end = _SMALL if small else None
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        content = {
            "hubs": hub_sizes(),
            "ledgers": [ledger_row(place, count) for count in _LEDGERS[:end]],
            "sites": [site_row(place / f"{count}", count) for count in _SITES[:end]],
        }
    scaling_record.update("layout", content, is_small=small, path=record)
    measured.write(numbers, figures(content))


if __name__ == "__main__":
    main()
