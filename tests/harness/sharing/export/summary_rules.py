"""An SLSA verification summary, judged by the text of its specification and nothing of ours.

Written after SLSA v1.0 "Verification Summary Attestation (VSA)", schema and fields, read on its
own; the names of the rules are those of its fields. It imports no module of the harness:
base64, JSON and a library for Ed25519 are all.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_URI = re.compile(r"[a-z][a-z0-9+.-]*:\S+")
_HEX = {"sha256": 64, "gitCommit": 40}
_LEVEL = re.compile(r"SLSA_BUILD_LEVEL_[0-3]|FAILED|(?!SLSA_).+")
_VERSION = re.compile(r"\d+\.\d+")
_TYPE = "https://slsa.dev/verification_summary/v1"
VERIFIER = "urn:harness:verify"  # which a consumer accepts of the signer that it trusts


def problems(
    line: str, key: bytes, artifact_sha256: str, resource: str, level: str
) -> list[str]:
    """Return what a consumer of the attestation must refuse.

    Args:
        line: A DSSE envelope.
        key: The verifier's public key, which the consumer trusts.
        artifact_sha256: Digest of the artifact at hand.
        resource: ``resourceUri`` that the consumer expects.
        level: A level that it requires.
    """
    envelope = json.loads(line)
    payload = base64.b64decode(envelope["payload"])
    kind = str(envelope["payloadType"])
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)
    if not any(_holds(key, s, signed) for s in envelope["signatures"]):
        return ["signature"]
    statement = json.loads(payload)
    return [*_schema(statement), *_values(statement, artifact_sha256, resource, level)]


def _holds(key: bytes, signature: dict[str, str], signed: bytes) -> bool:
    try:
        raw = base64.b64decode(signature["sig"])
        Ed25519PublicKey.from_public_bytes(key).verify(raw, signed)
    except InvalidSignature:
        return False
    return True


def _schema(statement: dict[str, Any]) -> Iterator[str]:
    """Give the fields that are missing, or not of the type that the schema says."""
    predicate = statement.get("predicate", {})
    policy = predicate.get("policy", {})
    inputs = predicate.get("inputAttestations", [])
    subjects = statement.get("subject")
    holds = {
        "_type": statement.get("_type") == "https://in-toto.io/Statement/v1",
        "predicateType": statement.get("predicateType") == _TYPE,
        "subject": isinstance(subjects, list) and bool(subjects) and _are_resources(subjects),
        "verifier.id": _is_uri(predicate.get("verifier", {}).get("id")),
        "timeVerified": _is_time(predicate.get("timeVerified")),
        "resourceUri": _is_uri(predicate.get("resourceUri")),
        "policy": _is_uri(policy.get("uri")) and _is_digest(policy.get("digest")),
        "inputAttestations": isinstance(inputs, list) and _are_resources(inputs),
        "verificationResult": predicate.get("verificationResult") in ("PASSED", "FAILED"),
        "slsaVersion": bool(_VERSION.fullmatch(str(predicate.get("slsaVersion", "1.0")))),
        **_levels(predicate.get("verifiedLevels")),
    }
    yield from (field for field, is_right in holds.items() if not is_right)


def _levels(levels: Any) -> dict[str, bool]:
    """Judge ``SlsaResult``: four levels, FAILED, or words that do not begin with SLSA_."""
    listed = [str(one) for one in levels] if isinstance(levels, list) else []
    tracks = [one.rpartition("_")[0] for one in listed if one.startswith("SLSA_")]
    return {
        "verifiedLevels": bool(listed) and all(_LEVEL.fullmatch(one) for one in listed),
        "verifiedLevels: one level of each track at most": len(set(tracks)) == len(tracks),
    }


def _values(statement: dict[str, Any], sha256: str, resource: str, level: str) -> Iterator[str]:
    """Give what does not fit the artifact and the expectation of the consumer."""
    digests = [s.get("digest", {}).get("sha256") for s in statement.get("subject", [])]
    predicate = statement.get("predicate", {})
    holds = {
        "subject: another artifact": sha256 in digests,
        "verifier.id: another verifier": predicate.get("verifier", {}).get("id") == VERIFIER,
        "resourceUri: another resource": predicate.get("resourceUri") == resource,
        "verificationResult: not passed": predicate.get("verificationResult") == "PASSED",
        "verifiedLevels: below what is required": level in predicate.get("verifiedLevels", []),
    }
    yield from (field for field, is_right in holds.items() if not is_right)


def _is_uri(value: Any) -> bool:
    return bool(_URI.fullmatch(str(value)))


def _are_resources(values: list[Any]) -> bool:
    return all(_is_resource(each) for each in values)


def _is_resource(value: Any) -> bool:
    return isinstance(value, dict) and _is_digest(value.get("digest"))


def _is_digest(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(
            re.fullmatch(f"[0-9a-f]{{{_HEX.get(name, 64)}}}", str(text))
            for name, text in value.items()
        )
    )


def _is_time(value: Any) -> bool:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return moment.utcoffset() is not None and str(value).endswith("Z")
