"""The parameters of a guard kind: a record declares them, and a declaration is read into it."""

from __future__ import annotations

from typing import TypeVar

from harness.config import keys
from harness.config.project import GuardSpec
from harness.config.toml_table import FILE, Table
from harness.errors import ConfigError

T = TypeVar("T")


class _GuardTable(Table):
    """The own keys of a guard; every error says that it is this guard that is wrong."""

    def error(self, key: str, *, found: str, expected: str, remedy: str) -> ConfigError:
        """Make the error that names this guard and key."""
        advice = f"{remedy} Correct this guard in {FILE}.".strip()
        return super().error(key, found=found, expected=expected, remedy=advice)


def read(record: type[T], spec: GuardSpec) -> T:
    """Read the parameters of a guard into the record that declares them.

    Raises:
        ConfigError: An unknown, missing or mistyped parameter, or one out of its bounds.
    """
    return keys.read(record, _table(spec))


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
    return _table(spec).error(name, found=found, expected=expected, remedy="")


def _table(spec: GuardSpec) -> Table:
    return _GuardTable(FILE, f"guard {spec.id} ({spec.kind})", spec.options)
