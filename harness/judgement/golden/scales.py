"""The scales and sides of a golden, and a number from one scale to the other."""

from __future__ import annotations

import math

SIDES = ("two", "low", "high")
SCALES = ("linear", "log10")


def scale(value: float, name: str) -> float:
    """Put a number on a golden's scale.

    Raises:
        ValueError: Zero or less has no place on a log scale.
    """
    return value if name == "linear" else math.log10(value)


def unscale(value: float, name: str) -> float:
    """Take a number from a golden's scale to the metric's own unit."""
    return value if name == "linear" else 10.0**value
