"""Errors of the harness: where, found, expected, remedy; each class owns its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


def near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known word that a mistyped one comes nearest to, where one is near."""
    import difflib  # noqa: PLC0415 - a mistyped word is rare, and difflib is not free at a start

    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return matches[0] if matches else None


class HarnessError(Exception):
    """Base class: what was found, what was expected, what to do next."""

    exit_code: ClassVar[int] = 6

    def __init__(self, where: str, *, found: str, expected: str, remedy: str) -> None:
        """Keep the parts, so that a test reads fields and not text."""
        super().__init__(f"{where}: found {found}; expected {expected}. {remedy}")
        self.where, self.found, self.expected, self.remedy = where, found, expected, remedy


class ConfigError(HarnessError):
    """A command line or ``harness.toml`` that cannot be used as given."""

    exit_code = 2


class EvidenceMissingError(HarnessError):
    """Evidence that is needed is stale or not there."""

    exit_code = 3


class IntegrityError(HarnessError):
    """Evidence that is damaged, unlisted, replayed or unsigned."""

    exit_code = 4


class NothingSelectedError(HarnessError):
    """A selection that matches nothing."""

    exit_code = 5


class NotAProjectError(HarnessError):
    """A folder that is no project or no hub."""

    exit_code = 10


class LockTimeoutError(HarnessError):
    """A lock that another living process holds."""

    exit_code = 11


class StorageError(HarnessError):
    """The disk refused: full, read-only or not permitted."""

    exit_code = 2
