"""What names, paths and instants of a record may be; checked once, when it is decoded."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from harness.errors import IntegrityError
from harness.files import path_fault

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
RUN_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}", re.ASCII)
_LONGEST_WORD = 128
# Half of a pair of UTF-16, which JSON can spell and no UTF-8 can hold; but for the halves by
# which Python keeps bytes of a name that is no UTF-8.
_ALONE = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _is_name(value: Any) -> bool:
    return NAME.fullmatch(value) is not None and ".." not in value


def _is_word(value: Any) -> bool:
    is_short = 0 < len(value) <= _LONGEST_WORD
    return is_short and value.isprintable() and not set(value) & set("/\\") and value[0] != "."


def _is_run_id(value: Any) -> bool:
    return RUN_ID.fullmatch(value) is not None


def is_hub(subject: str) -> bool:
    """Say whether an entry of a ledger names a hub: a suite's name, and a run id."""
    suite, _, run_id = subject.rpartition("/")
    return _is_name(suite) and _is_run_id(run_id)


def _is_inside(value: Any) -> bool:
    return value is None or path_fault(value) is None


def is_instant(value: Any) -> bool:
    """Say whether a text is a time with its offset from UTC."""
    try:
        return dt.datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def require_text(value: str, where: str) -> str:
    """Return a text that a file can hold.

    Raises:
        IntegrityError: It holds half a character; ``where`` names its place.
    """
    if value.isascii() or not _ALONE.search(value):
        return value
    raise IntegrityError(
        where,
        found=ascii(value)[:80],
        expected="text that Unicode has",
        remedy="Restore the file from a copy, or run the suite again.",
    )


def _is_size(value: Any) -> bool:
    return bool(0 <= value < 1 << 63)


# Rules for the fields that folders, files and orders are made of.
IDENTIFIER = {"is": _is_name, "expected": "letters, digits, '.', '_' and '-', at most 64"}
WORD = {"is": _is_word, "expected": "a printable word without '/', '\\' or a leading '.'"}
RUN = {"is": _is_run_id, "expected": "YYYYMMDDTHHMMSSZ-<6 hex>"}
INSIDE = {"is": _is_inside, "expected": "a path inside its root"}
INSTANT = {"is": is_instant, "expected": "a time as RFC 3339 in UTC"}
SIZE = {"is": _is_size, "expected": "a number of bytes"}
