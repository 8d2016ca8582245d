"""Whether a ledger speaks of something at all, before its entries are parsed for it."""

from __future__ import annotations

from harness.errors import IntegrityError
from harness.evidence.ledger.log import LINE_LIMIT, Ledger


def mentions(ledger: Ledger, word: bytes, *, at_start: bool = False) -> bool:
    """Say whether a line of a ledger holds, or begins with, a word.

    Raises:
        IntegrityError: A line is longer than any entry.
        StorageError: The disk refused.
    """
    for line in ledger.lines():
        if len(line) > LINE_LIMIT + 1:
            raise IntegrityError(
                ledger.path.name,
                found=f"a line of more than {LINE_LIMIT:,} bytes",
                expected="entries of a ledger",
                remedy="Restore the ledger from git or another copy.",
            )
        if line.startswith(word) if at_start else word in line:
            return True
    return False
