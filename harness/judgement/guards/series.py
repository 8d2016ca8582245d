"""Path expressions in, whole arrays out: numbers in stored order, with their shape.

A path may end at a number, at lists or records of them, or at an array of an NPY or NPZ file by
its name; of a complex array ``.real``, ``.imaginary``, ``.phase`` or, without a word, the
magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.frozen import dataclass
from harness.judgement.guards import metrics
from harness.judgement.guards.base import Evidence
from harness.judgement.guards.readers import arrays, catalogue
from harness.judgement.guards.readers.base import MOST_VALUES, FormatError
from harness.judgement.guards.readers.npy import Array

_PARTS: Mapping[str, Callable[[float, float], float]] = {
    "": math.hypot,
    "real": lambda real, _: real,
    "imaginary": lambda _, imaginary: imaginary,
    "phase": lambda real, imaginary: math.atan2(imaginary, real),
}
_DEEPEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Numbers row by row; ``shape`` is that of the array they come from."""

    shape: tuple[int, ...]
    numbers: Sequence[float]


def take(evidence: Evidence, expression: str) -> Series:
    """Take the numbers that an expression names.

    Raises:
        MetricError: There are none, or something else than numbers.
        ConfigError: The expression cannot be read.
    """
    matches = find(evidence, expression)
    if isinstance(matches, Series):
        return matches
    root = matches[0] if len(matches) == 1 else matches
    numbers = [metrics.to_number(expression, value) for value in _flatten(root, expression)]
    if not numbers:
        raise metrics.missing_error(expression, "an empty list", "numbers")
    return Series(shape=_shape(root), numbers=numbers)


def find(evidence: Evidence, expression: str) -> Series | list[Any]:
    """Return the array of a file that an expression names, else the values that it matches.

    Raises:
        MetricError: There is nothing for the expression.
        ConfigError: The expression cannot be read.
    """
    artifact, steps = metrics.parse(expression)
    record = evidence.artifacts.get(artifact)
    names = [text for kind, text in steps if kind == "key"]
    if (
        record is not None
        and catalogue.find_reader(record.path) is catalogue.NPY
        and len(names) == len(steps)
        and (series := _read_array(evidence, artifact, names)) is not None
    ):
        return series
    return metrics.find(evidence, expression)


def take_plane(evidence: Evidence, expression: str) -> Series:
    """Take a map of rows and columns; a single number is a map of one.

    Raises:
        MetricError: It is none.
    """
    series = take(evidence, expression)
    if series.shape == ():
        return Series(shape=(1, 1), numbers=series.numbers)
    if len(series.shape) != 2 or math.prod(series.shape) != len(series.numbers):  # noqa: PLR2004
        raise metrics.missing_error(
            expression, f"an array of shape {list(series.shape)}", "rows and columns"
        )
    return series


def _read_array(evidence: Evidence, artifact: str, names: Sequence[str]) -> Series | None:
    """Return an array of a file by its name and part; None where the path is another one."""
    try:
        members = evidence.parse(artifact, arrays.read_numbers, catalogue.NPY.limit)
    except FormatError as error:
        raise metrics.missing_error(artifact, error.found, error.expected) from error
    name, *rest = names
    if name not in members or len(rest) > 1:
        return None
    array: Array = members[name]
    part = rest[0] if rest else ""
    if part not in _PARTS or (part and not array.is_complex):
        return None
    if array.is_fortran:
        actual = "an array in the order of columns"
        raise metrics.missing_error(f"{artifact}:{name}", actual, "one in the order of rows")
    numbers: Sequence[float] = array.numbers
    if array.is_complex:
        compute = _PARTS[part]
        numbers = list(map(compute, array.numbers[::2], array.numbers[1::2]))
    return Series(shape=array.shape, numbers=numbers)


def _flatten(value: Any, expression: str) -> list[Any]:
    values = list(_walk(value))
    if len(values) > MOST_VALUES:
        raise metrics.missing_error(expression, f"{len(values):,} values", "fewer")
    return values


def _walk(value: Any, depth: int = 0) -> Iterator[Any]:
    if not isinstance(value, list | dict) or depth == _DEEPEST:
        yield value
        return
    for item in value.values() if isinstance(value, dict) else value:
        yield from _walk(item, depth + 1)


def _shape(value: Any) -> tuple[int, ...]:
    """Return the lengths of nested lists or records, by the first of each."""
    shape = []
    while isinstance(value, list | dict):
        shape.append(len(value))
        value = next(iter(value.values() if isinstance(value, dict) else value), None)
    return tuple(shape)
