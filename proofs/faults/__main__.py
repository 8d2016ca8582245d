"""Run every campaign in full and write docs/reliability.md: ``python -m proofs.faults``."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import click

from proofs.faults import campaigns, outcome_cache
from proofs.faults.figures import FULL, SHORT, Campaign, Scale
from proofs.fuzz import batches as fuzz
from proofs.models import table as models
from proofs.mutants import table as mutants
from proofs.outside import table as outside

_PAGE = outcome_cache.ROOT / "docs" / "reliability.md"
_MOST = 20
_HEAD = """\
# What faults do to the evidence

Written by `make faults`, which breaks real stores in the ways below and counts what follows.
The same code in a short form is part of `make test`, row by row: `pytest tests/faults -k ROW`.
*Held* over *tried* must be all of them.

"""


@click.command()
@click.option("--short", is_flag=True, help="The short form, as in the tests.")
@click.option("--only", multiple=True, type=click.Choice(list(campaigns.CAMPAIGNS)))
@click.option("--kills", type=int, default=FULL.kills, show_default=True)
@click.option("--stride", type=int, default=1, show_default=True, help="Every N-th place.")
@click.option("--jobs", type=int, default=os.cpu_count(), help="Rows at once.")
@click.option("--again", is_flag=True, help="Run what an earlier call has already run.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Another page.")
def main(
    *,
    short: bool,
    only: tuple[str, ...],
    kills: int,
    stride: int,
    jobs: int,
    again: bool,
    output: Path | None,
) -> None:
    """Run the campaigns, print each as it ends, and write the page when all were run.

    Rows that an earlier call of the same source has run are taken from it.
    """
    scale = SHORT if short else dataclasses.replace(FULL, kills=kills, stride=stride)
    names = only or tuple(campaigns.CAMPAIGNS)
    place = outcome_cache.folder(scale)
    made = {} if again else {n: old for n in names if (old := outcome_cache.read(place, n))}
    for name, old in made.items():
        _say(name, old)
    for name, new in _run([name for name in names if name not in made], scale, jobs):
        outcome_cache.write(place, name, new)
        made[name] = new
        _say(name, new)
    rows = [(name, made[name]) for name in names]
    if output or not (short or only):
        (output or _PAGE).write_text(_page(rows, jobs), "utf-8")
    sys.exit(any(each.failures for each in made.values()))


def _run(names: Sequence[str], scale: Scale, jobs: int) -> Iterator[tuple[str, Campaign]]:
    """Run campaigns in processes of their own, the longest first."""
    order = sorted(names, key=lambda name: -campaigns.WEIGHTS.get(name, 0))
    fresh = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="faults-") as folder,
        ProcessPoolExecutor(max(1, jobs), fresh, max_tasks_per_child=1) as pool,
    ):
        promised = {
            pool.submit(campaigns.run, name, Path(folder), scale): name for name in order
        }
        for done in as_completed(promised):
            yield promised[done], done.result()


def _say(name: str, made: Campaign) -> None:
    click.echo(f"{name:<16} {made.held:>7} of {made.tried:>7}  {made.seconds:8.1f} s")
    for failure in made.failures[:_MOST]:
        click.echo(f"    {failure}"[:400])


def _page(rows: Sequence[tuple[str, Campaign]], jobs: int) -> str:
    lines = ["| row | fault | promised | tried | held | time [s] |"]
    lines += ["|---|---|---|---:|---:|---:|"]
    for name, each in rows:
        notes = f" ({'; '.join(each.notes)})" if each.notes else ""
        lines.append(
            f"| {name} | {each.fault}{notes} | {each.target} | {each.tried:,} | {each.held:,}"
            f" | {each.seconds:.0f} |"
        )
    for name, each in rows:
        if each.details:
            lines += ["", f"## In {name}", "", *(f"- {text}" for text in each.details)]
    failed = [failure for _, each in rows for failure in each.failures]
    if failed:
        lines += ["", "## What did not hold", "", *(f"- `{text[:300]}`" for text in failed)]
    minutes = sum(each.seconds for _, each in rows) / 60
    machine = (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" {os.cpu_count()} cores; {minutes:.0f} minutes of rows, {jobs} at a time."
    )
    parts = {"models": models, "outside": outside, "fuzz": fuzz, "mutants": mutants}
    marked = (
        f"{part.HEAD}<!-- begin: {name} -->\n\n{part.rows()}\n\n<!-- end: {name} -->\n"
        for name, part in parts.items()
    )
    return _HEAD + machine + "\n\n" + "\n".join(lines) + "\n\n" + "\n".join(marked)


if __name__ == "__main__":
    main()
