"""What a command is given for its runs: files by role, and parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, dir_okay=False)


def run_options(function: F) -> F:
    """Add ``--dataset``, ``--test-dataset``, ``--with`` and ``--set`` to a command."""
    settings = click.option(
        "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change a parameter."
    )
    return dataset_options(settings(function))


def dataset_options(function: F) -> F:
    """Add ``--dataset``, ``--test-dataset`` and ``--with`` to a command."""
    any_role = click.option(
        "--with", "given", multiple=True, metavar="ROLE=FILE", help="File for any role."
    )
    test = click.option("--test-dataset", type=_FILE, help="File for the role test.")
    train = click.option(
        "--dataset", type=_FILE, help="File for the role train; not generated then."
    )
    return train(test(any_role(function)))


def parameters(flags: dict[str, Any]) -> dict[str, str]:
    """Gather the parameters that were set.

    Raises:
        ConfigError: A word is no pair, or one is set twice.
    """
    return _pairs(flags["settings"], "--set", "KEY=VALUE")


def datasets(flags: dict[str, Any]) -> dict[str, Path]:
    """Gather the files by role from the three options that give them.

    Raises:
        ConfigError: A role is given twice.
    """
    roles = _pairs(flags["given"], "--with", "ROLE=FILE")
    files = {role: Path(word) for role, word in roles.items()}
    for role, option in (("train", "dataset"), ("test", "test_dataset")):
        if flags[option] is not None:
            if role in files:
                flag = f"--{option.replace('_', '-')}"
                remedy = f"Use {flag} or --with {role}=FILE."
                raise ConfigError(flag, found="the role twice", expected="once", remedy=remedy)
            files[role] = flags[option]
    return files


def _pairs(values: Iterable[str], option: str, shape: str) -> dict[str, str]:
    """Split ``KEY=VALUE`` words.

    Raises:
        ConfigError: A word is no pair, or a key stands twice.
    """
    pairs: dict[str, str] = {}
    for word in values:
        key, sign, value = word.partition("=")
        if not key or not sign:
            remedy = f"Write it as {option} {shape}."
            raise ConfigError(option, found=repr(word), expected=shape, remedy=remedy)
        if key in pairs:
            raise ConfigError(option, found=f"{key} twice", expected="once", remedy="Drop one.")
        pairs[key] = value
    return pairs
