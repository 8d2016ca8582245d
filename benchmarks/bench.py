"""Every benchmark in turn, and one page of all: ``make bench``.

Each part is a process of its own, which also renews its detailed page. What a part measured is
kept in the run directory: an interrupted run goes on with the parts that are not there yet.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import bench_page, bench_parts, machine
from benchmarks.bench_parts import PARTS, ROOT, Outcome, Part

_DOCS = ROOT / "docs"
_NAMES = [part.name for part in PARTS]


def gather(
    parts: Sequence[Part], run: Path, more: dict[str, list[str]], *, is_quick: bool
) -> bool:
    """Run the parts that the run directory does not hold; tell whether none failed.

    Args:
        parts: What to run.
        run: Directory of outcomes.
        more: Words beside a part's own, by its name.
        is_quick: Whether the short forms are run.
    """
    is_good = True
    for part in parts:
        outcome = bench_parts.read_outcome(part, run)
        if outcome is not None and not outcome.failure:
            click.echo(f"{part.name}: kept from {outcome.began}, commit {outcome.commit}")
            continue
        click.echo(f"{part.name}: measuring")
        extra = more.get(part.name, [])
        outcome = bench_parts.perform(part, run, extra, is_quick=is_quick)
        summary = outcome.failure or f"{len(outcome.figures)} figures"
        click.echo(f"{part.name}: {summary}, after {outcome.seconds:.0f} s")
        is_good = is_good and not outcome.failure
    return is_good


def compose(run: Path, output: Path, peers: Path | None, *, is_quick: bool) -> None:
    """Write the page of all outcomes in a run directory, and its plot."""
    outcomes: list[tuple[Part, Outcome | None]]
    outcomes = [(part, bench_parts.read_outcome(part, run)) for part in PARTS]
    about = [
        f"Machine: {machine.described()}.",
        "",
        f"Versions: {bench_page.versions(machine.versions(peers))}",
    ]
    if bars := bench_page.drawn(outcomes):
        bench_page.draw(bars, output.parent / bench_page.PICTURE)
    text = bench_page.page(outcomes, about, output.parent, is_quick=is_quick)
    output.write_text(text, "utf-8")
    click.echo(f"written: {output}")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(_NAMES))
@click.option("--quick", "is_quick", is_flag=True, help="The short form of every part.")
@click.option("--page-only", is_flag=True, help="Measure nothing: write what was measured.")
@click.option("--again", is_flag=True, help="Measure again what the run directory holds.")
@click.option(
    "--run",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run directory [default: .harness/bench/full or quick].",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_DOCS / "benchmarks.md",
    help="The page to write.",
)
@click.option(
    "--peers",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the programs of DVC, ReFrame …; else they are looked for on the path.",
)
@click.option(
    "--star",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the measured star, for the part quality.",
)
def main(  # noqa: PLR0913 - one argument for each option
    *,
    names: tuple[str, ...],
    is_quick: bool,
    page_only: bool,
    again: bool,
    run: Path | None,
    output: Path,
    peers: Path | None,
    star: Path | None,
) -> None:
    """Measure all parts, or those named, and write the page; 1 where a part failed."""
    place = run or ROOT / ".harness" / "bench" / ("quick" if is_quick else "full")
    chosen_names = () if page_only else names or _NAMES
    parts = [part for part in PARTS if part.name in chosen_names]
    more = {}
    if peers:
        more["evidence"] = ["--peers", str(peers.absolute())]
    if star and not is_quick:
        more["quality"] = ["--star", str(star.absolute())]
    if again:
        for part in parts:
            (place / f"{part.name}.json").unlink(missing_ok=True)
            shutil.rmtree(place / f"{part.name}-pages", ignore_errors=True)
    for part in PARTS:
        bench_parts.read_outcome(
            part, place
        )  # refuses what it cannot read, before hours are spent
    is_good = gather(parts, place, more, is_quick=is_quick)
    compose(place, output, peers, is_quick=is_quick)
    sys.exit(0 if is_good else 1)


if __name__ == "__main__":
    main()
