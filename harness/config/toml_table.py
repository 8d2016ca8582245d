"""Strict reading of one TOML table: unknown keys and wrong types are named.

A table knows its file and key path, so that each error is one line that a person can act on.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import ConfigError, near

FILE = "harness.toml"
_KINDS = {
    str: "a string",
    bool: "true or false",
    int: "an integer",
    float: "a number",
    list: "a list",
    dict: "a table",
    dt.date: "a date such as 2026-12-31",
}
WANTED = {**_KINDS, str: "text in quotes", float: "a finite number"}
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


@dataclass(frozen=True)
class Table:
    """A table under ``path`` of ``file``."""

    file: str
    path: str
    values: Mapping[str, Any]

    def key_path(self, key: str) -> str:
        """Return file and key path of a key."""
        return f"{self.file}: {self.path}.{key}" if self.path else f"{self.file}: {key}"

    def error(self, key: str, *, found: str, expected: str, remedy: str) -> ConfigError:
        """Make the error that names this key."""
        return ConfigError(self.key_path(key), found=found, expected=expected, remedy=remedy)

    def take(self, key: str, kind: type) -> Any:
        """Return the value of a key that is there; an integer does where a number is wanted.

        Raises:
            ConfigError: It has another type, or is no finite number.
        """
        value: Any = self.values[key]
        if kind is float and type(value) is int:
            value = _as_float(value)
        if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
            raise self.error(
                key,
                found=kind_of(self.values[key]),
                expected=WANTED[kind],
                remedy="Change the value.",
            )
        return value

    def text(self, key: str, *, required: bool = False) -> str:
        """Return a string; a required one may not be empty."""
        value: str = self.take(key, str)
        if required and not value.strip():
            raise self.error(
                key, found="an empty string", expected="a text", remedy="Fill it in."
            )
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Return a list of strings; a required one may not be empty."""
        values = self.take(key, list)
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self.error(
                    f"{key}[{index}]",
                    found=kind_of(value),
                    expected=WANTED[str],
                    remedy="Put it in quotes.",
                )
        if required and not values:
            raise self.error(
                key, found="an empty list", expected="at least one item", remedy="Add one."
            )
        return tuple(values)

    def numbers(self, key: str) -> tuple[float, ...]:
        """Return a list of finite numbers."""
        items = self.take(key, list)
        inner = Table(self.file, self.path, {f"{key}[{i}]": v for i, v in enumerate(items)})
        return tuple(inner.take(name, float) for name in inner.values)

    def tables(self, key: str) -> list[Table]:
        """Return an array of tables, each with its index in its path."""
        tables = []
        for index, value in enumerate(self.take(key, list)):
            if not isinstance(value, dict):
                raise self.error(
                    f"{key}[{index}]",
                    found=kind_of(value),
                    expected="a table",
                    remedy=f"Declare it as [[{key}]] or {{ … }}.",
                )
            tables.append(Table(self.file, f"{self._join_path(key)}[{index}]", value))
        return tables

    def named_tables(self, key: str) -> dict[str, Table]:
        """Return a table of tables by name."""
        inner = self.inner(key)
        return {name: inner.inner(name) for name in inner.values}

    def inner(self, key: str) -> Table:
        """Return the table below a key."""
        return Table(self.file, self._join_path(key), self.take(key, dict))

    def strings(self, key: str) -> dict[str, str]:
        """Return a table whose values are all strings."""
        inner = self.inner(key)
        return {name: inner.text(name) for name in inner.values}

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Refuse a key that is not known.

        Raises:
            ConfigError: There is one; the message lists the known ones and names the nearest.
        """
        names = list(known)
        for key in self.values:
            if key not in names:
                raise self.error(
                    key,
                    found="an unknown key",
                    expected=f"one of {', '.join(names)}",
                    remedy=nearest(key, names),
                )

    def _join_path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:  # TOML has integers beyond doubles
        return math.inf
