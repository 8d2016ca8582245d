"""The simulation program: a recipe in, a scan file out."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ptycho_torch import settings
from ptycho_torch.cli import exits, flags
from ptycho_torch.errors import ConfigError
from ptycho_torch.simulation.recipe import SimulationRecipe

_ABOUT = "Simulate a ptychography scan of a known object and write it as NPZ."


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the simulation program."""
    parser = flags.FlagParser("simulate", _ABOUT, usage="%(prog)s --output FILE [flags]")
    flags.add(parser, "output", required=True, metavar="FILE", help="The file to write.")
    for field in dataclasses.fields(SimulationRecipe):
        about = settings.get_declaration(field)
        if about.flag is not None:
            flags.add(parser, about.flag.name, action="store_true", help=about.meaning)
            continue
        unit = f" [{about.unit}]" if about.unit else ""
        choices = "|".join(str(choice) for choice in about.choices or ())
        flags.add(
            parser,
            field.name,
            metavar=choices or field.name.upper(),
            help=f"{about.meaning}{unit} [default: {_format_default(field.default)}]",
        )
    flags.add_quiet(parser)
    flags.add_debug(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the simulation program and return its exit code."""
    return exits.run(run, make_parser(), argv)


def run(args: argparse.Namespace) -> int:
    """Simulate and write one scan."""
    recipe = recipe_from_args(args)
    flags.refuse_empty(args, ("output",))

    from ptycho_torch.simulation import simulate

    path = Path(args.output)
    written = simulate.write(recipe, path)
    if not args.quiet:
        rows, columns = written.object_shape
        print(
            f"{path}: {recipe.n_points} frames of {recipe.n} px, "
            f"{written.measured_photons:.6g} photons per frame, object {columns} × {rows} px"
        )
    return 0


def recipe_from_args(args: argparse.Namespace) -> SimulationRecipe:
    """Turn the given flags into a recipe.

    Raises:
        ConfigError: A value is not allowed.
    """
    options = vars(args)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(SimulationRecipe):
        flag = settings.get_declaration(field).flag
        name = field.name if flag is None else flag.name
        if name not in options:
            continue
        if flag is not None:
            values[field.name] = flag.on
        elif field.name == "amp_range":
            values[field.name] = _numbers(options[name])
        else:
            values[field.name] = settings.parse(
                SimulationRecipe, field.name, options[name], where=f"--{name}"
            )
    return SimulationRecipe(**values)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            "--amp_range", expected="two numbers, A,B", found=repr(text)
        ) from None


def _format_default(default: Any) -> str:
    if isinstance(default, tuple):
        return ",".join(f"{value:g}" for value in default)
    return f"{default:g}" if isinstance(default, float) else str(default)
