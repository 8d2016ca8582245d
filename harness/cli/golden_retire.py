"""``harness golden retire``: take out goldens that newer ones have replaced."""

from __future__ import annotations

import os
from datetime import datetime

import click

from harness.cli import options, resolve
from harness.cli.options import Session
from harness.experiments.calibration import retire
from harness.records import encode

_DAY = "%Y-%m-%d"
EXAMPLES = """\b
Example:
  harness golden retire quick --before 2026-11-30 --reason "made before the rising rate"
"""


@click.command("retire", epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.argument("suite")
@click.option(
    "--before",
    type=click.DateTime([_DAY]),
    required=True,
    help="What was calibrated before this day goes.",
)
@click.option("--reason", default="", help="Why they go; required.")
@options.common
@options.pass_session
def command(session: Session, suite: str, before: datetime, reason: str) -> None:
    """Take out goldens that newer ones have replaced, such as those of an older model.

    Goldens of another numeric class stay beside newer ones, and judge machines of their class.
    Refused where a metric would be left without a golden of its data and kind of machine,
    without a reason, and when CI is set; the ledger tells of it. To a gate it is a change of
    goldens like any other.
    """
    project = resolve.project(session)
    gone = retire.retire(project, suite, before.strftime(_DAY), reason, os.environ)
    lines = [f"{suite}  {one.metric}  {one.date[:10]}  n {one.n}: retired" for one in gone]
    session.answer(encode(gone), "\n".join(lines))
