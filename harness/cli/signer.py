"""The secret key that a command signs with, from a file that the user names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.evidence.hub import digest
from harness.evidence.ledger import keys

F = TypeVar("F", bound=Callable[..., Any])
_LIMIT = 4096  # bytes


def sign_option(words: str, *, required: bool = False) -> Callable[[F], F]:
    """Add ``--sign KEYFILE`` to a command; ``words`` say what is signed."""
    return click.option(
        "--sign",
        "key_file",
        metavar="KEYFILE",
        required=required,
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help=words,
    )


def read_signer(key_file: Path | None) -> keys.SecretKey | None:
    """Read the secret key in a file; None without one.

    Raises:
        ConfigError: It is no key, or the extra for signing is not installed.
        IntegrityError: The file cannot be read.
    """
    if key_file is None:
        return None
    return keys.read_secret(
        digest.read_bytes(key_file, _LIMIT).decode(errors="replace").strip()
    )
