"""``harness export``: the same evidence for archives, supply chains and research objects."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options, place
from harness.cli.options import Session
from harness.errors import ConfigError
from harness.export import bagit, in_toto, ro_crate
from harness.hub import digest
from harness.hub.store import read_record
from harness.ledger import keys

EXAMPLES = """\b
Examples:
  harness export --hub latest --format bagit -o bag
  harness export --hub quick:latest --format in-toto --sign KEYFILE -o quick.intoto.jsonl
  harness export --hub latest --format ro-crate -o crate
"""
_FOLDERS = {"bagit": bagit.write, "ro-crate": ro_crate.write}


@click.command(epilog=EXAMPLES, context_settings=options.CONTEXT)
@click.option("--hub", "name", default="latest", show_default=True, help="The hub to export.")
@click.option(
    "--format",
    "kind",
    type=click.Choice([*_FOLDERS, "in-toto"]),
    required=True,
    help="bagit and ro-crate make a folder, in-toto a file.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Where to write."
)
@click.option(
    "--sign",
    "key_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Sign in-toto envelopes with the secret key in this file.",
)
@options.common
@options.pass_session
def command(
    session: Session, *, name: str, kind: str, output: Path, key_file: Path | None
) -> None:
    """Export a hub as a bag, as attestations or as a research object.

    The hub itself stays as it is; every copied file is held against the manifest.
    """
    hub = place.hub(name, session)
    record = read_record(hub)
    if output.absolute().is_relative_to(hub):
        remedy = "Name a place outside the hub with --output."
        raise ConfigError(
            str(output), found="a place in the sealed hub", expected="another", remedy=remedy
        )
    if kind in _FOLDERS:
        if key_file is not None:
            remedy = "Leave --sign out, or choose --format in-toto."
            raise ConfigError("--sign", found=kind, expected="in-toto", remedy=remedy)
        _FOLDERS[kind](hub, record, output)
    else:
        in_toto.write(hub, record, output, _signer(key_file))
    answer = {"hub": place.shown(hub), "format": kind, "output": str(output)}
    session.answer(answer, f"{kind}  {output}")


def _signer(key_file: Path | None) -> keys.SecretKey | None:
    if key_file is None:
        return None
    return keys.read_secret(digest.read(key_file, 4096).decode(errors="replace").strip())
