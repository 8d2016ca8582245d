"""The evaluation program: a stored reconstruction and a reference in, metrics out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ptycho_torch import files
from ptycho_torch.cli import exits, flags

_ABOUT = "Judge a stored reconstruction against the reference object of a scan file."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the evaluation program."""
    parser = flags.FlagParser("evaluate", _ABOUT)
    flags.add(
        parser,
        "reconstruction",
        required=True,
        metavar="FILE",
        help="reconstruction.npz of an inference run.",
    )
    flags.add(
        parser,
        "truth",
        required=True,
        metavar="FILE",
        help="Scan file with objectGuess, and objectMask where it is not known everywhere.",
    )
    flags.add(parser, "output", required=True, metavar="FILE", help="Where the metrics go.")
    flags.add_companion(parser)
    flags.add(
        parser,
        "pictures",
        metavar="FOLDER",
        help="Where pictures of both objects, their difference and the ring correlation go.",
    )
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the evaluation program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Read both files, judge, write the metrics and the pictures that are asked for.

    Raises:
        InputError: A file cannot be used, or they do not overlap.
    """
    from ptycho_torch.config_params import DataConfig
    from ptycho_torch.data import scan_file
    from ptycho_torch.errors import InputError
    from ptycho_torch.reconstruct import comparison, metrics, outputs

    flags.refuse_empty(args, ("reconstruction", "truth", "output", "pictures"))
    folder = vars(args).get("pictures")
    stitched = outputs.read_npz(Path(args.reconstruction))
    companion = vars(args).get("companion_file")
    config = DataConfig(gridsize=1, companion_file=companion)
    scan = scan_file.read(Path(args.truth), config)
    if scan.object_canvas is None:
        raise InputError(f"{args.truth}: objectGuess", expected="a reference", found="none")
    truth = metrics.Truth(object_canvas=scan.object_canvas, known=scan.object_mask)
    registered = metrics.register(
        stitched.object_canvas, stitched.weight, stitched.origin_xy, truth
    )
    report = metrics.judge(registered, truth.name)
    files.write_json(Path(args.output), report)
    if folder is not None:
        drawings = comparison.drawings(registered, report, scan.pixel_size_m)
        outputs.draw(Path(folder), drawings)
    print(
        f"complex error {report['complex_error']:.4f}, "
        f"phase correlation {_format_number(report['phase']['pearson'])}, "
        f"amplitude correlation {_format_number(report['amplitude']['pearson'])}: {args.output}"
    )
    return 0


def _format_number(value: float | None) -> str:
    """A number in four digits, or a word where there is none."""
    return "undefined" if value is None else f"{value:.4f}"
