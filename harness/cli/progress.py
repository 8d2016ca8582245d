"""The bar and the lines of commands that make many runs."""

from __future__ import annotations

import contextlib
import io
import itertools
import sys
from collections.abc import Iterator

from harness.cli import bar, options
from harness.cli.options import Session
from harness.experiments.campaign.run import CellResult, OnDone
from harness.reporting import text
from harness.reporting.terminal import Palette
from harness.verdict import Verdict


@contextlib.contextmanager
def show_progress(
    session: Session, total: int, *, is_measuring: bool = False
) -> Iterator[OnDone]:
    """Show a bar while runs are made, and yield what writes a line about each.

    Where runs are made to measure, before there is anything to hold them to, a line says what
    they gave, and not that there was no golden yet.
    """
    is_quiet = session.json or session.verbosity < 0
    stream = io.StringIO() if is_quiet else sys.stdout
    palette, count = Palette(options.has_colour()), itertools.count(1)
    with bar.Bar(stream, total, is_live=options.is_live() and not is_quiet) as drawn:

        def tell(result: CellResult) -> None:
            line = _line(result, palette, is_measuring=is_measuring)
            drawn.advance(f"[{next(count)}/{total}] {line}")

        yield tell


def _line(result: CellResult, palette: Palette, *, is_measuring: bool) -> str:
    took = "kept from before" if result.is_reused else text.duration(result.duration_s)
    if is_measuring and result.verdict is not Verdict.RED and result.hub is not None:
        return f"{result.cell.name}: measured  {took}"
    words = f"{result.cell.name}: {palette.verdict(result.verdict)}  {took}"
    why = "" if result.verdict is Verdict.GREEN else f"  {text.visible(result.reason)}"
    return words + why
