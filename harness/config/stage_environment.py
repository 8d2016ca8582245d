"""What a stage sees of the environment: an allow-list, and what its suite declares."""

from __future__ import annotations

from collections.abc import Mapping

_ALLOWED = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SHELL")
_FIXED = {
    "PYTHONHASHSEED": "0",
    "PYTHONUNBUFFERED": "1",
    "PYTHONIOENCODING": "utf-8",
    "NO_COLOR": "1",
    "TERM": "dumb",
    "COLUMNS": "100",
}


def select_variables(extra: tuple[str, ...], source: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: what is allowed, what is declared, what is fixed."""
    inherited = {
        name: value
        for name, value in source.items()
        if name in _ALLOWED or name.startswith("LC_") or name in extra
    }
    return {**_FIXED, **inherited}
