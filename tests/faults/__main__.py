"""Run every campaign in full and write docs/reliability.md: ``python -m tests.faults``."""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import click

from tests.faults import campaigns
from tests.faults.figures import FULL, SHORT, Campaign

_PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_SHOWN = 20
_HEAD = """\
# What faults do to the evidence

Written by `make faults`, which breaks real stores in the ways below and counts what follows. A
short form of every row is part of `make test`; *held* over *tried* must be all of them.

"""


@click.command()
@click.option("--short", is_flag=True, help="The short form, as in the tests.")
@click.option("--only", multiple=True, type=click.Choice(list(campaigns.CAMPAIGNS)))
@click.option("--kills", type=int, default=FULL.kills, show_default=True)
@click.option("--stride", type=int, default=1, show_default=True, help="Every N-th place.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Another page.")
def main(
    *, short: bool, only: tuple[str, ...], kills: int, stride: int, output: Path | None
) -> None:
    """Run the campaigns, print each as it ends, and write the page when all were run."""
    scale = SHORT if short else dataclasses.replace(FULL, kills=kills, stride=stride)
    began = time.monotonic()
    made: list[Campaign] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for name in only or campaigns.CAMPAIGNS:
            made.append(campaigns.run(name, Path(folder), scale))
            last = made[-1]
            click.echo(f"{name:<18} {last.held:>7} of {last.tried:>7}  {last.seconds:8.1f} s")
            for failure in last.failures[:_SHOWN]:
                click.echo(f"    {failure}"[:400])
    if output or not (short or only):
        (output or _PAGE).write_text(_page(made, time.monotonic() - began, stride), "utf-8")
    sys.exit(any(each.failures for each in made))


def _page(made: list[Campaign], seconds: float, stride: int) -> str:
    lines = ["| fault | promised | tried | held | time [s] |", "|---|---|---:|---:|---:|"]
    for each in made:
        notes = f" ({'; '.join(each.notes)})" if each.notes else ""
        lines.append(
            f"| {each.fault}{notes} | {each.target} | {each.tried:,} | {each.held:,}"
            f" | {each.seconds:.0f} |"
        )
    failed = [failure for each in made for failure in each.failures]
    end = ["", "## What did not hold", "", *(f"- `{text[:300]}`" for text in failed)]
    where = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    places = "every place" if stride == 1 else f"every {stride}th place"
    told = f"{where}, {os.cpu_count()} cores, {seconds / 60:.0f} minutes, {places}."
    return _HEAD + told + "\n\n" + "\n".join([*lines, *(end if failed else [])]) + "\n"


if __name__ == "__main__":
    main()
