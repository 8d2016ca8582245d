"""Checkpoints as signed notes: written, read, signed, and refused when wrong."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError, IntegrityError
from harness.evidence.ledger import checkpoint, keys, merkle

LEAVES = [merkle.leaf_hash(bytes([i])) for i in range(5)]
TAKEN = checkpoint.take(LEAVES, "example.org/log")


def test_a_signed_note_is_trusted_by_its_key_only() -> None:
    """Another key of the same name is not the signer."""
    key, other = keys.new("ci"), keys.new("ci")
    note = checkpoint.read_checkpoint(checkpoint.write(TAKEN, [key]).encode(), "note")

    assert note.signer([other.public]) is None
    assert note.signer([other.public, key.public]) == key.public


def test_a_changed_note_is_not_signed_any_more() -> None:
    """Size, root and origin are all under the signature."""
    key = keys.new("ci")
    text = checkpoint.write(TAKEN, [key])
    for changed in (text.replace("\n5\n", "\n4\n"), text.replace("example", "exbmple")):
        with pytest.raises(IntegrityError, match="forged signature of ci"):
            checkpoint.read_checkpoint(changed.encode(), "note").signer([key.public])


def test_keys_are_read_back_and_a_damaged_one_is_refused() -> None:
    """Both spellings round trip; a changed character does not."""
    key = keys.new("ci")

    assert keys.read_secret(key.encode()) == key
    assert keys.read_public(key.public.encode()) == key.public
    with pytest.raises(ConfigError):
        keys.read_public(key.public.encode().replace("ci+", "cj+"))


def test_an_error_about_a_secret_key_does_not_repeat_it() -> None:
    """Nothing of the secret reaches a message."""
    secret = keys.new("ci").encode()

    with pytest.raises(ConfigError) as refused:
        keys.read_secret(secret[:-4])
    assert secret[30:60] not in str(refused.value)


def test_the_key_id_is_that_of_the_published_example() -> None:
    """The signed-note package documents this key and its id."""
    key = keys.read_public("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")

    assert key.id.hex() == "c74f20a3"


def test_the_published_example_note_is_signed_by_its_key() -> None:
    """The example's text and signature check out, and no other text does."""
    key = keys.read_public("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        b"If you think cryptography is the answer to your problem,\n"
        b"then you don't know what your problem is.\n"
    )
    signature = keys.decode_base64(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=",
        "example",
    )

    assert keys.is_signed(key, text, signature)
    assert not keys.is_signed(key, text + b"!", signature)


def test_growth_is_accepted_and_change_is_not() -> None:
    """A pinned prefix stays; a shorter or other log is refused."""
    checkpoint.require_prefix(TAKEN, [*LEAVES, LEAVES[0]], "log")
    for wrong in (LEAVES[:4], [*LEAVES[:4], LEAVES[0]]):
        with pytest.raises(IntegrityError):
            checkpoint.require_prefix(TAKEN, wrong, "log")


ROOT = base64.b64encode(bytes(32)).decode()
NOTES = [
    (f"log\n3\n{ROOT}\n\n", True),
    (f"log\n0\n{ROOT}\n\n", True),
    (f"log\n3\n{ROOT}\nmore\n\n", True),
    (f"log\n03\n{ROOT}\n\n", False),
    (f"log\n00\n{ROOT}\n\n", False),
    (f"log\n-3\n{ROOT}\n\n", False),
    (f"log\n+3\n{ROOT}\n\n", False),
    (f"log\n3.0\n{ROOT}\n\n", False),
    (f"log\n\u0663\n{ROOT}\n\n", False),
    (f"log\n\u00b2\n{ROOT}\n\n", False),
    (f"log\n{'9' * 16}\n{ROOT}\n\n", False),
    (f"log\n3\n{ROOT[:-4]}\n\n", False),
    (f"log\n3\n{base64.b64encode(bytes(33)).decode()}\n\n", False),
    (f"log\n3\n{base64.b64encode(bytes(31)).decode()}\n\n", False),
    (f"\n3\n{ROOT}\n\n", False),
    (f"log\n3\n{ROOT}\n", False),
    ("log\n3\n\n", False),
    (f"log\n3\n{ROOT}\n\n\u2014 ci AAAA\n", True),
    (f"log\n3\n{ROOT}\n\n\u2014 ci AAAA", False),
    (f"log\n3\n{ROOT}\n\n\u2014 ci AAAA\nmore", False),
    (f"log\n3\n{ROOT}\n\n- ci AAAA\n", False),
    (f"log\n3\n{ROOT}\n\n\u2014 ci\n", False),
    (f"log\n3\n{ROOT}\n\n\u2014  AAAA\n", False),
    (f"log\t\n3\n{ROOT}\n\n", False),
]


@pytest.mark.parametrize(("text", "is_note"), NOTES)
def test_a_note_is_read_strictly(text: str, *, is_note: bool) -> None:
    """One spelling of the size, 32 bytes of root, whole lines: as C2SP writes it."""
    if is_note:
        assert checkpoint.read_checkpoint(text.encode(), "note").checkpoint.root == bytes(32)
    else:
        with pytest.raises(IntegrityError):
            checkpoint.read_checkpoint(text.encode(), "note")


@pytest.mark.parametrize("size", range(6))
@pytest.mark.parametrize("changed", [None, 0, 2, 4])
def test_a_pinned_prefix_is_held_to_its_last_entry(size: int, changed: int | None) -> None:
    """Of as many entries as were pinned, not one fewer, and each of them the same."""
    pinned = checkpoint.take(LEAVES[:size], "log")
    leaves = [LEAVES[0][::-1] if i == changed else leaf for i, leaf in enumerate(LEAVES)]
    for count in range(6):
        is_kept = count >= size and (changed is None or changed >= size)
        with contextlib.nullcontext() if is_kept else pytest.raises(IntegrityError):
            checkpoint.require_prefix(pinned, leaves[:count], "log")


@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda t: f"x\n1\n{t}\n\n{t}".encode(errors="replace"))
)
def test_reading_anything_raises_one_kind_of_error(content: bytes) -> None:
    """No note makes another exception."""
    try:
        checkpoint.read_checkpoint(content, "note")
    except IntegrityError:
        return
