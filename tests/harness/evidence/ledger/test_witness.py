"""Cosignatures of a checkpoint: the bytes of C2SP tlog-cosignature, and what is refused."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from harness.cli import main as program
from harness.errors import ConfigError, IntegrityError
from harness.evidence.ledger import checkpoint, keys, merkle, witness
from harness.evidence.ledger.checkpoint import Checkpoint
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import Ledger
from tests.builders import sealed

SECRET = SecretKey("witness.example/w1", bytes(range(32)))
LEAVES = [merkle.leaf_hash(bytes([i])) for i in range(40)]


def point(size: int, leaves: list[bytes] = LEAVES, **keys_: object) -> Checkpoint:
    """Return the checkpoint of the first leaves."""
    root = merkle.root(leaves[:size])
    return Checkpoint(origin="log.example/l", size=size, root=root, **keys_)  # type: ignore[arg-type]


@pytest.mark.parametrize("extensions", [(), ("Extendo", "and more")])
def test_the_bytes_are_those_of_the_specification(extensions: tuple[str, ...]) -> None:
    """Made again by the law: id of type 4, time big-endian, signed over time and whole body."""
    taken = point(7, extensions=extensions)
    line = witness.cosign(taken, SECRET, 1_790_000_000)

    mark, name, blob = line.rstrip("\n").split(" ")
    raw = base64.b64decode(blob)
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes_raw()
    assert (mark, name, len(raw)) == ("—", SECRET.name, 4 + 8 + 64)
    assert raw[:4] == hashlib.sha256(SECRET.name.encode() + b"\n\x04" + public).digest()[:4]
    assert int.from_bytes(raw[4:12], "big") == 1_790_000_000
    body = f"log.example/l\n7\n{base64.b64encode(taken.root).decode()}\n"
    body += "".join(f"{one}\n" for one in extensions)
    signed = f"cosignature/v1\ntime 1790000000\n{body}".encode()
    private.public_key().verify(raw[12:], signed)
    with pytest.raises(InvalidSignature):
        private.public_key().verify(raw[12:], body.encode())


def test_a_cosigned_note_is_read_and_a_changed_one_refused() -> None:
    """Every byte of head, extension and signature counts."""
    text = checkpoint.write(point(7, extensions=("Extendo",)))
    text += witness.cosign(point(7, extensions=("Extendo",)), SECRET, 1_790_000_000)
    key = keys.read_public(SECRET.witness.encode(), keys.WITNESS)

    note = checkpoint.read_checkpoint(text.encode(), "note")
    assert witness.time_cosigned(note, key) == 1_790_000_000
    for before, after in (("Extendo", "Extenda"), ("\n7\n", "\n8\n"), ("log.", "lag.")):
        other = checkpoint.read_checkpoint(text.replace(before, after).encode(), "note")
        with pytest.raises(IntegrityError):
            witness.time_cosigned(other, key)
    nobody = checkpoint.read_checkpoint(checkpoint.write(point(7)).encode(), "note")
    assert witness.time_cosigned(nobody, key) is None


def test_a_log_key_is_no_witness() -> None:
    """The id of its type keeps a signature of the one from passing for the other's."""
    with pytest.raises(ConfigError):
        keys.read_public(SECRET.public.encode(), keys.WITNESS)
    text = checkpoint.write(point(7), [SECRET])
    note = checkpoint.read_checkpoint(text.encode(), "note")
    assert witness.time_cosigned(note, SECRET.witness) is None
    assert note.signer([SECRET.public]) == SECRET.public


@pytest.mark.parametrize("old", range(1, 41, 3))
def test_only_a_continuation_is_signed(old: int) -> None:
    """Growth passes; a smaller tree, another past and another root do not."""
    for new in range(old, 41):
        witness.require_continuation(point(old), point(new), LEAVES)
    forked = [*LEAVES[: old - 1], merkle.leaf_hash(b"x"), *LEAVES[old:]]
    with pytest.raises(IntegrityError):
        witness.require_continuation(point(old), point(40, forked), forked)
    with pytest.raises(IntegrityError):
        witness.require_continuation(point(40), point(old) if old < 40 else point(39), LEAVES)
    with pytest.raises(IntegrityError):
        witness.require_continuation(None, point(old), forked)


def test_another_log_is_no_continuation() -> None:
    """Of the same leaves under another name; after nothing, everything is one."""
    other = dataclasses.replace(point(9), origin="log.example/other")
    with pytest.raises(IntegrityError, match="as seen before"):
        witness.require_continuation(point(5), other, LEAVES)

    witness.require_continuation(dataclasses.replace(point(0), origin="x"), other, LEAVES)
    witness.require_continuation(point(40), point(40), LEAVES)
    with pytest.raises(IntegrityError, match="does not have"):
        witness.require_continuation(None, point(40), LEAVES[:39])
    bent = dataclasses.replace(point(5), root=bytes(32))
    with pytest.raises(IntegrityError, match="another past"):
        witness.require_continuation(bent, point(5), LEAVES)


@pytest.mark.parametrize("times", [(7, 5), (5, 7), (7,)])
def test_latest_cosignature_counts(times: tuple[int, ...]) -> None:
    """In whichever order its lines stand; one that is forged is refused, not passed over."""
    text = checkpoint.write(point(7))
    text += "".join(witness.cosign(point(7), SECRET, time) for time in times)

    note = checkpoint.read_checkpoint(text.encode(), "note")
    assert witness.time_cosigned(note, SECRET.witness) == 7

    forged = text + witness.cosign(point(8), SECRET, 9)
    with pytest.raises(IntegrityError, match="forged"):
        witness.time_cosigned(
            checkpoint.read_checkpoint(forged.encode(), "note"), SECRET.witness
        )


def test_a_ledger_that_was_rolled_back_needs_a_second_liar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The producer rolls back and signs anew; who asks for the witness is not deceived."""
    theirs, mine = sealed.make(tmp_path / "theirs"), sealed.make(tmp_path / "mine")
    ledger, pinned = theirs.ledger, theirs.ledger.path.with_name("checkpoint.txt")
    key = tmp_path / "key"
    key.write_text(SECRET.encode())
    word = SECRET.witness.encode()

    def ask(*words: str) -> int:
        return program.main([*words])

    at = ["-C", str(theirs.root), "ledger"]
    cosign = ["-C", str(mine.root), "ledger", "witness", str(ledger.path), "--sign", str(key)]
    check = [*at, "verify", "--checkpoint", str(pinned), "--witness", word]
    assert ask(*at, "checkpoint", "--sign", str(key)) == 0
    assert ask(*check) == 4  # signed by the log, by no witness
    before = ledger.path.read_bytes()
    sealed.run(theirs.root)
    assert ask(*at, "checkpoint", "--sign", str(key)) == 0
    assert ask(*cosign) == 0
    assert ask(*cosign) == 0  # again: one line of the witness
    assert pinned.read_text().count("— ") == 2
    assert ask(*check) == 0
    good = pinned.read_bytes()
    ledger.path.write_bytes(before)
    assert ask(*check) == 4
    assert ask(*at, "checkpoint", "--sign", str(key)) == 0  # the producer pins the shorter one
    assert ask(*check) == 4
    assert ask(*cosign) == 4  # and the witness has seen more
    Ledger(ledger.path).append("note", "x", {})
    Ledger(ledger.path).append("note", "y", {})
    assert ask(*at, "checkpoint", "--sign", str(key)) == 0
    assert ask(*cosign) == 4  # as long as before, of another past
    assert ask(*at, "verify", "--witness", word) == 2
    shutil.copyfile(pinned, tmp_path / "note.txt")
    assert good != pinned.read_bytes()
    assert "another past" in capsys.readouterr().err
