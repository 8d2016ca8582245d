"""``harness verify``: prove a hub again and print a row for each check."""

from __future__ import annotations

from typing import Any

import click

from harness.cli import options
from harness.cli.options import Session
from harness.errors import ConfigError

_EXAMPLES = """\b
Examples:
  harness verify --hub hubs/quick/20260102T030405Z-a1b2c3
  harness verify --hub latest --json
  harness verify --hub HUB --allow-stale     an archive, at its own commit
  harness verify --all --sample 5%
  harness verify --hub HUB --require-reproduced 1    by somebody else's key
  harness verify --hub HUB --base origin/main    and the rules since then
"""


@click.command(name="verify", epilog=_EXAMPLES, context_settings=options.CONTEXT)
@click.argument("where", required=False)
@click.option("--hub", "named", help="Folder of the hub, its run id, latest, or SUITE:latest.")
@click.option("--all", "is_all", is_flag=True, help="Every hub of the store, and the ledger.")
@click.option(
    "--allow-stale/--require-fresh",
    default=None,
    help="Judge at the hub's own commit, as published hubs are, or require what is fresh"
    " and would be the same here.",
)
@click.option(
    "--sample", default="100%", show_default=True, help="Part of the payload to read."
)
@click.option(
    "--require-reproduced",
    "reproduced",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Require that N keys besides the producer's signed that they reproduced it.",
)
@click.option(
    "--base", metavar="REV", help="Say also what a gate by this revision's rules would."
)
@options.common
@options.pass_session
def command(
    session: Session,
    /,
    where: str | None,
    **options_: Any,
) -> int:
    """Prove a hub again, from its files alone.

    In order: structure, every byte against the manifest, seal and ledger, plan coverage, guards
    judged again from the raw artifacts (as recorded and as declared today), freshness.
    """
    from harness.cli import verify_output  # heavy: `harness verify --help` does without

    request = verify_output.VerifyOptions(
        allow_stale=options_["allow_stale"],
        fraction=_read_fraction(options_["sample"]),
        base=options_["base"],
        reproduced=options_["reproduced"],
    )
    words = options_["named"] or where
    return verify_output.prove(session, words, request, is_all=options_["is_all"])


def _read_fraction(sample: str) -> float:
    """Read ``5%`` or ``0.05``.

    Raises:
        ConfigError: The text is no part of a whole.
    """
    number = sample.removesuffix("%")
    try:
        value = float(number) / (100 if sample.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise ConfigError(
            "--sample",
            found=repr(sample),
            expected="0 < part ≤ 100%",
            remedy="Type 5% or 0.05.",
        )
    return value
