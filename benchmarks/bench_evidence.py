"""Verification and ledger, measured beside the tools that people use: ``make bench-evidence``.

Every tool is a program of its own on the same warm files, turn by turn; medians. The page with
figures and the plot of cost against size goes to docs/.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks import evidence_commands, evidence_files, evidence_ledger, machine, measured
from benchmarks.evidence_figures import Row

_DOCS = Path(__file__).parents[1] / "docs"
_SIZES = (1000, 10_000, 100_000, 1_000_000)
_PAGE = """\
# Speed of the evidence

Written by `make bench-evidence`: programs side by side on the same warm files, turn by turn,
their start included; medians. Whether a limit held is said only where one was asked for.

{machine}

| what | found | asked | held |
|---|---:|---|---|
{table}

![cost against size](evidence-speed.svg)
"""


def measure(
    place: Path, repeats: int, peers: Path | None, *, quick: bool
) -> tuple[list[Row], dict[int, dict[str, float]]]:
    """Measure everything; the rows, and the costs of ledgers by size."""
    large = (100, 1 << 20) if quick else (1000, (1 << 30) // 1000)
    made, rate = evidence_files.floor_rows()
    shares = {evidence_files.SUMS: 0.25, evidence_files.BAG: 0.4}
    made += evidence_files.rows(place / "large", large, repeats, shares, rate)
    limit = {evidence_files.OURS: 0.15}
    made += evidence_files.rows(place / "small", (1000, 10 << 10), repeats, limit, rate)
    made += evidence_commands.start_rows(place, repeats, peers)
    made += evidence_commands.stage_rows(place, repeats)
    sizes = _SIZES[:2] if quick else _SIZES
    costs = {count: evidence_ledger.costs(place, count, repeats) for count in sizes}
    return made, costs


def _about(seconds: float) -> str:
    """Say where and with which versions it was measured."""
    return (
        f"{machine.described()};"
        f" Python {platform.python_version()}, bagit {machine.package('bagit')},"
        f" {_coreutils()}; load {os.getloadavg()[0]:.1f}, {seconds / 60:.0f} minutes."
    )


def _coreutils() -> str:
    program = shutil.which("sha256sum")
    return (machine.read_version([program]) if program else None) or "no sha256sum"


@click.command()
@click.option("--quick", is_flag=True, help="Small sizes, and nothing is written.")
@click.option("--repeats", default=5, show_default=True, help="Runs of each measurement.")
@click.option(
    "--peers", type=click.Path(file_okay=False, path_type=Path), help="Folder of DVC, ReFrame …"
)
@click.option("--json", "record", type=click.Path(path_type=Path), help="Figures as numbers.")
def main(*, quick: bool, repeats: int, peers: Path | None, record: Path | None) -> None:
    """Measure everything and write docs/evidence-speed.md and its plot."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evidence-") as folder:
        made, costs = measure(Path(folder), repeats, peers, quick=quick)
    figures = [row.figure for row in made if row.figure] + evidence_ledger.figures(costs)
    made += evidence_ledger.rows(costs)
    table = "\n".join(row.line for row in made)
    click.echo(table)
    if not quick:
        page = _PAGE.format(machine=_about(time.monotonic() - began), table=table)
        (_DOCS / "evidence-speed.md").write_text(page, "utf-8")
        evidence_ledger.plot(costs, _DOCS / "evidence-speed.svg")
    measured.write(record, figures)
    sys.exit(any(row.holds is False for row in made))


if __name__ == "__main__":
    main()
