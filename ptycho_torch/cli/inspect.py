"""The inspection program: a scan file in, what was understood of it out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ptycho_torch.cli import exits, flags, reading
from ptycho_torch.data import catalogue

_ABOUT = "Say in one screen what is understood of a scan file, and what would be refused."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the inspection program."""
    parser = flags.FlagParser(
        "inspect",
        _ABOUT,
        usage="%(prog)s FILE [flags]",
        epilog=f"{catalogue.describe_formats()} {flags.SPELLINGS}",
    )
    parser.add_argument("file", metavar="FILE", help="The scan to read.")
    flags.add(
        parser,
        "picture",
        metavar="OUT.png",
        help="Where a picture of mean pattern, scan and probe goes.",
    )
    reading.add_flags(parser)
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the inspection program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Print what is understood; end as every program would with the same file.

    Raises:
        InputError: The file would be refused.
    """
    from ptycho_torch import files
    from ptycho_torch.data import understanding

    flags.refuse_empty(args, ("file", "picture"))
    understanding_ = understanding.understand(Path(args.file), reading.read_config(args))
    print(understanding_.to_text())
    picture = vars(args).get("picture")
    if picture is not None and understanding_.maps:
        files.write_bytes(Path(picture), understanding_.draw())
    if understanding_.refusal is not None:
        raise understanding_.refusal
    return 0
