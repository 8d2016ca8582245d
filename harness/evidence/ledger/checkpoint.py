"""A ledger's size and root as a short note, signed or not, and the ledger held against it.

Source: C2SP tlog-checkpoint and signed-note, version 1.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from harness.errors import IntegrityError
from harness.evidence.ledger import keys, merkle
from harness.evidence.ledger.keys import PublicKey, SecretKey
from harness.frozen import dataclass

LIMIT = 64 << 10
_MARK = "\u2014 "
_HEAD_LINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The first ``size`` entries of the log ``origin`` have this root (32 bytes).

    ``extensions`` are further lines that a log of others signs; ours has none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> bytes:
        """What is signed."""
        root = base64.b64encode(self.root).decode()
        lines = (self.origin, str(self.size), root, *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, slots=True)
class Note:
    """A checkpoint with the signatures below it, by name."""

    checkpoint: Checkpoint
    signatures: tuple[tuple[str, bytes], ...]

    def signer(self, trusted: Iterable[PublicKey]) -> PublicKey | None:
        """Return a trusted key that signed it.

        Raises:
            IntegrityError: A line says that a trusted key signed it, which it did not.
            ConfigError: Signatures are to be checked, and the extra is not installed.
        """
        text = self.checkpoint.text
        for key in trusted:
            mine = [
                public_key
                for name, public_key in self.signatures
                if keys.is_named(key, name, public_key)
            ]
            if not all(keys.is_signed(key, text, signature) for signature in mine):
                raise _damage_error(
                    "checkpoint", f"a forged signature of {key.name}", "its own"
                )
            if mine:
                return key
        return None


def take(leaves: Sequence[bytes], origin: str) -> Checkpoint:
    """Return the checkpoint of a whole log."""
    return Checkpoint(origin=origin, size=len(leaves), root=merkle.root(leaves))


def write(checkpoint: Checkpoint, signers: Iterable[SecretKey] = ()) -> str:
    """Write a checkpoint as a note."""
    lines = [
        f"{_MARK}{key.name} {base64.b64encode(key.sign(checkpoint.text)).decode()}\n"
        for key in signers
    ]
    return checkpoint.text.decode() + "\n" + "".join(lines)


def read_checkpoint(content: bytes, where: str) -> Note:
    """Read a note.

    Raises:
        IntegrityError: It is no checkpoint; ``where`` names it.
    """
    if len(content) > LIMIT:
        raise _damage_error(where, f"{len(content)} bytes", f"at most {LIMIT}")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _damage_error(where, "no UTF-8", "a checkpoint") from error
    if any(not c.isprintable() and c != "\n" for c in text):  # line ends of any script too
        raise _damage_error(where, "a character that does not print", "a checkpoint")
    head, blank, foot = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < _HEAD_LINES or not lines[0]:
        raise _damage_error(where, "other lines", "origin, size, root, an empty line")
    return Note(_head(lines, where), _signatures(foot, where))


def _head(lines: list[str], where: str) -> Checkpoint:
    origin, size, root, *extensions = lines
    if not (size.isascii() and size.isdigit() and len(size) <= 15 and str(int(size)) == size):  # noqa: PLR2004
        raise _damage_error(where, f"size {size!r}"[:60], "a plain number")
    raw = keys.decode_base64(root, where)
    if len(raw) != merkle.SIZE:
        raise _damage_error(where, "a root of another length", "32 bytes")
    return Checkpoint(origin=origin, size=int(size), root=raw, extensions=tuple(extensions))


def _signatures(foot: str, where: str) -> tuple[tuple[str, bytes], ...]:
    if not foot:
        return ()
    lines = foot.split("\n")
    if lines.pop() != "":
        raise _damage_error(where, "no newline at the end", "whole lines")
    signatures = []
    for line in lines:
        name, blank, signature = line.removeprefix(_MARK).partition(" ")
        if not line.startswith(_MARK) or not blank or not name:
            raise _damage_error(where, "another kind of line", "signature lines")
        signatures.append((name, keys.decode_base64(signature, where)))
    return tuple(signatures)


def require_prefix(checkpoint: Checkpoint, leaves: Sequence[bytes], where: str) -> None:
    """Require that the log still begins with what a checkpoint pinned.

    Raises:
        IntegrityError: Entries that were there are gone or changed.
    """
    if checkpoint.size > len(leaves):
        actual = f"{len(leaves)} entries"
        raise _damage_error(where, actual, f"at least {checkpoint.size}: entries were removed")
    found_root = merkle.root(leaves[: checkpoint.size])
    if found_root != checkpoint.root:
        raise _damage_error(
            where,
            f"root {found_root.hex()[:12]}… over {checkpoint.size} entries",
            f"{checkpoint.root.hex()[:12]}…: an entry was changed",
        )


def _damage_error(where: str, found: str, expected: str) -> IntegrityError:
    remedy = "Restore the ledger and its checkpoint from git or another copy."
    return IntegrityError(where, found=found, expected=expected, remedy=remedy)
