"""Arrays as metrics see them: what each holds in a few numbers, and its values if they are few.

An array is an object with ``shape``, ``dtype``, ``count``, ``nonfinite``, ``min``, ``max``,
``mean`` and ``std`` (of the population), and ``values`` in stored order where there are at most
100,000. Of complex numbers the magnitude counts. Where one value is not finite, none of the
statistics is: a mean of the others would hide it.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from typing import Any

from harness.judgement.guards.readers import npy
from harness.judgement.guards.readers.base import FormatError, Summary, TooMuchError

MOST_NUMBERS = 8_000_000
_MOST_KEPT = 100_000
_EXPECTED = "an NPY file of numbers, or an NPZ archive of such"
LIMIT = 64 << 20


def read(content: bytes) -> Any:
    """Read an NPY file as one summary, an NPZ archive as a summary by name.

    A member that holds no numbers is told by its trouble; nothing is unpickled.

    Raises:
        FormatError: It is neither, is damaged, or an NPY file holds no plain numbers.
        TooMuchError: There are more numbers than are read.
    """
    try:
        members = dict(npy.members(content, LIMIT))
        if "" in members:
            return summarise_array(npy.read_npy(members[""]))
    except npy.ArrayError as error:
        raise FormatError(str(error), _EXPECTED) from error
    summaries: dict[str, Any] = {}
    for name, raw in members.items():
        summaries[name] = _read_member(raw)
        total = sum(one.get("count", 0) for one in summaries.values())
        if total > MOST_NUMBERS:
            raise TooMuchError(f"over {MOST_NUMBERS:,} numbers", "fewer, or some of them")
    return summaries


def _read_member(raw: bytes) -> dict[str, Any]:
    try:
        return summarise_array(npy.read_npy(raw))
    except npy.KindError as error:
        return {"trouble": str(error)}
    except npy.ArrayError as error:
        raise FormatError(str(error), _EXPECTED) from error


def summarise_array(array: npy.Array) -> Summary:
    """Describe an array that was read; see the module."""
    numbers: Sequence[float] = array.numbers
    if array.is_complex:
        numbers = [math.hypot(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=True)]
    return summarise(numbers, array.shape, array.dtype)


def summarise(numbers: Sequence[float], shape: Sequence[int], dtype: str) -> Summary:
    """Describe numbers in stored order.

    Raises:
        TooMuchError: There are more than are read.
    """
    count = len(numbers)
    if count > MOST_NUMBERS:
        raise TooMuchError(f"{count:,} numbers", f"at most {MOST_NUMBERS:,}")
    bad = sum(not math.isfinite(x) for x in numbers)
    values = {"values": list(numbers)} if count <= _MOST_KEPT else {}
    statistics = dict.fromkeys(("min", "max", "mean", "std"), math.nan)
    if count and not bad:
        low, high = min(numbers), max(numbers)
        mean, std = _find_moments(numbers, low, high)
        statistics = {"min": low, "max": high, "mean": mean, "std": std}
    about = {"shape": list(shape), "dtype": dtype, "count": count, "nonfinite": bad}
    return Summary(**about, **(statistics if count else {}), **values)


def _find_moments(numbers: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """Return mean and standard deviation, scaled so that no square leaves the range."""
    if low == high:
        return low, 0.0  # exactly: rounding of the mean must not make a spread
    scale = float(max(abs(low), abs(high)))
    mean = math.fsum(x / scale for x in numbers) / len(numbers)
    square = math.fsum((x / scale - mean) ** 2 for x in numbers) / len(numbers)
    return mean * scale, math.sqrt(square) * scale


def read_numbers(content: bytes) -> dict[str, npy.Array]:
    """Read the arrays of an NPY file or NPZ archive by name, without describing them.

    The only array of an NPY file has no name; members that hold no numbers are left out.

    Raises:
        FormatError: It is neither, or is damaged.
        TooMuchError: There are more numbers than are read.
    """
    numbers: dict[str, npy.Array] = {}
    try:
        for name, raw in npy.members(content, LIMIT):
            with contextlib.suppress(npy.KindError):
                numbers[name] = npy.read_npy(raw)
    except npy.ArrayError as error:
        raise FormatError(str(error), _EXPECTED) from error
    if sum(one.count for one in numbers.values()) > MOST_NUMBERS:
        raise TooMuchError(f"over {MOST_NUMBERS:,} numbers", "fewer, or some of them")
    return numbers
