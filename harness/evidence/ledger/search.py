"""Whether a ledger speaks of something at all, before its entries are parsed for it."""

from __future__ import annotations

from pathlib import Path

from harness.errors import IntegrityError
from harness.evidence.ledger.log import LINE_LIMIT
from harness.files import storage


def mentions(path: Path, word: bytes, *, at_start: bool = False) -> bool:
    """Say whether a line of a ledger holds, or begins with, a word; each is read to its bound.

    Raises:
        IntegrityError: A line is longer than any entry.
        StorageError: The disk refused.
    """
    if not path.is_file():
        return False
    with storage(path, "a readable ledger"), path.open("rb") as stream:
        while line := stream.readline(LINE_LIMIT + 2):
            if len(line) > LINE_LIMIT + 1:
                raise IntegrityError(
                    path.name,
                    found=f"a line of more than {LINE_LIMIT:,} bytes",
                    expected="entries of a ledger",
                    remedy="Restore the ledger from git or another copy.",
                )
            if line.startswith(word) if at_start else word in line:
                return True
    return False
