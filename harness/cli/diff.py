"""``harness diff``: two hubs side by side."""

from __future__ import annotations

import click

from harness import records
from harness.cli import options, place
from harness.cli.options import Session
from harness.hub.store import read_record
from harness.report import changes, markdown, terminal

EXAMPLES = """\b
A hub is named by its folder, its run id (or the beginning of one), latest, latest~1,
or SUITE:latest~1.

\b
Examples:
  harness diff                        the last two runs of the suite that ran last
  harness diff quick:latest~5 quick:latest
  harness diff hubs/quick/20260102T030405Z-a1b2c3 latest --json
"""


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("before", default="latest~1", metavar="[BEFORE]")
@click.argument("after", default="latest", metavar="[AFTER]")
@click.option("--suite", metavar="SUITE", help="Suite in which latest counts.")
@click.option("--md", "is_markdown", is_flag=True, help="Answer in Markdown.")
@options.common
@options.pass_session
def command(
    session: Session, before: str, after: str, suite: str | None, *, is_markdown: bool
) -> None:
    """Compare two hubs, the metrics that moved most first.

    Then come guards and stages with another verdict, and what differs in the input files, the
    source, the datasets, the parameters and the environment. Numbers of different datasets are
    marked as not comparable.
    """
    folders = place.hub(before, session, suite), place.hub(after, session, suite)
    first, second = (read_record(folder) for folder in folders)
    inputs = changes.inputs_of(folders[0]), changes.inputs_of(folders[1])
    compared = changes.compare(first, second, inputs)
    if is_markdown and not session.json:
        click.echo(markdown.comparison(compared), nl=False)
        return
    palette = terminal.Palette(options.has_colour())
    session.answer(records.encode(compared), terminal.comparison(compared, palette))
