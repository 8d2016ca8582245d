"""Values in, one byte string out: the canonical form of JSON, and its strict reading.

Source: RFC 8785, sections 3.2.2 (numbers as ECMAScript writes them, strings with the shortest
escapes) and 3.2.3 (keys ordered by UTF-16 code units).
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_SAFE = 2**53 - 1
_LONGEST_PLAIN, _SHORTEST_PLAIN = 21, -6


class CanonicalError(ValueError):
    """A value that has no canonical form, or bytes that are not in it."""


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises:
        CanonicalError: NaN, an infinity, an integer that is no double, a lone surrogate, a key
            that is not text, nesting beyond the interpreter's depth, or a type JSON lacks.
    """
    try:
        return _text(value).encode()
    except UnicodeEncodeError as error:
        raise CanonicalError("a lone surrogate in a string") from error
    except RecursionError as error:
        raise CanonicalError("nesting too deep") from error


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, dict):
        return _object(value)
    raise CanonicalError(f"a {type(value).__name__}, which JSON does not have")


def _integer(value: int) -> str:
    if abs(value) <= _SAFE:
        return str(value)
    try:
        text = number(float(value))
    except OverflowError as error:
        raise CanonicalError("an integer beyond doubles") from error
    if text != str(value) and int(float(value)) != value:
        raise CanonicalError("an integer that is no double")
    return text


def _object(value: dict[Any, Any]) -> str:
    if not all(isinstance(key, str) for key in value):
        raise CanonicalError("a key that is not text")
    keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    return "{" + ",".join(f"{_text(key)}:{_text(value[key])}" for key in keys) + "}"


def number(value: float) -> str:
    """Write a double as ECMAScript's ``Number::toString`` does.

    Raises:
        CanonicalError: The value is NaN or infinite.
    """
    if not math.isfinite(value):
        raise CanonicalError("a number that is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    digits = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(digits)
    return sign + _place(digits.rstrip("0"), point)


def _place(digits: str, point: int) -> str:
    """Put the decimal point ``point`` digits from the left, or fall back to an exponent."""
    if len(digits) <= point <= _LONGEST_PLAIN:
        return digits.ljust(point, "0")
    if 0 < point <= _LONGEST_PLAIN:
        return f"{digits[:point]}.{digits[point:]}"
    if _SHORTEST_PLAIN < point <= 0:
        return "0." + "0" * -point + digits
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{point - 1:+d}"


def _refuse(word: str) -> NoReturn:
    raise CanonicalError(f"the number {word[:20]}")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise CanonicalError("a key written twice")
    return record


def _finite(word: str) -> float:
    value = float(word)
    return value if math.isfinite(value) else _refuse(word)


_STRICT = json.JSONDecoder(
    parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_pairs
)


def loads(content: bytes) -> Any:
    """Read strict JSON: UTF-8, no duplicate keys, no NaN or infinities, bounded nesting.

    Raises:
        CanonicalError: The bytes are none of that; the message says why, in a few words.
    """
    try:
        return _STRICT.decode(content.decode())
    except UnicodeDecodeError as error:
        raise CanonicalError(f"bytes that are not UTF-8 at offset {error.start}") from error
    except RecursionError as error:
        raise CanonicalError("nesting too deep") from error
    except json.JSONDecodeError as error:
        raise CanonicalError(f"{error.msg} at line {error.lineno}") from error
    except CanonicalError:
        raise
    except ValueError as error:  # an integer of more digits than the interpreter converts
        raise CanonicalError("a number too long to read") from error
