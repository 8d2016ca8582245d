"""Declare a setting once: its default, meaning, unit, bounds, choices and flag.

The command-line flags, the validation, the help text and ``config.json`` are all
derived from these declarations.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ptycho_torch.errors import ConfigError

_KEY = "setting"
BOTH = ("train", "inference")
TRAIN = ("train",)
INFERENCE = ("inference",)
_PAIR = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """How a setting is reached from a command line.

    Attributes:
        name: Snake-case name; the kebab-case spelling is derived.
        modes: Programs that have the flag.
        aliases: Further names of the same flag.
        on: Value of the bare switch; None when the flag takes an argument.
        off_name: Name of the opposite switch.
        off: Value of the opposite switch.
        metavar: Placeholder of the argument in the help text.
    """

    name: str
    modes: tuple[str, ...] = BOTH
    aliases: tuple[str, ...] = ()
    on: bool | str | None = None
    off_name: str | None = None
    off: bool | str | None = None
    metavar: str | None = None

    @property
    def option(self) -> str:
        """The flag as it is usually typed."""
        return f"--{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is known about a field besides its type and default.

    Attributes:
        meaning: One clause for the help text.
        unit: Unit of the value.
        low: Smallest value that is allowed.
        above: Bound that must be exceeded.
        high: Largest value that is allowed.
        choices: The only values allowed.
        multiple_of: Number that divides every value.
        refused: Known values that are rejected, each with the reason.
        flag: The flag that sets the field.
    """

    meaning: str
    unit: str | None = None
    low: float | None = None
    above: float | None = None
    high: float | None = None
    choices: tuple[str | int, ...] | None = None
    multiple_of: int | None = None
    refused: Mapping[str, str] = dataclasses.field(default_factory=dict)
    flag: Flag | None = None

    def describe(self, kind: str) -> str:
        """Say in words which values are allowed."""
        if self.choices is not None:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        bounds = (
            (self.low, "at least"),
            (self.above, "greater than"),
            (self.high, "at most"),
        )
        parts = [f"{word} {bound:g}" for bound, word in bounds if bound is not None]
        if self.multiple_of is not None:
            parts.append(f"a multiple of {self.multiple_of}")
        text = " ".join([kind, " and ".join(parts)]) if parts else kind
        return f"{text} {self.unit}" if self.unit and parts else text

    def admits(self, value: Any) -> bool:
        """Whether a value of the right type lies within bounds and choices."""
        if self.choices is not None:
            return value in self.choices
        if isinstance(value, tuple):
            return all(self.admits(item) for item in value)
        if isinstance(value, (bool, str)):
            return True
        return (
            math.isfinite(value)
            and (self.low is None or value >= self.low)
            and (self.above is None or value > self.above)
            and (self.high is None or value <= self.high)
            and (self.multiple_of is None or value % self.multiple_of == 0)
        )


def setting(default: Any, meaning: str, **about: Any) -> Any:
    """Make a dataclass field that knows its meaning, bounds and flag.

    Args:
        default: Default value.
        meaning: One clause for the help text.
        about: Further attributes of `Setting`.

    Returns:
        A dataclass field.
    """
    described = Setting(meaning=meaning, **about)
    return dataclasses.field(default=default, metadata={_KEY: described})


def get_declaration(field: dataclasses.Field[Any]) -> Setting:
    """Return the declaration of a field."""
    declaration: Setting = field.metadata[_KEY]
    return declaration


@functools.cache
def field_types(owner: type) -> dict[str, tuple[type, bool]]:
    """Map each field of a settings record to its plain type and whether None is allowed."""
    return {name: _resolve_type(hint) for name, hint in typing.get_type_hints(owner).items()}


def _resolve_type(hint: Any) -> tuple[type, bool]:
    if isinstance(hint, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not types.NoneType]
        return _resolve_type(members[0])[0], True
    return typing.get_origin(hint) or hint, False


_WORDS = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "text",
    tuple: "two numbers",
}


def expectation(owner: type, name: str) -> str:
    """Say in words what a field accepts."""
    kind, optional = field_types(owner)[name]
    about = get_declaration(owner.__dataclass_fields__[name])  # type: ignore[attr-defined]
    text = about.describe(_WORDS[kind])
    return f"{text}, or null" if optional else text


def convert(owner: type, name: str, value: Any, *, where: str) -> Any:
    """Check one value against its field and return it in the field's type.

    Args:
        owner: Settings record.
        name: Field of the record.
        value: Value as read from JSON or given by a caller.
        where: File, key or flag to name in the error.

    Returns:
        The value; integers become floats where the field is a float.

    Raises:
        ConfigError: The type, bounds or choices do not fit.
    """
    kind, optional = field_types(owner)[name]
    about = get_declaration(owner.__dataclass_fields__[name])  # type: ignore[attr-defined]
    if value is None and optional:
        return None
    if isinstance(value, str) and value in about.refused:
        raise ConfigError(
            where,
            expected=expectation(owner, name),
            found=repr(value),
            remedy=about.refused[value],
        )
    candidate = _coerce(kind, value)
    if candidate is None or not about.admits(candidate):
        raise ConfigError(where, expected=expectation(owner, name), found=repr(value))
    return candidate


def _coerce(kind: type, value: Any) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is float and is_number:
        return float(value)
    if kind is tuple and isinstance(value, (list, tuple)) and len(value) == _PAIR:
        numbers = tuple(_coerce(float, item) for item in value)
        return None if None in numbers else numbers
    if kind is int and isinstance(value, bool):
        return None
    return value if isinstance(value, kind) else None


def parse(owner: type, name: str, text: str, *, where: str) -> Any:
    """Read the argument of a flag.

    Raises:
        ConfigError: The text does not fit the field.
    """
    kind, optional = field_types(owner)[name]
    if optional and text == "none":
        return None
    value: Any = text
    if kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            expected = expectation(owner, name)
            raise ConfigError(where, expected=expected, found=repr(text)) from None
    return convert(owner, name, value, where=where)


def validate(record: Any) -> None:
    """Check every field of a settings record.

    Raises:
        ConfigError: A value has the wrong type or lies outside its bounds.
    """
    owner = type(record)
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        convert(owner, field.name, value, where=f"{owner.__name__}.{field.name}")


def unknown_key(where: str, key: str, known: Iterable[str]) -> ConfigError:
    """Make the error for a key that no field has, naming the nearest one."""
    names = sorted(known)
    near = difflib.get_close_matches(key.rsplit(".", 1)[-1], names, n=1, cutoff=0.5)
    remedy = f"did you mean {near[0]}?" if near else ""
    return ConfigError(where, expected="a known key", found=f"unknown key {key}", remedy=remedy)
