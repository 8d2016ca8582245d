"""``harness gc``: say which hubs may go, and remove them when told to."""

from __future__ import annotations

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.config import config_file
from harness.judgement import retention
from harness.judgement.retention import Item, Rules
from harness.reporting import terminal, text

EXAMPLES = """\b
Examples:
  harness gc                                 the plan; nothing is changed
  harness gc quick --keep 3 --older-than 30
  harness gc --apply --reason "the disk is full"
"""


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite", required=False)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=Rules().keep,
    show_default=True,
    help="How many of the newest hubs of a suite stay.",
)
@click.option(
    "--older-than",
    "days",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    help="Only hubs older than this. [days]",
)
@click.option("--apply", "is_applied", is_flag=True, help="Remove what the plan says.")
@click.option("--reason", default="housekeeping", show_default=True, help="For the ledger.")
@options.common
@options.pass_session
def command(
    session: Session,
    *,
    suite: str | None,
    keep: int,
    days: float,
    is_applied: bool,
    reason: str,
) -> None:
    """Remove old hubs, each with an entry in the ledger.

    Without --apply only the plan is printed. The last green hub of a suite, hubs that a golden
    cites and hubs that cannot be read always stay.
    """
    project = resolve.project(session)
    name = None if suite is None else config_file.find_suite(project, suite).name
    items = retention.plan(project, Rules(keep=keep, older_than_days=days, suite=name))
    freed = retention.apply(project, items, reason) if is_applied else 0
    value = {
        "applied": is_applied,
        "freed_bytes": freed,
        "hubs": [
            {"hub": i.subject, "size": i.size, "goes": i.goes, "why": i.why} for i in items
        ],
    }
    session.answer(value, _write_plan(items, freed, is_applied=is_applied))


def _write_plan(items: tuple[Item, ...], freed: int, *, is_applied: bool) -> str:
    going = [item for item in items if item.goes]
    if not going:
        return f"Nothing to remove: {len(items)} hubs stay."
    word = "removed" if is_applied else "goes"
    rows = [
        (text.visible(i.subject), word if i.goes else "stays", text.size(i.size), i.why)
        for i in items
    ]
    table = terminal.table(("hub", "", "size", "why"), rows, terminal.Palette(is_on=False))
    if is_applied:
        return f"{table}\n\n{len(going)} hubs removed, {text.size(freed)} freed"
    total = text.size(sum(item.size for item in going))
    return f"{table}\n\n{len(going)} hubs would free {total}; remove them with --apply"
