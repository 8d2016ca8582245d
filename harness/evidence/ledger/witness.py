"""Another log's checkpoint in, its cosignature out, once it continues what was seen.

A cosignature says that of this log the witness has seen no larger tree and no other past. Who
rolls a ledger back must then find a witness who lies with him.

Source: C2SP tlog-cosignature (cosignature/v1, signature type 0x04) and tlog-witness.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from harness.errors import IntegrityError
from harness.evidence.ledger import keys, merkle
from harness.evidence.ledger.checkpoint import Checkpoint, Note
from harness.evidence.ledger.keys import PublicKey, SecretKey

_ID_SIZE, _TIME_SIZE = 4, 8
_MARK = "\u2014 "


def cosign(checkpoint: Checkpoint, secret: SecretKey, seconds: int) -> str:
    """Return the line by which a witness signs a checkpoint.

    Args:
        checkpoint: What was proved to continue what the witness has seen.
        secret: The key of the witness.
        seconds: When, since 1970 in UTC [s].

    Raises:
        ConfigError: The extra for signing is not installed.
    """
    key = secret.witness
    signature = secret.sign(_message(checkpoint, seconds))[_ID_SIZE:]
    raw = key.id + seconds.to_bytes(_TIME_SIZE, "big") + signature
    return f"{_MARK}{key.name} {base64.b64encode(raw).decode()}\n"


def time_cosigned(note: Note, key: PublicKey) -> int | None:
    """Return when a witness signed a checkpoint [s since 1970, UTC]; None where it did not.

    Raises:
        IntegrityError: A line says that this witness signed it, which it did not.
        ConfigError: The extra for signing is not installed.
    """
    found_times = []
    for name, raw in note.signatures:
        if not keys.is_named(key, name, raw):
            continue
        seconds = int.from_bytes(raw[_ID_SIZE : _ID_SIZE + _TIME_SIZE], "big")
        message = _message(note.checkpoint, seconds)
        if not keys.is_signed(key, message, key.id + raw[_ID_SIZE + _TIME_SIZE :]):
            raise _refusal(f"a forged cosignature of {key.name}", "its own")
        found_times.append(seconds)
    return max(found_times, default=None)


def _message(checkpoint: Checkpoint, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n".encode() + checkpoint.text


def require_continuation(
    seen: Checkpoint | None, new: Checkpoint, leaves: Sequence[bytes]
) -> None:
    """Require that a checkpoint is of these leaves and continues what was seen before.

    Args:
        seen: What the witness has signed last of this log; nothing the first time.
        new: What it is to sign.
        leaves: Leaf hashes of the log, at least as many as the checkpoint says.

    Raises:
        IntegrityError: It is of another tree, smaller, or of another past.
    """
    if new.size > len(leaves) or merkle.root(leaves[: new.size]) != new.root:
        raise _refusal("a root that the ledger does not have", "the checkpoint of this ledger")
    if seen is None or seen.size == 0:
        return
    if seen.origin != new.origin:
        raise _refusal(f"log {new.origin}", f"{seen.origin}, as seen before")
    if seen.size > new.size:
        raise _refusal(f"{new.size} entries", f"at least {seen.size}: it was rolled back")
    proof = merkle.consistency_proof(leaves[: new.size], seen.size)
    try:
        merkle.check_consistency(seen.size, new.size, proof, seen.root, new.root)
    except merkle.ProofError as error:
        past = f"the {seen.size} entries that were seen before"
        raise _refusal(f"another past ({error})", past) from error


def _refusal(found: str, expected: str) -> IntegrityError:
    remedy = "Do not sign it; ask whoever keeps that ledger."
    return IntegrityError("checkpoint", found=found, expected=expected, remedy=remedy)
