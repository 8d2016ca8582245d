"""``harness report``: render a hub again, for a browser, a review or a CI system."""

from __future__ import annotations

from pathlib import Path

import click

from harness import files
from harness.cli import options, place
from harness.cli.options import Session
from harness.errors import ConfigError
from harness.hub.store import read_record
from harness.report import junit, markdown, terminal, view

EXAMPLES = """\b
A hub is named by its folder, its run id (or the beginning of one), latest, latest~1,
or SUITE:latest~1. A report is never evidence: it can be deleted and rendered again.

\b
Examples:
  harness report --hub latest
  harness report --hub quick:latest --format md >> "$GITHUB_STEP_SUMMARY"
  harness report --hub latest --format junit --output junit.xml
"""
_FORMATS = ("html", "md", "junit", "text")


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--hub", "name", default="latest", show_default=True, help="The hub to render.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    default="html",
    show_default=True,
    help="What to render.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here; html goes to SUITE-RUNID.html without it, the rest to standard output.",
)
@options.common
@options.pass_session
def command(session: Session, name: str, kind: str, output: Path | None) -> None:
    """Render a hub as HTML, Markdown, JUnit or text."""
    hub = place.hub(name, session)
    record = read_record(hub)
    if output is None and kind == "html":
        output = Path(f"{record.suite}-{record.run_id}.html")
    rendered = _rendered(hub, kind)
    if output is None:
        click.echo(rendered, nl=False)
        return
    _refuse_sealed(output, hub)
    files.write_text(output, rendered)
    session.answer(
        {"hub": place.shown(hub), "format": kind, "output": str(output)}, f"report  {output}"
    )


def _rendered(hub: Path, kind: str) -> str:
    if kind == "html":
        from harness.report import html  # jinja2 is needed for pages only

        return html.render(hub)
    if kind == "md":
        return markdown.of_view(view.read(hub))
    record = read_record(hub)
    if kind == "junit":
        return junit.render(record)
    return terminal.final(record, place.shown(hub), terminal.Palette(is_on=False)) + "\n"


def _refuse_sealed(output: Path, hub: Path) -> None:
    if output.absolute().is_relative_to(hub):
        remedy = "Name a file outside the hub with --output."
        raise ConfigError(
            str(output), found="a place in the sealed hub", expected="another", remedy=remedy
        )
