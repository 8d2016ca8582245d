"""The dial of a drill: the number in its patch that says how large the defect is.

    Dial: 0.01 (1 % of the learning rate)

names a number literal that stands in the added lines once and no more; at nothing the defect is
gone. A dose of a third writes a third of it there. In parentheses stands what the number is, in
the unit of the defect.
"""

from __future__ import annotations

import math
import re

from harness.errors import ConfigError
from harness.frozen import dataclass

KEY = "Dial"
FULL = 1.0
_LARGEST_DIGITS = 40
_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?"
_HEADER = re.compile(rf"({_NUMBER})(?: \(({_NUMBER})([^()]*)\))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """A number literal of a patch, and what it means.

    Attributes:
        literal: As it stands in the added lines.
        size: What it is in the unit of the defect.
        unit: That unit, with the space before it; empty where the literal is its own.
    """

    literal: str
    size: float
    unit: str

    def describe(self, dose: float) -> str:
        """Say how large the defect is at a dose, in its own unit."""
        return f"{self.size * dose:.3g}{self.unit}"


def read_dial(text: str, patch: str, where: str) -> Dial:
    """Read the header line of a drill.

    Args:
        text: What stands after the key.
        patch: The whole patch.
        where: Name of its file, for errors.

    Raises:
        ConfigError: The line cannot be read, or its number does not stand in the added lines
            exactly once.
    """
    said = _HEADER.fullmatch(text) if len(text) <= 10 * _LARGEST_DIGITS else None
    value = float(said[1]) if said else 0.0
    if said is None or not 0 < value < math.inf:
        raise _refuse(where, repr(text)[:80], "a number above 0, as in: 0.01 (1 % of the rate)")
    count = len(_find_places(patch, said[1]))
    if count != 1:
        actual = f"{said[1]} in the added lines {count} times"
        raise _refuse(where, actual, "the number once, as it is written there")
    size = float(said[2]) if said[2] else value
    return Dial(literal=said[1], size=size, unit=said[3] or "")


def write_dose(patch: str, dial: Dial, dose: float) -> str:
    """Return the patch with a part of its defect; the full dose leaves it as it is."""
    if dose == FULL:
        return patch
    (place,) = _find_places(patch, dial.literal)
    number = repr(float(dial.literal) * dose)
    return patch[:place] + number + patch[place + len(dial.literal) :]


def _find_places(patch: str, literal: str) -> list[int]:
    """Return where a number stands in the added lines, as a token of its own."""
    token = re.compile(rf"(?<![\w.]){re.escape(literal)}(?![\w.])")
    places, start = [], 0
    for line in patch.splitlines(keepends=True):
        if line.startswith("+") and not line.startswith("+++ "):
            places += [start + one.start() for one in token.finditer(line)]
        start += len(line)
    return places


def _refuse(where: str, found: str, expected: str) -> ConfigError:
    return ConfigError(f"{where}, {KEY}", found=found, expected=expected, remedy="Correct it.")
