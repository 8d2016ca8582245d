"""The site of many hubs, measured by its command line: ``make bench-site``.

Each build is a program of its own, so that start-up and the largest memory count. The hubs are
synthetic: 54 guards, 26 metrics, three logs, four pictures, a training history.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click

from benchmarks import measured
from benchmarks.measured import Measured, at_most
from harness.reporting import html
from proofs.browser import chromium
from tests.builders import reports, stores

_ROOT = Path(__file__).parents[1]
_DOC = _ROOT / "docs" / "site-speed.md"
_MEMORY_MB = 500
_VISITS = 5
DECLARATION = """\
schema = 1
name = "many"

[suites.quick]
description = "Synthetic."
inputs = ["harness.toml"]

[[suites.quick.stages]]
id = "nothing"
kind = "command"
argv = ["{python}", "-V"]
timeout_s = 10
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a build took: wall and processor seconds, largest resident memory [MB]."""

    wall_s: float
    cpu_s: float
    peak_mb: float


class Row(NamedTuple):
    """One line of the page: what, the figure, what was asked for; and as a number."""

    what: str
    value: str
    target: str
    figure: Measured


def build(project: Path) -> Spent:
    """Build the site of a project in a program of its own."""
    argv = [
        sys.executable,
        "-m",
        "harness",
        "report",
        "--site",
        "out",
        "-q",
        "-C",
        str(project),
    ]
    began = time.perf_counter()
    process = subprocess.Popen(argv, cwd=project, env={**os.environ, "PYTHONPATH": str(_ROOT)})
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"the build ended with exit code {process.returncode}")
    wall = time.perf_counter() - began
    return Spent(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def interactive(index: Path) -> float | None:
    """Return how long Chromium takes until a filter of the index has answered [s].

    The least of some visits: what else the machine does only adds. ``None`` where there is no
    Chromium or no playwright.
    """
    if chromium.program() is None:
        return None
    try:
        with chromium.browser() as running:
            return min(_answer_filter(running, index) for _ in range(_VISITS))
    except ImportError:
        return None


def _answer_filter(running: Any, index: Path) -> float:
    with chromium.visit(running) as seen:
        began = time.perf_counter()
        seen.open(index)
        seen.page.locator("#filters [name=verdict]").select_option("red")
        seen.page.wait_for_function(
            "document.querySelector('.runs tbody tr:first-child').className === 'red' &&"
            " /^[0-9]+ of/.test(document.getElementById('count').textContent)"
        )
        return time.perf_counter() - began


def one_report(hub: Path) -> float:
    """Return the time to render the page of one hub, warm [s]."""
    html.render(hub)
    began = time.perf_counter()
    html.render(hub)
    return time.perf_counter() - began


def fill(count: int, folder: Path) -> None:
    """Bring a project to a number of hubs and to no site."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "harness.toml").write_text(DECLARATION)
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "one", ignore_errors=True)
    here = sorted((folder / "hubs").glob("*/2*"), key=lambda hub: hub.name)
    for hub in here[count:]:
        shutil.rmtree(hub)
    stores.fill(folder / "hubs", max(0, count - len(here)), first=len(here))


def rows(count: int, folder: Path) -> list[Row]:
    """Measure the builds, the index in a browser, and one page; hubs that are there stay."""
    fill(count, folder)
    whole = build(folder)
    stores.fill(folder / "hubs", 1, first=count)
    more = build(folder)
    same = build(folder)
    site = folder / "out"
    answered = interactive(site / "index.html")
    hub = reports.write(folder / "one", reports.record())
    page, index = one_report(hub), (site / "index.html").stat().st_size / 1e6
    thousands = max(1, count / 1000)
    first, later = 60 * thousands, 1 + thousands
    return [
        *_built(f"first build of {count} hubs", whole, first),
        *_built("build after one more run", more, later),
        _built("build with nothing new", same, later)[0],
        Row("index.html", f"{index:.2f} MB", "≤ 1 MB", at_most("index.html", index, "MB", 1)),
        _first_filter(answered),
        Row(
            "one page, in a warm program",
            f"{1000 * page:.0f} ms",
            "≤ 3 s",
            at_most("one page of the site, in a warm program", page, "s", 3),
        ),
    ]


def _built(what: str, spent: Spent, limit: float) -> tuple[Row, Row]:
    cell = f"{spent.wall_s:.2f} s ({spent.cpu_s:.2f} s of processor)"
    memory = Measured(
        what=f"{what}: largest memory",
        value=spent.peak_mb,
        unit="MB",
        target=f"< {_MEMORY_MB} MB",
        holds=spent.peak_mb < _MEMORY_MB,
    )
    return (
        Row(what, cell, f"≤ {limit:g} s", at_most(what, spent.wall_s, "s", limit)),
        Row("its largest memory", f"{spent.peak_mb:.0f} MB", memory.target, memory),
    )


def _first_filter(answered: float | None) -> Row:
    what, limit = "load and first filter, least of five", 1
    if answered is None:
        unseen = Measured(what=what, value=None, unit="s", note="no browser")
        return Row(what, "no browser", f"≤ {limit} s", unseen)
    return Row(what, f"{answered:.2f} s", f"≤ {limit} s", at_most(what, answered, "s", limit))


@click.command()
@click.option("--hubs", "count", default=1000, show_default=True, help="How many hubs.")
@click.option("--keep", is_flag=True, help="Write docs/site-speed.md.")
@click.option(
    "--store", type=click.Path(path_type=Path), help="Where hubs stay for the next time."
)
@click.option("--fill-only", is_flag=True, help="Make the hubs and measure nothing.")
@click.option("--json", "record", type=click.Path(path_type=Path), help="Figures as numbers.")
def main(
    *, count: int, keep: bool, store: Path | None, fill_only: bool, record: Path | None
) -> None:
    """Measure the site and print a table."""
    if store is not None and fill_only:
        fill(count, store)
        return
    folder = store or Path(tempfile.mkdtemp(prefix="bench-site-"))
    try:
        results = rows(count, folder)
    finally:
        if store is None:
            shutil.rmtree(folder)
    table = ["| what | found | asked for |", "| --- | --- | --- |"]
    table += [f"| {' | '.join(row[:3])} |" for row in results]
    click.echo("\n".join(table))
    if keep:
        head = (
            "# Speed of the site\n\n"
            f"Written by `make bench-site HUBS={count}`: synthetic hubs of 54 guards, "
            "26 metrics,\nthree logs, four pictures and a bundle; each build is a program of "
            "its own, start-up included.\n"
            f"Load of the machine: {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores.\n\n"
        )
        _DOC.write_text(head + "\n".join(table) + "\n")
    measured.write(record, [row.figure for row in results])


if __name__ == "__main__":
    main()
