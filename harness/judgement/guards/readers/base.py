"""What every reader of a format keeps to."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

from harness.frozen import dataclass

MOST_VALUES = 1_000_000


class FormatError(Exception):
    """Bytes that are not of the format, or say more than is read.

    Attributes:
        found: What there is.
        expected: What a reader of the format takes.
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found = found[:200]
        self.expected = expected


def parse_number(text: str) -> float:
    """Return the number that a text is for every program.

    Python alone takes ``1_000`` and digits of other scripts: what others read as a word must
    not become a number here.

    Raises:
        ValueError: It is none.
    """
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return float(text)


def parse_cell(text: str) -> Any:
    """Return the number that a text looks like, else the text, or None if it is empty."""
    try:
        return parse_number(text)
    except ValueError:
        return text or None


def to_float(value: float) -> float:
    """Return a number as a float: JSON has integers beyond all of them, which become ±inf."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class TooMuchError(FormatError):
    """More values than are read: how many there are is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A format: how its files are read, and how large they may be.

    ``home`` is the module beside this one that holds ``function``; what a format needs is not
    loaded for the sake of others.

    ``module`` is what the reader imports and an extra of the distribution, ``extra``, brings;
    both are empty where nothing has to be installed. ``limit`` is in bytes.
    """

    name: str
    home: str
    limit: int
    function: str = "read"
    module: str = ""
    extra: str = ""

    @property
    def read(self) -> Callable[[bytes], Any]:
        """The function from bytes to values; its module is loaded when it is asked for."""
        home = importlib.import_module(f"{__package__}.{self.home}")
        function: Callable[[bytes], Any] = vars(home)[self.function]
        return function


class Summary(dict[str, Any]):
    """The object that stands for an array, see ``arrays``."""
