"""Ed25519 keys as text: made, read, and used to sign and to check short notes.

Public keys are written ``name+id+base64`` and secret ones ``PRIVATE+KEY+name+id+base64``, the
spelling of the signed-note format. The library behind them is the extra ``sign``, and is
imported only when a key is used.

Source: C2SP signed-note, version 1 (Ed25519, signature type 0x01) and tlog-cosignature (0x04).
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import hashlib
import re
from typing import TYPE_CHECKING

from harness.errors import ConfigError, IntegrityError
from harness.frozen import dataclass

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNER, WITNESS = b"\x01", b"\x04"  # what a key signs: a note itself, or that it was seen when
_SECRET = "PRIVATE+KEY+"  # noqa: S105 - the mark of a secret, no secret
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,100}")
_RAW_SIZE, _ID_SIZE, _SIGNATURE_SIZE = 32, 4, 64


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Who may sign: the name, and 32 bytes; ``kind`` is what the key signs.

    The same bytes have another id as a signer's than as a witness's, and never pass as it.
    """

    name: str
    raw: bytes
    kind: bytes = SIGNER

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        return hashlib.sha256(self.name.encode() + b"\n" + self.kind + self.raw).digest()[:4]

    def encode(self) -> str:
        """Write the key as text."""
        return f"{self.name}+{self.id.hex()}+{_base64(self.kind + self.raw)}"


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class SecretKey:
    """A signer: the name, and the 32 bytes that nobody else may know."""

    name: str
    seed: bytes

    @property
    def witness(self) -> PublicKey:
        """The key that checks what this one cosigns as a witness."""
        return PublicKey(self.name, self.public.raw, WITNESS)

    @property
    def public(self) -> PublicKey:
        """The key that checks what this one signs."""
        return PublicKey(self.name, _private(self.seed).public_key().public_bytes_raw())

    def encode(self) -> str:
        """Write the key as text, to be kept secret."""
        return f"{_SECRET}{self.name}+{self.public.id.hex()}+{_base64(SIGNER + self.seed)}"

    def sign(self, text: bytes) -> bytes:
        """Sign a text; return the key's id and the signature."""
        return self.public.id + _private(self.seed).sign(text)


def new(name: str) -> SecretKey:
    """Make a new key.

    Raises:
        ConfigError: The name holds spaces or '+', or the extra is not installed.
    """
    if not _NAME.fullmatch(name):
        raise _wrong(f"key name {name!r}"[:120], "a space, '+' or nothing", "a plain name")
    _require_library()
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra

    return SecretKey(name, ed25519.Ed25519PrivateKey.generate().private_bytes_raw())


def read_public(text: str, kind: bytes = SIGNER) -> PublicKey:
    """Read the public key of a signer, or of a witness.

    Raises:
        ConfigError: The text is no such key, is of the other kind, or its id does not fit.
    """
    where = "public key" if kind == SIGNER else "witness key"
    name, sign, raw = _parts(text.strip(), where, kind)
    key = PublicKey(name, raw, kind)
    if key.id != sign:
        raise _wrong(where, "an id that does not fit the key", "the key as printed")
    return key


def read_secret(text: str) -> SecretKey:
    """Read a secret key.

    Raises:
        ConfigError: The text is no such key; the text itself is never repeated.
    """
    if not text.startswith(_SECRET):
        raise _wrong("secret key", "another beginning", f"{_SECRET}…")
    name, sign, seed = _parts(text.strip().removeprefix(_SECRET), "secret key")
    _require_library()
    key = SecretKey(name, seed)
    if key.public.id != sign:
        raise _wrong("secret key", "an id that does not fit the key", "the key as printed")
    return key


def is_named(key: PublicKey, name: str, signature: bytes) -> bool:
    """Say whether a signature line claims to be of this key, by name and id."""
    return name == key.name and signature[:_ID_SIZE] == key.id


def is_signed(key: PublicKey, text: bytes, signature: bytes) -> bool:
    """Say whether a signature (id and 64 bytes) of this text is by this key.

    Raises:
        ConfigError: The extra is not installed.
    """
    if len(signature) != _ID_SIZE + _SIGNATURE_SIZE or signature[:_ID_SIZE] != key.id:
        return False
    _require_library()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra

    try:
        ed25519.Ed25519PublicKey.from_public_bytes(key.raw).verify(signature[_ID_SIZE:], text)
    except InvalidSignature:
        return False
    return True


def decode_base64(text: str, where: str) -> bytes:
    """Read canonical base64.

    Raises:
        IntegrityError: The text is not what encoding gives.
    """
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_base64(where) from error
    if _base64(raw) != text:
        raise _not_base64(where)
    return raw


def _not_base64(where: str) -> IntegrityError:
    remedy = "Restore the file from a copy."
    return IntegrityError(where, found="no base64", expected="base64", remedy=remedy)


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _private(seed: bytes) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra

    return ed25519.Ed25519PrivateKey.from_private_bytes(seed)


def _parts(text: str, where: str, kind: bytes = SIGNER) -> tuple[str, bytes, bytes]:
    name, _, rest = text.partition("+")
    sign, _, body = rest.partition("+")
    try:
        raw, number = decode_base64(body, where), bytes.fromhex(sign)
    except (IntegrityError, ValueError) as error:
        raise _wrong(where, "no readable key", "name+id+base64") from error
    if not _NAME.fullmatch(name) or len(raw) != 1 + _RAW_SIZE or raw[:1] != kind:
        raise _wrong(where, "another kind of key", f"an Ed25519 {where}, name+id+base64")
    return name, number, raw[1:]


def _require_library() -> None:
    try:
        import cryptography  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise ConfigError(
            "signing",
            found="no library for Ed25519",
            expected="the extra 'sign'",
            remedy="Install ptycho-harness[sign].",
        ) from error


def _wrong(where: str, found: str, expected: str) -> ConfigError:
    remedy = "Make a key with harness ledger key new NAME."
    if where == "witness key":
        remedy = "Ask the witness for the key that harness ledger witness prints."
    return ConfigError(where, found=found, expected=expected, remedy=remedy)
