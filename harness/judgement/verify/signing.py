"""The checkpoint beside a ledger in; out, whether the ledger still begins as it says.

Where the project trusts keys, a checkpoint that covers the hub must be signed by one of them.
"""

from __future__ import annotations

import os
from collections.abc import Container, Sequence

from harness.errors import ConfigError, HarnessError, IntegrityError
from harness.evidence.hub import digest, layout
from harness.evidence.ledger import checkpoint, history, keys
from harness.evidence.ledger.checkpoint import Checkpoint, Note
from harness.evidence.ledger.log import Ledger
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row

CHECK = "checkpoint"
_FILE = layout.CHECKPOINT
_SIGN = "Run harness ledger checkpoint --sign KEYFILE where the key is kept."


def check(
    ledger: Ledger, leaves: Sequence[bytes], sequence: int, trusted: Sequence[str]
) -> tuple[Row, ...]:
    """Hold a ledger against the checkpoint that is, or has to be, beside it.

    Args:
        ledger: The ledger, in the hub store.
        leaves: Its leaf hashes, proved.
        sequence: The entry of the hub.
        trusted: Public keys as text; where there are any, a signature is required.
    """
    path = ledger.path.with_name(_FILE)
    if not os.path.lexists(path):
        return (report.damage_row(CHECK, f"no {_FILE}", "a signed checkpoint", _SIGN),)
    try:
        note = checkpoint.read_checkpoint(digest.read_bytes(path, checkpoint.LIMIT), _FILE)
        covered = covered_by(note.checkpoint, ledger, leaves)
        signer = _signer(note, sequence, covered, trusted)
    except ConfigError as error:
        return (report.of_error(CHECK, error, Outcome.INCONCLUSIVE),)
    except HarnessError as error:
        return (report.of_error(CHECK, error),)
    message = f"{note.checkpoint.size} pinned entries hold"
    return (report.passed_row(CHECK, message + (f", signed by {signer}" if signer else "")),)


def covered_by(pinned: Checkpoint, ledger: Ledger, leaves: Sequence[bytes]) -> Container[int]:
    """Return the sequence numbers that a checkpoint covers, in this ledger or a merged one.

    Raises:
        IntegrityError: Entries that were there are gone or changed.
    """
    try:
        checkpoint.require_prefix(pinned, leaves, _FILE)
    except IntegrityError:
        return history.require(pinned, leaves, ledger.entries(), _FILE)
    return range(pinned.size)


def _signer(note: Note, sequence: int, covered: Container[int], trusted: Sequence[str]) -> str:
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
            _FILE, found="no trusted signature", expected="one by a trusted key", remedy=_SIGN
        )
    if sequence not in covered:
        raise IntegrityError(
            _FILE,
            found=f"{note.checkpoint.size} entries signed",
            expected=f"entry {sequence} among them",
            remedy=_SIGN,
        )
    return signer.name
