"""Errors of the model package: where, expected, found; each class owns its exit code."""

from __future__ import annotations

from typing import ClassVar


class PtychoError(Exception):
    """A run that cannot go on; printed as one line by the command line.

    Args:
        where: File, flag or key, from coarse to fine: ``scan.npz: diff3d``.
        expected: What would have been accepted.
        found: What was there instead.
        remedy: What to do next, when it does not follow from the rest.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, where: str, *, expected: str, found: str, remedy: str = "") -> None:
        """Keep the parts, so that a test reads fields and not text."""
        text = f"{where}: expected {expected}, got {found}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.where, self.expected, self.found, self.remedy = where, expected, found, remedy


class InputError(PtychoError):
    """A flag, configuration or data file that cannot be used as given."""

    exit_code = 2


class MissingInputError(InputError, FileNotFoundError):
    """A named file that is not there."""


class ConfigError(InputError, ValueError):
    """A configuration value or key that is not allowed."""


class BundleError(PtychoError):
    """A bundle that is damaged, incomplete or not trusted."""

    exit_code = 4


class DivergedError(PtychoError):
    """Training met a non-finite loss."""


class DeadTrainingError(PtychoError):
    """Training goes on without a network that can still learn."""


class OutputError(PtychoError):
    """A result that could not be written."""
