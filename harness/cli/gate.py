"""``harness gate``: judge a change by the rules of the revision that it is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.options import Session

EXAMPLES = """\b
Examples:
  harness run quick --name-hubs named.txt && harness gate --base origin/main --hubs named.txt
  harness gate --base origin/main --hub hubs/quick/20260102T030405Z-a1b2c3
  harness gate --base origin/main --hubs named.txt --trust keys.txt --policy minimum.toml
  harness gate --base origin/main --hubs named.txt --output markdown=gate.md
"""
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.command("gate", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--base", required=True, metavar="REV", help="Revision whose rules judge.")
@click.option("--hub", "named", multiple=True, help="Folder or run id that the run named.")
@click.option(
    "--hubs", "lists", multiple=True, type=_FILE, help="File of run --name-hubs, repeatable."
)
@click.option(
    "--base-hub", "base_hubs", multiple=True, help="Hub of the base, whose tests must be there."
)
@click.option(
    "--tests",
    type=click.Choice(("auto", "hub", "none")),
    default="auto",
    show_default=True,
    help="The base's tests: of a hub, else planned in a checkout; of a hub only; not at all.",
)
@click.option("--trust", type=_FILE, help="Public keys from outside, one on a line.")
@click.option("--pin", type=_FILE, help="Checkpoint from outside that the ledger begins with.")
@click.option("--policy", type=_FILE, help="What must be there, from outside the repository.")
@click.option(
    "--drills",
    type=click.Choice(("tell", "changed")),
    default="tell",
    show_default=True,
    help="Tell changed guards that no drill turns red, or run the drills of changed ones.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write markdown, github, sarif, json or html to a file.",
)
@options.common
@options.pass_session
def command(session: Session, /, **flags: Any) -> int:
    """Judge a change by rules that it does not own.

    The hubs are those that the runs of this change named. They are proved, judged by the
    base's guards and goldens and by those of HEAD, and the rules of both are compared one by
    one. Exit code 0 only when nothing is weaker, or each weaker rule is waived by somebody
    whom the base allows to; 1 when a rule is weaker or a guard red, 3 when something could not
    be compared, 4 when evidence is damaged.
    """
    from harness.cli import gate_output  # heavy: the help does without

    return gate_output.answer(session, flags)
