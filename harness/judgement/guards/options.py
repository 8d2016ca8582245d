"""The parameters a guard kind declares, and the check of a declaration against them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.project import GuardSpec
from harness.errors import ConfigError, near

_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "integer": (int,),
    "flag": (bool,),
    "texts": (list, tuple),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One parameter of a guard kind."""

    name: str
    kind: str = "text"
    required: bool = False
    choices: tuple[str, ...] = ()


def check(spec: GuardSpec, options: tuple[Option, ...]) -> None:
    """Check names, types and choices of a declaration.

    Raises:
        ConfigError: An unknown, missing or mistyped parameter; names the nearest one.
    """
    known = {option.name: option for option in options}
    for name in spec.options:
        if name not in known:
            raise error(spec, name, "an unknown key", _nearest(name, tuple(known)))
    for option in options:
        if option.name in spec.options:
            _check_value(spec, option, spec.options[option.name])
        elif option.required:
            raise error(spec, option.name, "nothing", f"a {option.kind}")


def one_of(spec: GuardSpec, names: tuple[str, ...]) -> None:
    """Require at least one of several parameters.

    Raises:
        ConfigError: None of them is given.
    """
    if not any(name in spec.options for name in names):
        raise error(spec, names[0], "no bound", f"at least one of {', '.join(names)}")


def require_order(spec: GuardSpec, low: str = "min", high: str = "max") -> None:
    """Require that the lower bound, when both are given, is not above the upper one.

    Raises:
        ConfigError: Nothing could pass.
    """
    options = spec.options
    if low in options and high in options and options[low] > options[high]:
        raise error(spec, low, str(options[low]), f"at most {high} = {options[high]}")


def error(spec: GuardSpec, name: str, found: str, expected: str) -> ConfigError:
    """Build the error of one parameter of one guard."""
    return ConfigError(
        f"guard {spec.id} ({spec.kind}).{name}",
        found=found,
        expected=expected,
        remedy="Correct this guard in harness.toml.",
    )


def _check_value(spec: GuardSpec, option: Option, value: Any) -> None:
    if not _fits(option.kind, value):
        raise error(spec, option.name, f"{type(value).__name__} {value!r}"[:80], option.kind)
    if option.choices and value not in option.choices:
        raise error(spec, option.name, repr(value), _nearest(value, option.choices))


def _fits(kind: str, value: Any) -> bool:
    kinds = _TYPES[kind]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple):
        return all(isinstance(item, str) for item in value)
    return True


def _nearest(name: str, choices: tuple[str, ...]) -> str:
    close, listed = near(name, choices), ", ".join(choices)
    return f"{close} (of {listed})" if close else f"one of {listed}"
