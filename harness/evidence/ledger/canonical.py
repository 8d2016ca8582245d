"""Values in, one byte string out: the canonical form of JSON, and its strict reading.

Writing is the library's; reading is ours, for a ledger that a stranger hands over must not be
read more loosely than it was written: the library reads nothing, and ``json`` lets a key be
written twice, NaN pass and a deep nest end in a traceback.

Source: RFC 8785, sections 3.2.2 (numbers as ECMAScript writes them, strings with the shortest
escapes) and 3.2.3 (keys ordered by UTF-16 code units).
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

_SAFE = 2**53 - 1


class CanonicalError(ValueError):
    """A value that has no canonical form, or bytes that are not in it."""


def dumps(value: Any) -> bytes:
    """Return the canonical bytes of a JSON value.

    Raises:
        CanonicalError: NaN, an infinity, an integer that is no double, a lone surrogate, a key
            that is not text, nesting beyond the interpreter's depth, or a type JSON lacks.
    """
    import rfc8785  # noqa: PLC0415 - what only reads a ledger starts without it

    try:
        try:
            return rfc8785.dumps(value)
        except rfc8785.IntegerDomainError:
            return rfc8785.dumps(_with_doubles(value))
    except UnicodeEncodeError as error:  # a key; of other strings the library tells itself
        raise CanonicalError("a lone surrogate in a string") from error
    except RecursionError as error:
        raise CanonicalError("nesting too deep") from error
    except rfc8785.CanonicalizationError as error:
        raise CanonicalError(str(error)) from error


def number(value: float) -> str:
    """Write a double as ECMAScript's ``Number::toString`` does.

    Raises:
        CanonicalError: The value is NaN or infinite.
    """
    return dumps(value).decode()


def _with_doubles(value: Any) -> Any:
    """Return the value with integers beyond 2⁵³ as the doubles that they are.

    The library refuses them all. A reader gives such an integer where ``1e20`` was written, so
    that those which are doubles must be written again as they were.
    """
    if isinstance(value, dict):
        return {key: _with_doubles(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_doubles(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) <= _SAFE:
        return value
    try:
        double = float(value)
    except OverflowError as error:
        raise CanonicalError("an integer beyond doubles") from error
    if int(double) != value and number(double) != str(value):
        raise CanonicalError("an integer that is no double")
    return double


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
