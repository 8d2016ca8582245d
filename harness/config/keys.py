"""Declare a key of ``harness.toml`` once: type, default, meaning, unit, bounds and choices.

A table is a record whose fields are its keys. The reading, the words of each error, the tables
of ``docs/`` and the JSON Schema for editors are derived from these declarations, so that none
of them can know a key that the others do not. So are the parameters of a guard kind.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import field
from functools import cache
from typing import Any, TypeVar

from harness.config.toml_table import WANTED, Table, kind_of, nearest
from harness.frozen import dataclass

T = TypeVar("T")
_ABOUT, _NAME, _REST = "key", "name of the table", "all other keys"


class Kind(enum.StrEnum):
    """What the value of a key may be."""

    TEXT = "string"
    INTEGER = "integer"
    NUMBER = "number"
    FLAG = "boolean"
    DATE = "date"
    TEXTS = "list of strings"
    NUMBERS = "list of numbers"
    WORDS = "string or list of strings"
    STRINGS = "table of strings"
    RECORDS = "array of tables"
    NAMED = "table of tables"
    RECORD = "one table"
    TABLE = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is known about a key besides its type and default.

    Attributes:
        meaning: One clause for the reference; it may link within ``docs/``.
        unit: Unit of the value.
        choices: The only values allowed; of a list, its only items.
        low: Smallest value that is allowed.
        above: Bound that must be exceeded.
        high: Largest value that is allowed.
        below: Bound that must not be reached.
        advice: What to do about a value out of bounds.
        unless: Another key whose presence makes this one, else required, optional.
        from_name: Default where it is made of the table's own name, which ``{}`` stands for.
        is_metric: Whether the value is a path expression of a metric.
        may_be_one: Whether a list of strings may be written as its only item.
    """

    meaning: str
    unit: str = ""
    choices: tuple[str | int, ...] = ()
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    advice: str = ""
    unless: str = ""
    from_name: str = ""
    is_metric: bool = False
    may_be_one: bool = False

    def describe_range(self) -> str:
        """Say in words which numbers are allowed; nothing where all are."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}{unit}"
        if self.above is not None and self.below is not None:
            return f"between {self.above:g} and {self.below:g}{unit}"
        bounds = (
            ("at least", self.low),
            ("above", self.above),
            ("at most", self.high),
            ("below", self.below),
        )
        words = [f"{word} {bound:g}" for word, bound in bounds if bound is not None]
        return f"{' and '.join(words)}{unit}" if words else ""

    def admits(self, number: float) -> bool:
        """Say whether a number lies within the bounds."""
        return (
            (self.low is None or number >= self.low)
            and (self.above is None or number > self.above)
            and (self.high is None or number <= self.high)
            and (self.below is None or number < self.below)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table; ``record`` declares the tables below it, where it holds such."""

    name: str
    kind: Kind
    record: type | None
    is_required: bool
    default: Any
    about: About


def key(meaning: str, *, default: Any = dataclasses.MISSING, **about: Any) -> Any:
    """Make a field that is a key; without a default the key is required.

    Args:
        meaning: One clause for the reference.
        default: Value where the key is not written.
        about: Further attributes of `About`.

    Returns:
        A dataclass field.
    """
    described = {_ABOUT: About(meaning=meaning, **about)}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=described)
    return field(default=default, metadata=described)


def table_name() -> Any:
    """Make a field that holds the name under which its table stands; it is no key."""
    return field(metadata={_NAME: True})


def other_keys() -> Any:
    """Make a field that takes the keys which no other field declares, unchecked."""
    return field(default_factory=dict, metadata={_REST: True})


@cache
def keys_of(record: type) -> tuple[Key, ...]:
    """Return the keys that a record declares, in their order."""
    hints = typing.get_type_hints(record)
    keys = []
    for one in dataclasses.fields(record):
        if about := one.metadata.get(_ABOUT):
            kind, inner = _find_kind(hints[one.name])
            kind = Kind.WORDS if about.may_be_one else kind
            has_default = one.default is not dataclasses.MISSING
            is_bare = not has_default and one.default_factory is dataclasses.MISSING
            keys.append(
                Key(
                    name=one.name,
                    kind=kind,
                    record=inner,
                    is_required=is_bare or bool(about.unless),
                    default=one.default if has_default else None,
                    about=about,
                )
            )
    return tuple(keys)


def find_key(record: type, name: str) -> Key:
    """Return one key of a record by name."""
    return next(one for one in keys_of(record) if one.name == name)


def takes_other_keys(record: type) -> bool:
    """Say whether a table of this record may hold keys that somebody else declares."""
    return bool(_find_marked(record, _REST))


_SCALARS = {
    str: Kind.TEXT,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    bool: Kind.FLAG,
    dt.date: Kind.DATE,
}


def _find_kind(hint: Any) -> tuple[Kind, type | None]:
    if isinstance(hint, types.UnionType):  # X | None: the key may be left out
        hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        plain = {str: Kind.TEXTS, float: Kind.NUMBERS}
        return (plain[inner[0]], None) if inner[0] in plain else (Kind.RECORDS, inner[0])
    if origin is dict:
        if inner[1] is str:
            return Kind.STRINGS, None
        is_record = dataclasses.is_dataclass(inner[1])
        return (Kind.NAMED, typing.cast("type", inner[1])) if is_record else (Kind.TABLE, None)
    if dataclasses.is_dataclass(hint):
        return Kind.RECORD, typing.cast("type", hint)
    return _SCALARS[hint], None


def read(record: type[T], table: Table, name: str = "") -> T:
    """Read a table into the record that declares it, and all tables below it.

    Args:
        record: Its declaration.
        table: The table; errors name its file and path.
        name: Name under which it stands, for records that keep it.

    Raises:
        ConfigError: A key is unknown, missing, of another type or out of its bounds.
    """
    plain: type = record
    declared = keys_of(plain)
    values: dict[str, Any] = {}
    for one in declared:
        if one.name in table.values:
            values[one.name] = _take(one, table)
        elif one.is_required and one.about.unless not in table.values:
            raise table.error(
                one.name,
                found="nothing",
                expected=WANTED[_PLAIN[one.kind]],
                remedy=f"Add {one.name} = …",
            )
        elif one.about.from_name:
            values[one.name] = one.about.from_name.format(name)
    known = [one.name for one in declared]
    rest = _find_marked(plain, _REST)
    if rest:
        values[rest] = {k: v for k, v in table.values.items() if k not in known}
    else:
        table.refuse_unknown(known)
    if own := _find_marked(plain, _NAME):
        values[own] = name
    return record(**values)


@cache
def _find_marked(record: type, mark: str) -> str:
    fields = dataclasses.fields(record)
    return next((one.name for one in fields if mark in one.metadata), "")


def _take(one: Key, table: Table) -> Any:
    if one.kind is Kind.STRINGS:
        return table.strings(one.name)
    if one.kind in (Kind.RECORD, Kind.RECORDS, Kind.NAMED):
        return _take_records(one, table)
    if one.kind is Kind.NUMBERS:
        return table.numbers(one.name)
    if one.kind is Kind.TEXTS:
        values = table.texts(one.name)
        for index, item in enumerate(values):
            _check_choice(one, table, f"{one.name}[{index}]", item)
        return values
    if one.kind is Kind.WORDS:
        return _take_words(one, table)
    if one.kind is Kind.TEXT:
        must_say = one.is_required and one.about.unless not in table.values
        value: Any = table.text(one.name, required=must_say)
    else:
        value = table.take(one.name, _PLAIN[one.kind])
    _check_choice(one, table, one.name, value)
    _check_bounds(one, table, value)
    return value


def _take_words(one: Key, table: Table) -> tuple[str, ...]:
    """Read a list of words, or the only one; an empty word is a mistake in both."""
    if isinstance(table.values[one.name], list):
        words = table.texts(one.name, required=True)
    else:
        words = (table.text(one.name, required=True),)
    if not all(word.strip() for word in words):
        raise table.error(
            one.name, found="an empty word", expected="a word", remedy="Fill it in."
        )
    return words


def _take_records(one: Key, table: Table) -> Any:
    record = typing.cast("type[Any]", one.record)
    if one.kind is Kind.RECORD:
        return read(record, table.inner(one.name))
    if one.kind is Kind.RECORDS:
        return tuple(read(record, inner) for inner in table.tables(one.name))
    return {
        name: read(record, inner, name) for name, inner in table.named_tables(one.name).items()
    }


_PLAIN: Mapping[Kind, type] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.NUMBER: float,
    Kind.FLAG: bool,
    Kind.DATE: dt.date,
    Kind.TEXTS: list,
    Kind.NUMBERS: list,
    Kind.WORDS: list,
    Kind.STRINGS: dict,
    Kind.RECORDS: list,
    Kind.NAMED: dict,
    Kind.RECORD: dict,
    Kind.TABLE: dict,
}


def _check_choice(one: Key, table: Table, where: str, value: Any) -> None:
    choices = one.about.choices
    if choices and value not in choices:
        listed = [str(choice) for choice in choices]
        raise table.error(
            where,
            found=kind_of(value),
            expected=f"one of {', '.join(listed)}" if listed[1:] else listed[0],
            remedy=one.about.advice or nearest(str(value), listed),
        )


def _check_bounds(one: Key, table: Table, value: Any) -> None:
    if one.kind in (Kind.INTEGER, Kind.NUMBER) and not one.about.admits(value):
        raise table.error(
            one.name,
            found=str(value),
            expected=one.about.describe_range(),
            remedy=one.about.advice or "Change the value.",
        )
