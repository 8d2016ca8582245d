"""Flags of programs that read one scan file: how it is to be understood."""

from __future__ import annotations

import argparse

from ptycho_torch import settings
from ptycho_torch.cli import flags
from ptycho_torch.config_params import DataConfig

_FIELDS = (
    "input_kind",
    "translation_kind",
    "swap_xy",
    "flip_x",
    "flip_y",
    "scan",
    "center",
    "drop",
    "nphotons",
)
_SWITCHES = ("swap_xy", "flip_x", "flip_y", "drop")
_METAVARS = {"nphotons": "FLOAT", "scan": "INT", "center": "check|keep|auto|X,Y"}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Register the flags, each with the meaning of its setting."""
    flags.add_companion(parser)
    for name in _FIELDS:
        about = settings.get_declaration(DataConfig.__dataclass_fields__[name])
        if name in _SWITCHES:
            flags.add(parser, name, action="store_true", help=about.meaning)
            continue
        choices = "|".join(str(choice) for choice in about.choices or ())
        metavar = _METAVARS.get(name, choices)
        flags.add(parser, name, metavar=metavar, help=about.meaning)


def read_config(args: argparse.Namespace) -> DataConfig:
    """Turn the given flags into settings of single points, without groups.

    Raises:
        ConfigError: A value does not fit its field.
    """
    options = vars(args)
    values = {name: options[name] for name in _SWITCHES if name in options}
    for name in (*_FIELDS, "companion_file"):
        if name in options and name not in _SWITCHES:
            values[name] = settings.parse(DataConfig, name, options[name], where=f"--{name}")
    return DataConfig(gridsize=1, **values)
