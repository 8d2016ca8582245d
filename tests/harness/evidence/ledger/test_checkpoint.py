"""Checkpoints as signed notes: written, read, signed, and refused when wrong."""

from __future__ import annotations

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
