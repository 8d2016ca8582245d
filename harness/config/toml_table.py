"""Strict reading of one TOML table: unknown keys, wrong types and bad values are named.

A table knows its file and key path, so that each error is one line that a person can act on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import ConfigError, near

_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a table",
    dt.date: "a date such as 2026-12-31",
}
_LISTED = 12  # names that a message lists


def nearest(name: str, known: Iterable[str]) -> str:
    """Return advice that names the closest known name, or lists what is known."""
    names = sorted(known)
    if close := near(name, names, cutoff=0.5):
        return f"Did you mean {close!r}?"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"Known: {', '.join(names[:_LISTED])}{more}." if names else "None is declared."


def kind_of(value: Any) -> str:
    """Describe a parsed TOML value for a message, cut to a readable length."""
    return f"{_KINDS.get(type(value), type(value).__name__)} {value!r}"[:80]


@dataclass(slots=True)
class Table:
    """A table under ``path`` of ``file``; taken keys are remembered."""

    file: str
    path: str
    values: Mapping[str, Any]
    _taken: set[str] = field(default_factory=set)

    def key_path(self, key: str) -> str:
        """Return file and key path of a key."""
        return f"{self.file}: {self.path}.{key}" if self.path else f"{self.file}: {key}"

    def error(self, key: str, *, found: str, expected: str, remedy: str) -> ConfigError:
        """Make the error that names this key."""
        return ConfigError(self.key_path(key), found=found, expected=expected, remedy=remedy)

    def take(self, key: str, kind: type, default: Any = None, *, required: bool = False) -> Any:
        """Return a value of the wanted kind.

        Raises:
            ConfigError: The key is required and absent, or its value has another type.
        """
        self._taken.add(key)
        if key not in self.values:
            if required:
                raise self.error(
                    key, found="nothing", expected=_KINDS[kind], remedy=f"Add {key} = …"
                )
            return default
        value = self.values[key]
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise self.error(
                key, found=kind_of(value), expected=_KINDS[kind], remedy="Change the value."
            )
        return value

    def text(self, key: str, default: str = "", *, required: bool = False) -> str:
        """Return a string; a required one may not be empty."""
        value: str = self.take(key, str, default, required=required)
        if required and not value.strip():
            raise self.error(
                key, found="an empty string", expected="a text", remedy="Fill it in."
            )
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of strings; a required one may not be empty."""
        values = self.take(key, list, [], required=required)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self.error(
                    f"{key}[{index}]",
                    found=kind_of(value),
                    expected="a string",
                    remedy="Put it in quotes.",
                )
        if required and not values:
            raise self.error(
                key, found="an empty list", expected="at least one item", remedy="Add one."
            )
        return tuple(values)

    def tables(self, key: str) -> list[Table]:
        """Return an array of tables, each with its index in its path."""
        found = []
        for index, value in enumerate(self.take(key, list, [])):
            if not isinstance(value, dict):
                raise self.error(
                    f"{key}[{index}]",
                    found=kind_of(value),
                    expected="a table",
                    remedy=f"Declare it as [[{key}]] or {{ … }}.",
                )
            path = f"{self.path}.{key}[{index}]" if self.path else f"{key}[{index}]"
            found.append(Table(self.file, path, value))
        return found

    def named_tables(self, key: str) -> dict[str, Table]:
        """Return a table of tables by name."""
        inner = Table(self.file, key, self.take(key, dict, {}))
        return {
            name: Table(self.file, f"{key}.{name}", inner.take(name, dict))
            for name in inner.values
        }

    def strings(self, key: str) -> dict[str, str]:
        """Return a table whose values are all strings."""
        path = f"{self.path}.{key}" if self.path else key
        inner = Table(self.file, path, self.take(key, dict, {}))
        return {name: inner.text(name) for name in inner.values}

    def rest(self) -> dict[str, Any]:
        """Return the keys that were not taken, and count them as taken."""
        rest = {key: value for key, value in self.values.items() if key not in self._taken}
        self._taken.update(rest)
        return rest

    def close(self, *, known: Iterable[str] = ()) -> None:
        """Refuse what was not taken.

        Raises:
            ConfigError: A key is unknown; the message names the nearest known one.
        """
        for key in self.values:
            if key not in self._taken:
                raise self.error(
                    key,
                    found="an unknown key",
                    expected="a declared key",
                    remedy=nearest(key, {*self._taken, *known}),
                )
