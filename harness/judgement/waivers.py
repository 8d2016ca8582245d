"""Waivers: one reviewable file for each weaker rule that somebody answers for.

A waiver names one rule, what it was and what it is: the next change of the same rule needs
another one. Its signature is over all of that; who may sign is not the waiver's to say.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from harness.config import keys as config_keys
from harness.config import toml_text
from harness.config.keys import key
from harness.config.toml_table import Table
from harness.errors import ConfigError
from harness.evidence.ledger import canonical, keys
from harness.evidence.ledger.keys import PublicKey, SecretKey
from harness.files import sha256_bytes
from harness.frozen import dataclass

FOLDER = "waivers"
ENDING = ".toml"
LOGGED = "waiver"  # kind of the ledger entry of each
SCHEMA = 1
_LIMIT = 64 << 10
_SLUG = re.compile(r"[^a-z0-9]+")
_WIDE = ("*", "?", "[")
_SLUG_SIZE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Leave to weaken one rule in one way.

    ``until`` is the last day on which it holds (ISO 8601, UTC), empty where there is none;
    ``signer`` is the name of the key and ``signature`` its id and signature, base64.
    """

    rule: str
    was: str
    now: str
    reason: str
    author: str
    until: str = ""
    signer: str = ""
    signature: str = ""

    @property
    def text(self) -> bytes:
        """What is signed: everything but the signature itself."""
        said = (self.rule, self.was, self.now, self.reason, self.author, self.until)
        return canonical.dumps(["harness-waiver", SCHEMA, *said])

    @property
    def name(self) -> str:
        """Name of its file."""
        slug = _SLUG.sub("-", self.rule.lower()).strip("-")[:_SLUG_SIZE].strip("-")
        mark = sha256_bytes(canonical.dumps([self.rule, self.was, self.now]))[:8]
        return f"{slug}-{mark}{ENDING}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who may waive: keys from the base or from outside, never from the change."""

    signers: tuple[PublicKey, ...]
    unsigned: bool
    today: dt.date


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverStatus:
    """Whether a waiver counts, and in words why or why not; ``file`` is its name."""

    waiver: Waiver
    file: str
    counts: bool
    message: str


def sign(waiver: Waiver, key: SecretKey) -> Waiver:
    """Sign a waiver.

    Raises:
        ConfigError: The extra is not installed.
    """
    signature = base64.b64encode(key.sign(waiver.text)).decode()
    return replace(waiver, signer=key.name, signature=signature)


def write(waiver: Waiver) -> str:
    """Write a waiver as TOML."""
    lines = [
        "# Leave to weaken one rule in one way; made by harness waive, read by harness gate.",
        f"schema = {SCHEMA}",
    ]
    for name in ("rule", "was", "now", "reason", "author", "until", "signer", "signature"):
        value = getattr(waiver, name)
        if value or name in ("was", "now"):
            # A JSON string is a TOML basic string, but for DEL, which describes escape.
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFile:
    """The keys of a file below ``waivers/``."""

    schema: int = key("Version of this file's layout.")
    rule: str = key("Id of the change of a rule, as `harness gate` says it.")
    was: str = key("The rule in the base.", default="")
    now: str = key("The rule in the change.", default="")
    reason: str = key("Why it may be weaker.")
    author: str = key("Who says so.")
    until: str = key("Last day on which it counts.", default="")
    signer: str = key("Public key of who signed it.", default="")
    signature: str = key("Signature over all of the above.", default="")


def read(content: bytes, file: str) -> Waiver:
    """Read a waiver.

    Raises:
        ConfigError: It is no waiver; ``file`` names it.
    """
    where = f"{FOLDER}/{file}"
    if len(content) > _LIMIT:
        raise _wrong(where, f"{len(content)} bytes", f"at most {_LIMIT}")
    try:
        values = toml_text.parse(content)
    except ValueError as error:
        raise _wrong(where, str(error)[:120], "TOML") from error
    written = config_keys.read(WaiverFile, Table(where, "", values))
    if written.schema != SCHEMA:
        raise _wrong(where, f"schema {written.schema}", f"schema {SCHEMA}")
    if written.until and _day(written.until) is None:
        raise _wrong(where, f"until {written.until!r}"[:60], "a day such as 2026-12-31")
    return Waiver(
        rule=written.rule,
        was=written.was,
        now=written.now,
        reason=written.reason,
        author=written.author,
        until=written.until,
        signer=written.signer,
        signature=written.signature,
    )


def judge(waivers: Mapping[str, Waiver], authority: Authority) -> tuple[WaiverStatus, ...]:
    """Say of each waiver, by the name of its file, whether it counts.

    Raises:
        ConfigError: A signature is to be checked, and the extra is not installed.
    """
    return tuple(_judge(waiver, file, authority) for file, waiver in waivers.items())


def _judge(waiver: Waiver, file: str, authority: Authority) -> WaiverStatus:
    counts, message = _stand(waiver, authority)
    return WaiverStatus(waiver=waiver, file=file, counts=counts, message=message)


def _stand(waiver: Waiver, authority: Authority) -> tuple[bool, str]:
    if any(mark in waiver.rule for mark in _WIDE) and not _is_exact(waiver.rule):
        return False, "too wide: a waiver names one rule, no pattern"
    if not waiver.was or not waiver.now:
        return False, "too wide: it does not say what the rule was and is"
    if waiver.until and authority.today.isoformat() > waiver.until:
        return False, f"expired on {waiver.until}"
    if waiver.signature:
        signer = _find_signer(waiver, authority.signers)
        if signer is None:
            return False, f"the signature of {waiver.signer or 'nobody'} is not one that counts"
        return True, f"signed by {signer.name}"
    if not authority.unsigned:
        return False, "not signed, and the base asks for a signature"
    return True, f"not signed; by {waiver.author}"


def _is_exact(rule: str) -> bool:
    """Say whether a mark of patterns belongs to the name of a golden or a test."""
    return rule.startswith(("goldens.", "tests.", "base."))


def _find_signer(waiver: Waiver, signers: Iterable[PublicKey]) -> PublicKey | None:
    try:
        signature = base64.b64decode(waiver.signature, validate=True)
    except ValueError:
        return None
    named = (key for key in signers if key.name == waiver.signer)
    return next((key for key in named if keys.is_signed(key, waiver.text, signature)), None)


def find(rule: tuple[str, str, str], statuses: Sequence[WaiverStatus]) -> WaiverStatus | None:
    """Return the waiver of a difference (rule, was, is), one that counts before others."""
    matching = [s for s in statuses if (s.waiver.rule, s.waiver.was, s.waiver.now) == rule]
    return next((s for s in matching if s.counts), matching[0] if matching else None)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def parse_day(text: str, today: dt.date) -> str:
    """Read the last day of a waiver.

    Raises:
        ConfigError: It is no day, or one that has passed.
    """
    day = _day(text)
    if day is None or day < today:
        raise ConfigError(
            "--until",
            found=repr(text)[:60],
            expected=f"a day such as {today.isoformat()}, today or later",
            remedy="Write it as YYYY-MM-DD.",
        )
    return day.isoformat()


def _wrong(where: str, found: str, expected: str) -> ConfigError:
    return ConfigError(
        where,
        found=found,
        expected=expected,
        remedy="Make it with harness waive, or remove it.",
    )
