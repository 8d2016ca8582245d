"""What the train and inference programs share: parser, checks of paths, device settings."""

from __future__ import annotations

import argparse
import dataclasses
import os
import warnings
from pathlib import Path
from typing import Any

from ptycho_torch.cli import flags
from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.device import resolve_accelerator
from ptycho_torch.errors import ConfigError, InputError, MissingInputError

__all__ = [
    "build_execution_config_from_args",
    "make_parser",
    "overrides_from_args",
    "resolve_accelerator",
    "validate_paths",
]

_MODES = {"training": "train", "inference": "inference"}
_PATHS = (
    "train_data_file",
    "test_data_file",
    "test_data",
    "model_path",
    "output_dir",
    "config",
)


def make_parser(
    mode: str, description: str, required: tuple[str, ...]
) -> argparse.ArgumentParser:
    """Make the parser of a program from the settings its flags reach.

    Args:
        mode: ``train`` or ``inference``.
        description: One sentence for the help text.
        required: Names of the flags that must be given.

    Returns:
        A parser whose result holds only what was given.
    """
    parser = flags.FlagParser(
        mode,
        description,
        usage=" ".join(["%(prog)s", *(f"--{name} …" for name in required), "[flags]"]),
    )
    flags.register(parser, mode, required)
    flags.add(
        parser, "config", metavar="FILE", help="Partial configuration; flags override it."
    )
    flags.add_debug(parser)
    flags.add(parser, "device", metavar="cpu|cuda", help="Deprecated; use --accelerator.")
    if mode == "train":
        flags.add(
            parser,
            "disable_mlflow",
            action="store_true",
            help="Deprecated; there is no MLflow logger.",
        )
    return parser


def overrides_from_args(args: argparse.Namespace, mode: str) -> dict[str, Any]:
    """Collect the values given by flags, by ``section.field``, for the factory.

    Args:
        args: Parsed arguments.
        mode: ``training`` or ``inference``.

    Raises:
        ConfigError: A value does not fit its field.
        ValueError: The mode is unknown.
    """
    program = _program(mode)
    flags.refuse_empty(args, _PATHS)
    overrides = flags.read(args, program)
    overrides.update(_from_deprecated(args, overrides))
    return overrides


def build_execution_config_from_args(
    args: argparse.Namespace, mode: str
) -> PyTorchExecutionConfig:
    """Collect the device settings given by flags; a part of `overrides_from_args`.

    ``auto`` stays until the configuration file has had its say; the factory resolves it.

    Args:
        args: Parsed arguments; a flag that was not given is absent or None.
        mode: ``training`` or ``inference``.

    Returns:
        Device settings, the rest at their defaults.

    Raises:
        ConfigError: A value does not fit its field.
        ValueError: The mode is unknown.
    """
    values = {
        key.removeprefix("execution."): value
        for key, value in overrides_from_args(args, mode).items()
        if key.startswith("execution.")
    }
    return dataclasses.replace(PyTorchExecutionConfig(), **values)


def validate_paths(
    train_file: str | Path | None, test_file: str | Path | None, output_dir: str | Path | None
) -> None:
    """Check that the inputs exist and that results can be written; create nothing.

    Raises:
        MissingInputError: An input file is not there.
        InputError: The output folder is a file, lies below one, or cannot be written.
    """
    for path in (train_file, test_file):
        if path is not None and not Path(path).exists():
            raise MissingInputError(str(path), expected="a file", found="none")
    if output_dir is None:
        return
    nearest = Path(output_dir).absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        actual = "a file" if nearest.is_file() else "no permission"
        raise InputError(
            f"--output_dir {output_dir}",
            expected="a folder that can be written",
            found=f"{actual} at {nearest}",
        )


def _program(mode: str) -> str:
    if mode not in _MODES:
        raise ConfigError("mode", expected="training or inference", found=repr(mode))
    return _MODES[mode]


def _from_deprecated(args: argparse.Namespace, overrides: dict[str, Any]) -> dict[str, Any]:
    """Translate the deprecated flags that were given."""
    old = vars(args)
    translated: dict[str, Any] = {}
    if old.get("device") is not None:
        accelerator = overrides.get("execution.accelerator", "auto")
        translated["execution.accelerator"] = resolve_accelerator(accelerator, old["device"])
    if old.get("disable_mlflow"):
        text = "--disable_mlflow is deprecated; there is no MLflow logger"
        warnings.warn(text, DeprecationWarning, stacklevel=3)
        translated["execution.logger_backend"] = overrides.get(
            "execution.logger_backend", "csv"
        )
    return translated
