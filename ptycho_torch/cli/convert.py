"""The conversion program: a scan file of one format in, of another format out."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho_torch.cli import exits, flags, reading
from ptycho_torch.data import catalogue
from ptycho_torch.errors import ConfigError, InputError

if TYPE_CHECKING:
    from ptycho_torch.config_params import DataConfig
    from ptycho_torch.data.scan import ScanData
    from ptycho_torch.data.scan_write import Geometry

FORMATS = ("npz", "cxi", "ptychodus")
_SUFFIXES = {".npz": "npz", ".cxi": "cxi", ".h5": "ptychodus", ".hdf5": "ptychodus"}
_ABOUT = "Convert a scan of any format that is read to NPZ, CXI or a product of ptychodus."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the conversion program."""
    parser = flags.FlagParser(
        "convert",
        _ABOUT,
        usage="%(prog)s --input FILE --output FILE [flags]",
        epilog=f"{catalogue.describe_formats()} {flags.SPELLINGS}",
    )
    flags.add(parser, "input", required=True, metavar="FILE", help="The scan to read.")
    flags.add(parser, "output", required=True, metavar="FILE", help="The file to write.")
    flags.add(
        parser,
        "format",
        metavar="|".join(FORMATS),
        help="Format to write [default: from the extension .npz, .cxi, .h5].",
    )
    reading.add_flags(parser)
    for name, meaning in (
        ("bin", "Add the counts of blocks of so many pixels along each axis. [px]"),
        ("crop", "Side of the middle of the detector that is left, after --bin. [px]"),
        ("pad", "Side with an unmeasured rim around the detector, after --bin. [px]"),
    ):
        flags.add(parser, name, metavar="INT", help=meaning)
    for name, meaning in (
        ("pixel_size_m", "Object pixel, when the input does not state it. [m]"),
        ("energy_ev", "Photon energy, for CXI and ptychodus. [eV]"),
        ("distance_m", "From object to detector, for CXI and ptychodus. [m]"),
    ):
        flags.add(parser, name, metavar="FLOAT", help=meaning)
    flags.add_quiet(parser)
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the conversion program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Read one scan, with all checks, and write it in the other format."""
    flags.refuse_empty(args, ("input", "output"))
    target = Path(args.output)
    form = _format(args, target)
    config = reading.read_config(args)
    _refuse_own_source(target, Path(args.input), config)

    from ptycho_torch.data import scan_file, scan_write

    sizes = _sizes(args)
    scan = scan_file.read(Path(args.input), config, any_side=bool(sizes))
    # The flag speaks of the input: a cut or a rim changes the pixel with the window.
    scan = dataclasses.replace(scan, pixel_size_m=_read_pixel(args, scan.pixel_size_m))
    if sizes:
        scan = _resize(scan, sizes)
    if form == "npz":
        scan_write.write_npz(target, scan)
    elif form == "cxi":
        scan_write.write_cxi(target, scan, _geometry(args, scan))
    else:
        scan_write.write_ptychodus(target, scan, _geometry(args, scan))
    if not args.quiet:
        print(f"{target}: {scan.point_count} frames of {scan.side} px as {form}")
    return 0


def _refuse_own_source(target: Path, source: Path, config: DataConfig) -> None:
    """Refuse to write over a file that the scan is read from.

    Raises:
        InputError: The output is the input, its companion, or a file that it links to.
    """
    if not target.exists():
        return
    companion = () if config.companion_file is None else (Path(config.companion_file),)
    if any(file.exists() and target.samefile(file) for file in (source, *companion)):
        raise InputError("--output", expected="another file than the input", found=str(target))

    from ptycho_torch.data import scan_file

    with scan_file.open_raw(source, config, with_frames=False) as raw:
        if any(target.samefile(file) for file in (*raw.pieces.files, *raw.files)):
            raise InputError(
                "--output", expected="another file than the input links to", found=str(target)
            )


def _sizes(args: argparse.Namespace) -> dict[str, int]:
    """Return the sizes that are asked for, by flag."""
    options = vars(args)
    sizes: dict[str, int] = {}
    for name in ("bin", "crop", "pad"):
        if name not in options:
            continue
        try:
            sizes[name] = int(options[name])
        except ValueError:
            sizes[name] = 0
        if sizes[name] < 1:
            actual = repr(options[name])
            raise ConfigError(f"--{name}", expected="a number of pixels", found=actual)
    if {"crop", "pad"} <= sizes.keys():
        raise ConfigError("--pad", expected="either --crop or --pad", found="both")
    return sizes


def _resize(scan: ScanData, sizes: dict[str, int]) -> ScanData:
    from ptycho_torch.data import frames, resample

    steps = {
        "bin": resample.bin_detector,
        "crop": resample.cut_detector,
        "pad": resample.pad_detector,
    }
    for name, size in sizes.items():
        scan = steps[name](scan, size)
    frames.check_side(scan.amplitude.shape, f"{scan.name}, resized")
    return scan


def _format(args: argparse.Namespace, target: Path) -> str:
    form: str | None = vars(args).get("format", _SUFFIXES.get(target.suffix.lower()))
    if form not in FORMATS:
        actual = repr(form) if form else f"the extension {target.suffix!r}"
        raise ConfigError("--format", expected=f"one of {', '.join(FORMATS)}", found=actual)
    return form


def _geometry(args: argparse.Namespace, scan: ScanData) -> Geometry:
    from ptycho_torch.data import units
    from ptycho_torch.data.scan_write import Geometry

    geometry = Geometry(
        pixel_size_m=scan.pixel_size_m or _require(args, "pixel_size_m"),
        energy_ev=_require(args, "energy_ev"),
        distance_m=_require(args, "distance_m"),
    )
    units.check_pixel(geometry.pixel_size_m, "--pixel-size-m", "the flag or the file")
    said = f"{geometry.energy_ev:g} eV, z {geometry.distance_m:g} m, N {scan.side}"
    pixel = geometry.detector_pixel_m(scan.side)
    units.check_detector_pixel(pixel, "--energy-ev, --distance-m", said)
    return geometry


def _read_pixel(args: argparse.Namespace, stated: float | None) -> float | None:
    """Return the object pixel of the input [m]: the flag's, else the file's own, else None."""
    if "pixel_size_m" not in vars(args):
        return stated

    from ptycho_torch.data import units

    return units.check_pixel(_require(args, "pixel_size_m"), "--pixel-size-m", "the flag")


def _require(args: argparse.Namespace, name: str) -> float:
    text = vars(args).get(name)
    try:
        value = float(text or "")
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        actual = "nothing" if text is None else repr(text)
        raise ConfigError(f"--{name}", expected="a positive number", found=actual)
    return value
