"""A bundle and its attestations in; out, what they prove of it, or why they prove nothing.

Nothing but these two and the keys that are trusted is read: the receiver of a mail has no more.
All four statements must be there once, signed by one trusted key, about this very bundle, and
of one run: the same hub, the same commit, the same rules.

Source: in-toto Attestation Framework v1; SLSA v1.0, verification of a VSA.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from harness.errors import IntegrityError
from harness.evidence.hub import digest, inventory
from harness.evidence.ledger import canonical, keys
from harness.evidence.ledger.keys import PublicKey
from harness.frozen import dataclass
from harness.sharing.export import in_toto, statement

_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the attestations say of the bundle, signed by ``signer``.

    ``commit`` is empty where a tree with changes ran, ``data`` are digests by role, ``claims``
    the judged numbers as the guards found them.
    """

    signer: PublicKey
    sha256: str
    manifest_sha256: str
    suite: str
    run_id: str
    finished: str
    commit: str
    result: str
    verification: str
    builder: str
    rules: dict[str, str]
    data: dict[str, str]
    claims: tuple[dict[str, Any], ...]

    @property
    def holds(self) -> bool:
        """Whether everything passed, at the run and when it was verified."""
        return self.result == "PASSED" and self.verification == "PASSED"


def check_bundle(bundle: Path, attestations: Path, trusted: Sequence[PublicKey]) -> Proof:
    """Hold a bundle against its attestations.

    Raises:
        IntegrityError: They are not whole, not signed by a trusted key, or of something else.
        ConfigError: The extra for signing is not installed.
    """
    where = attestations.name
    sha256 = digest.sha256(bundle)
    lines = digest.read_bytes(attestations, _LIMIT).splitlines()
    opened = [
        _open_envelope(line, f"{where} line {i}", trusted) for i, line in enumerate(lines, 1)
    ]
    signers = {key.encode() for _, key in opened}
    statements = {str(s.get("predicateType")): s for s, _ in opened}
    if sorted(statements) != sorted(in_toto.KINDS) or len(opened) != len(in_toto.KINDS):
        names = ", ".join(kind.rpartition("/")[2] for kind in statements)
        _refuse(where, f"statements {names or 'none'}", "each of the four kinds once")
    if len(signers) != 1:
        _refuse(where, f"{len(signers)} signers", "one for all statements")
    for kind, one in statements.items():
        if sha256 not in _subject_digests(one, where):
            _refuse(where, f"{kind} of other files than {bundle.name}", f"{sha256[:12]}…")
    try:
        proof = _read(statements, sha256, opened[0][1], where)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        _refuse(where, f"a statement without {error}"[:120], "what harness sign writes")
    return proof


def _open_envelope(
    line: bytes, where: str, trusted: Sequence[PublicKey]
) -> tuple[dict[str, Any], PublicKey]:
    """Return the statement in an envelope and the trusted key that signed it.

    Raises:
        IntegrityError: It is no envelope, or no trusted key signed exactly these bytes.
    """
    try:
        value = canonical.loads(line)
        payload = base64.b64decode(value["payload"], validate=True)
        kind, signatures = value["payloadType"], value["signatures"]
        pairs = [
            (str(one["keyid"]), base64.b64decode(one["sig"], validate=True))
            for one in signatures
        ]
    except (canonical.CanonicalError, binascii.Error, KeyError, TypeError, ValueError) as error:
        _refuse(where, f"no envelope: {error}"[:120], "a DSSE envelope")
    if kind != statement.PAYLOAD:
        _refuse(where, f"payload of type {kind!r}"[:80], statement.PAYLOAD)
    text = statement.pre_authentication_encoding(kind, payload)
    for key in trusted:
        for name, raw in pairs:
            if name == key.id.hex() and keys.is_signed(key, text, key.id + raw):
                return _parse(payload, where), key
    return _refuse(where, "no signature of a trusted key", "one over these very bytes")


def _parse(payload: bytes, where: str) -> dict[str, Any]:
    try:
        value = canonical.loads(payload)
    except canonical.CanonicalError as error:
        _refuse(where, f"a payload with {error}"[:120], "a statement")
    if not isinstance(value, dict) or value.get("_type") != statement.STATEMENT:
        _refuse(where, "a payload of another kind", statement.STATEMENT)
    return value


def _subject_digests(one: dict[str, Any], where: str) -> set[str]:
    try:
        return {str(subject["digest"].get("sha256")) for subject in one["subject"]}
    except (KeyError, TypeError, AttributeError):
        return _refuse(where, "a statement without subjects", "subjects with digests")


def _read(
    statements: dict[str, dict[str, Any]], sha256: str, signer: PublicKey, where: str
) -> Proof:
    """Gather what the four say, and require that they say it of one run.

    Raises:
        IntegrityError: Two of them speak of different runs, commits or rules.
    """
    tested, built, verified, claimed = (statements[kind] for kind in in_toto.KINDS)
    claims, details = claimed["predicate"], built["predicate"]["runDetails"]
    definition = built["predicate"]["buildDefinition"]
    manifests = {_manifest(one) for one in statements.values()}
    commits = {
        _commit(tested["subject"]),
        _commit(claimed["subject"]),
        _commit(definition["resolvedDependencies"]),
    }
    suite, run_id = claims["suite"], claims["runId"]
    named = {
        (suite, run_id),
        (definition["externalParameters"]["suite"], details["metadata"]["invocationId"]),
        tuple(verified["predicate"]["resourceUri"].split(":")[-2:]),
    }
    rules = {rule["name"]: rule["digest"]["sha256"] for rule in claims["rules"]}
    by_test = {r["name"]: r["digest"]["sha256"] for r in tested["predicate"]["configuration"]}
    policy = verified["predicate"]["policy"]["digest"]["sha256"]
    counts = {"hubs": len(manifests), "commits": len(commits), "runs": len(named)}
    for word, count in counts.items():
        if count != 1:
            _refuse(where, f"statements of {count} {word}", "of one")
    if rules != by_test or policy not in rules.values():
        _refuse(where, "statements by different rules", "by the same")
    addresses = (details["builder"]["id"], definition["buildType"])
    if any(word in address for word in in_toto.EXAMPLE_ADDRESSES for address in addresses):
        _refuse(where, "a builder at an example address", "who ran it")
    return Proof(
        signer=signer,
        sha256=sha256,
        manifest_sha256=manifests.pop(),
        suite=str(suite),
        run_id=str(run_id),
        finished=str(claims["finishedOn"]),
        commit=commits.pop(),
        result=str(tested["predicate"]["result"]),
        verification=str(verified["predicate"]["verificationResult"]),
        builder=str(details["builder"]["id"]),
        rules=rules,
        data={role: d["digest"]["sha256"] for role, d in claims["datasets"].items()},
        claims=tuple(dict(claim) for claim in claims["claims"]),
    )


def _manifest(one: dict[str, Any]) -> str:
    """Return the digest of the hub's manifest that a statement is about."""
    (sha256,) = {
        subject["digest"]["sha256"]
        for subject in one["subject"]
        if subject["name"].endswith(f"/{inventory.MANIFEST}")
    }
    return str(sha256)


def _commit(resources: Sequence[dict[str, Any]]) -> str:
    return str(next(_commits(resources), ""))


def _commits(resources: Sequence[dict[str, Any]]) -> Iterator[str]:
    for one in resources:
        if "gitCommit" in one["digest"]:
            yield one["digest"]["gitCommit"]


def _refuse(where: str, found: str, expected: str) -> NoReturn:
    remedy = "Ask whoever sent it for the bundle and its attestations again."
    raise IntegrityError(where, found=found, expected=expected, remedy=remedy)
