"""Reruns of sealed runs by somebody else: signed entries of the ledger, held against a hub.

An entry speaks of one hub by the digest of its manifest. What counts is who signed it: a key
that the project trusts, and another one than has signed the checkpoint of the producer.

Source: design of the harness, section 7.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config.project import Project
from harness.errors import ConfigError, HarnessError, IntegrityError
from harness.evidence.hub import digest, inventory, layout, ledgers, seal
from harness.evidence.ledger import canonical, checkpoint, keys, search
from harness.evidence.ledger.keys import PublicKey, SecretKey
from harness.evidence.ledger.log import Entry
from harness.files import real_path
from harness.frozen import dataclass
from harness.judgement.verify import report
from harness.judgement.verify.report import Outcome, Row
from harness.verdict import AnswerClass

KIND = "reproduction"
CHECK = "reproduction"
_SIGNATURE, _KEY = "signature", "key"
_WORD = b'"reproduction"'
_CONTEXT = b"harness reproduction v1\n"
_AGAIN = "Have somebody else run harness reproduce --hub HUB --sign KEYFILE."


_COUNTED = frozenset(answer for answer in AnswerClass if answer.holds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """What one entry says: the class of the answer, and the key that stands behind it.

    Without a ``key`` nobody answers for it; ``problem`` says why it does not count at all.
    """

    entry: Entry
    answer: str
    key: PublicKey | None
    problem: str = ""


def sign_body(
    subject: str, body: Mapping[str, Any], signer: SecretKey | None
) -> dict[str, Any]:
    """Return the body of an entry, signed where there is a key.

    Raises:
        ConfigError: The extra for signing is not installed.
    """
    if signer is None:
        return dict(body)
    named = {**body, _KEY: signer.public.encode()}
    signature = base64.b64encode(signer.sign(_signed_text(subject, named))).decode()
    return {**named, _SIGNATURE: signature}


def read_reproductions(hub: Path, project: Project | None = None) -> tuple[Reproduction, ...]:
    """Return what the ledgers hold of reruns of a hub, each rerun once, in their order.

    Raises:
        IntegrityError: A ledger is damaged, or the manifest cannot be read.
    """
    folder = real_path(hub)
    subject = seal.subject(folder.parent.name, folder.name)
    manifest = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    entries: dict[bytes, Reproduction] = {}
    both = ledgers.of_hub(hub, project)
    if not any(search.mentions(ledger, _WORD) for _, ledger in both.by_name):
        return ()  # as of most stores: nothing is parsed for it
    for _, entry in both.walk():
        if (entry.kind, entry.subject) == (KIND, subject):
            entries.setdefault(canonical.dumps(entry.body), _read(entry, manifest))
    return tuple(entries.values())


def _read(entry: Entry, manifest: str) -> Reproduction:
    answer = str(entry.body.get("answer"))
    try:
        key = _signer(entry)
        other = entry.body.get("manifest_sha256") != manifest
        problem = "it is of another hub of this name" if other else ""
    except HarnessError as error:
        key, problem = None, f"{error.where}: {error.found}"
    return Reproduction(entry=entry, answer=answer, key=key, problem=problem)


def _signer(entry: Entry) -> PublicKey | None:
    """Return the key that signed an entry, none where nobody did.

    Raises:
        IntegrityError: The signature is not of this text by this key.
        ConfigError: The key cannot be read, or the extra is not installed.
    """
    body = dict(entry.body)
    signature = body.pop(_SIGNATURE, None)
    if signature is None:
        return None
    key = keys.read_public(str(body.get(_KEY)))
    raw = keys.decode_base64(str(signature), "signature")
    if not keys.is_signed(key, _signed_text(entry.subject, body), raw):
        remedy = "Ask whoever ran it for the entry anew."
        raise IntegrityError(
            f"signature of {key.name}",
            found="of another text",
            expected="its own",
            remedy=remedy,
        )
    return key


def _signed_text(subject: str, body: Mapping[str, Any]) -> bytes:
    return _CONTEXT + canonical.dumps([KIND, subject, dict(body)])


def check(hub: Path, project: Project | None, required: int = 0) -> list[Row]:
    """Say who ran a hub's commit again and with what answer; require a number of them.

    Args:
        hub: The hub.
        project: Whose keys are trusted; without it, or without keys, any signer counts.
        required: How many different keys must have reproduced it, besides the producer's.
    """
    try:
        entries = read_reproductions(hub, project)
        if not entries and not required:
            return []
        trusted = _trusted_keys(project)
        own = _producer_keys(hub, project, trusted)
    except HarnessError as error:
        return [report.of_error(CHECK, error)]
    rows, counted = [], set[str]()
    for one in entries:
        row, counts = _tell(one, trusted, own)
        rows.append(row)
        if counts and one.key is not None:
            counted.add(one.key.encode())
    if required > len(counted):
        line = f"reproduced by {len(counted)} other keys that count"
        rows.append(
            Row(
                check=CHECK,
                outcome=Outcome.INCONCLUSIVE,
                found=line,
                expected=f"at least {required}",
                remedy=_AGAIN,
            )
        )
    elif required:
        rows.append(report.passed_row(CHECK, f"reproduced by {len(counted)} other keys"))
    return rows


def _tell(
    one: Reproduction, trusted: Sequence[PublicKey], own: Sequence[PublicKey]
) -> tuple[Row, bool]:
    """Return the row of a reproduction, and whether it counts for the hub."""
    by = "nobody who signed" if one.key is None else f"{one.key.name}+{one.key.id.hex()}"
    line = report.printable(f"{one.answer} on {one.entry.time}, says {by}")
    if one.problem:
        return report.note_row(CHECK, report.printable(f"does not count: {one.problem}")), False
    is_known = one.key is not None and (one.key in trusted or not trusted)
    if one.answer == AnswerClass.CHANGED and one.key in trusted:
        first = one.entry.body.get("differences")
        what = f": {first[0]}" if isinstance(first, list) and first else ""
        row = Row(
            check=CHECK,
            outcome=Outcome.RED,
            found=report.printable(line + what),
            expected="the answer that was sealed",
            remedy="Run harness reproduce yourself; one of the two is wrong.",
        )
        return row, False
    if not is_known:
        return report.note_row(CHECK, f"{line}, which no trusted key answers for"), False
    if one.key in own:
        return report.note_row(CHECK, f"{line}, who also signs for the producer"), False
    if one.answer not in _COUNTED:
        return report.note_row(CHECK, line), False
    return report.passed_row(CHECK, line), True


def _trusted_keys(project: Project | None) -> tuple[PublicKey, ...]:
    return tuple(keys.read_public(text) for text in (project.trusted_keys if project else ()))


def _producer_keys(
    hub: Path, project: Project | None, trusted: Sequence[PublicKey]
) -> tuple[PublicKey, ...]:
    """Return the trusted keys that signed a checkpoint beside the ledgers of the hub."""
    signed = []
    for _, ledger in ledgers.of_hub(hub, project).by_name:
        path = ledger.path.with_name(layout.CHECKPOINT)
        if not path.is_file():
            continue
        note = checkpoint.read_checkpoint(
            digest.read_bytes(path, checkpoint.LIMIT), layout.CHECKPOINT
        )
        names = {(name, raw[:4]) for name, raw in note.signatures}
        signed += [key for key in trusted if (key.name, key.id) in names]
    return tuple(signed)


def require_other_key(hub: Path, project: Project, signer: SecretKey | None) -> None:
    """Require that who answers for a rerun is not who answers for the run.

    Raises:
        ConfigError: The key has signed the checkpoint of the hub's ledger.
    """
    if signer is None or signer.public not in _producer_keys(hub, project, [signer.public]):
        return
    raise ConfigError(
        "--sign",
        found=f"{signer.name}, which signed the checkpoint of this ledger",
        expected="another key",
        remedy="Make one with harness ledger key new NAME --output FILE.",
    )
