"""The parts that attestations are made of: subjects, sources, envelopes.

Source: in-toto Attestation Framework v1 (Statement, ResourceDescriptor), DSSE v1.0
(pre-authentication encoding).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.evidence.hub import digest, inventory
from harness.evidence.ledger.keys import SecretKey
from harness.records import HubRecord

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"
# What a hub is called where a URI is asked for; names of ours that promise no web page.
URN = "urn:harness"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def make_statement(
    subjects: list[dict[str, Any]], kind: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a Statement v1."""
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": kind,
        "predicate": dict(predicate),
    }


def resource(name: str, sha256: str) -> dict[str, Any]:
    """Describe a file by name and digest."""
    return {"name": name, "digest": {"sha256": sha256}}


def manifest_subject(hub: Path, record: HubRecord) -> dict[str, Any]:
    """Describe the hub, by its manifest.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    sha256 = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    return resource(f"{record.suite}/{record.run_id}/{inventory.MANIFEST}", sha256)


def artifact_subjects(record: HubRecord) -> list[dict[str, Any]]:
    """Describe what the stages left: bundle, reconstruction, pictures; each digest once."""
    by_digest = {a.sha256: Path(a.path).name for a in record.artifacts}
    return [resource(name, sha256) for sha256, name in by_digest.items()]


def describe_source(record: HubRecord) -> list[dict[str, Any]]:
    """Describe what ran: the commit, or a difference from one, which is no commit.

    A tree with changes is known by the digest of those; the commit that they were made to is an
    annotation, and no verifier takes the run for one of it.
    """
    stamp = record.stamp
    if not _COMMIT.fullmatch(stamp.commit):
        return []
    if not stamp.dirty:
        return [{"name": "source", "digest": {"gitCommit": stamp.commit}}]
    if stamp.diff_sha256 is None:
        return []
    name = "changes that are not committed"
    annotations = {"changesTo": stamp.commit}
    return [{"name": name, "digest": {"sha256": stamp.diff_sha256}, "annotations": annotations}]


def envelope(statement: Mapping[str, Any], signer: SecretKey | None) -> dict[str, Any]:
    """Wrap a statement as DSSE, signed when there is a key."""
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    signatures = []
    if signer is not None:
        signed = signer.sign(pre_authentication_encoding(PAYLOAD, payload))
        key_id, signature = signed[:4].hex(), base64.b64encode(signed[4:]).decode()
        signatures.append({"keyid": key_id, "sig": signature})
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD,
        "signatures": signatures,
    }


def pre_authentication_encoding(kind: str, payload: bytes) -> bytes:
    """Return what is signed: the pre-authentication encoding of type and payload."""
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
