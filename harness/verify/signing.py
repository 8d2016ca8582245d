"""The checkpoint beside a ledger in; out, whether the ledger still begins as it says.

Where the project trusts keys, a checkpoint that covers the hub must be signed by one of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from harness.errors import ConfigError, HarnessError, IntegrityError
from harness.hub import digest
from harness.ledger import checkpoint, keys
from harness.ledger.checkpoint import Note
from harness.ledger.log import Entry
from harness.verify import report
from harness.verify.report import Outcome, Row

CHECK = "checkpoint"
FILE = "checkpoint.txt"
_SIGN = "Run harness ledger checkpoint --sign KEYFILE where the key is kept."


def check(
    folder: Path, entries: Sequence[Entry], sequence: int, trusted: Sequence[str]
) -> tuple[Row, ...]:
    """Hold a ledger against the checkpoint beside it.

    Args:
        folder: The hub store.
        entries: The whole ledger.
        sequence: The entry of the hub.
        trusted: Public keys as text; where there are any, a signature is required.
    """
    path = folder / FILE
    if not os.path.lexists(path):
        if not trusted:
            return ()
        return (report.damaged(CHECK, f"no {FILE}", "a signed checkpoint", _SIGN),)
    leaves = [bytes.fromhex(entry.leaf) for entry in entries]
    try:
        note = checkpoint.read(digest.read(path, checkpoint.LIMIT), FILE)
        checkpoint.require_prefix(note.checkpoint, leaves, FILE)
        signer = _signer(note, sequence, trusted)
    except ConfigError as error:
        return (report.of_error(CHECK, error, Outcome.INCONCLUSIVE),)
    except HarnessError as error:
        return (report.of_error(CHECK, error),)
    covered = f"the first {note.checkpoint.size} entries hold"
    return (report.passed(CHECK, covered + (f", signed by {signer}" if signer else "")),)


def _signer(note: Note, sequence: int, trusted: Sequence[str]) -> str:
    """Name the trusted key that signed; nothing where none is asked for.

    Raises:
        IntegrityError: No trusted key signed it, or it does not reach the hub's entry.
        ConfigError: A trusted key cannot be read, or the extra is not installed.
    """
    if not trusted:
        return ""
    signer = note.signer([keys.read_public(text) for text in trusted])
    if signer is None:
        raise IntegrityError(
            FILE, found="no trusted signature", expected="one by a trusted key", remedy=_SIGN
        )
    if sequence >= note.checkpoint.size:
        raise IntegrityError(
            FILE,
            found=f"{note.checkpoint.size} entries signed",
            expected=f"entry {sequence} among them",
            remedy=_SIGN,
        )
    return signer.name
