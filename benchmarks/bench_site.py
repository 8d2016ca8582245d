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

import click

from harness.report import html
from tests.browser import chromium
from tests.builders import reports, stores

_ROOT = Path(__file__).parents[1]
_DOC = _ROOT / "docs" / "site-speed.md"
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

    ``None`` where there is no Chromium or no playwright.
    """
    if chromium.program() is None:
        return None
    try:
        with chromium.browser() as running, chromium.visit(running) as seen:
            began = time.perf_counter()
            seen.open(index)
            seen.page.locator("#filters [name=verdict]").select_option("red")
            seen.page.wait_for_function("document.querySelectorAll('.runs tr[hidden]').length")
            return time.perf_counter() - began
    except ImportError:
        return None


def one_report(hub: Path) -> float:
    """Return the time to render the page of one hub, warm [s]."""
    html.render(hub)
    began = time.perf_counter()
    html.render(hub)
    return time.perf_counter() - began


def rows(count: int, folder: Path) -> list[tuple[str, str, str]]:
    """Measure; each row is what, the figure, and what was asked for."""
    (folder / "harness.toml").write_text(DECLARATION)
    stores.fill(folder / "hubs", count)
    whole = build(folder)
    stores.fill(folder / "hubs", 1, first=count)
    more = build(folder)
    same = build(folder)
    site = folder / "out"
    answered = interactive(site / "index.html")
    hub = reports.write(folder / "one", reports.record())
    return [
        (f"first build of {count} hubs", _seconds(whole), "≤ 60 s"),
        ("its largest memory", f"{whole.peak_mb:.0f} MB", "< 500 MB"),
        ("build after one more run", _seconds(more), "≤ 2 s"),
        ("its largest memory", f"{more.peak_mb:.0f} MB", "< 500 MB"),
        ("build with nothing new", _seconds(same), "≤ 2 s"),
        ("index.html", f"{(site / 'index.html').stat().st_size / 1e6:.2f} MB", "≤ 1 MB"),
        ("load and first filter", f"{answered:.2f} s" if answered else "no browser", "≤ 1 s"),
        ("one page, in a warm program", f"{1000 * one_report(hub):.0f} ms", "≤ 3 s"),
    ]


def _seconds(spent: Spent) -> str:
    return f"{spent.wall_s:.2f} s ({spent.cpu_s:.2f} s of processor)"


@click.command()
@click.option("--hubs", "count", default=1000, show_default=True, help="How many hubs.")
@click.option("--keep", is_flag=True, help="Write docs/site-speed.md.")
def main(count: int, keep: bool) -> None:  # noqa: FBT001 - click calls it so
    """Measure the site and print a table."""
    folder = Path(tempfile.mkdtemp(prefix="bench-site-"))
    try:
        measured = rows(count, folder)
    finally:
        shutil.rmtree(folder)
    table = ["| what | found | asked for |", "| --- | --- | --- |"]
    table += [f"| {' | '.join(row)} |" for row in measured]
    click.echo("\n".join(table))
    if keep:
        head = (
            "# Speed of the site\n\n"
            "Written by `make bench-site`: synthetic hubs of 54 guards, 26 metrics, three logs "
            "and four pictures;\neach build is a program of its own, start-up included.\n\n"
        )
        _DOC.write_text(head + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
