"""A hub in, attestations out: what was tested with what result, and how the files were made.

Two Statements v1, ``test-result/v0.1`` and SLSA provenance v1, each in a DSSE envelope, one a
line. Without a key the envelopes carry no signature: statements, but nobody's word.

Source: in-toto Attestation Framework v1 (Statement, test-result v0.1), SLSA v1.0 provenance,
DSSE v1.0 (pre-authentication encoding).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import files
from harness.evidence.hub import digest, inventory
from harness.evidence.ledger.keys import SecretKey
from harness.judgement import quarantine
from harness.records import HubRecord
from harness.verdict import Verdict

STATEMENT = "https://in-toto.io/Statement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"
PAYLOAD = "application/vnd.in-toto+json"
_BUILD_TYPE = "https://example.org/ptycho-harness/suite/v1"
_BUILDER = "https://example.org/ptycho-harness"
_RESULTS = {
    Verdict.GREEN: "PASSED",
    Verdict.INCONCLUSIVE: "WARNED",
    Verdict.RED: "FAILED",
}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def write(hub: Path, record: HubRecord, target: Path, signer: SecretKey | None) -> Path:
    """Write both attestations of a hub, one envelope a line.

    Raises:
        IntegrityError: The manifest cannot be read.
        ConfigError: The extra for signing is not installed.
        StorageError: The disk refused.
    """
    statements = (test_result(hub, record), provenance(hub, record))
    lines = [json.dumps(envelope(s, signer), sort_keys=True) + "\n" for s in statements]
    files.write_text(target, "".join(lines))
    return target


def test_result(hub: Path, record: HubRecord) -> dict[str, Any]:
    """State which guards and stages passed on which source.

    What failed in quarantine is warned of, and so is the whole where it would have passed.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    named = [(f"stage {stage.id}", stage.verdict) for stage in record.stages]
    named += [(f"guard {guard.id}", guard.verdict) for guard in record.guards]
    waived = {f"{entry.kind} {entry.id}" for entry in quarantine.waived(record)}
    named = [(name, Verdict.INCONCLUSIVE if name in waived else v) for name, v in named]
    by_verdict = {v: [name for name, verdict in named if verdict is v] for v in Verdict}
    whole = record.verdict
    if waived and whole is Verdict.GREEN:
        whole = Verdict.INCONCLUSIVE
    configuration = [_resource(f"harness.toml#suites.{record.suite}", record.config_sha256)]
    if record.golden_sha256 is not None:
        configuration.append(_resource("golden", record.golden_sha256))
    predicate = {
        "result": _RESULTS[whole],
        "configuration": configuration,
        "passedTests": by_verdict[Verdict.GREEN],
        "warnedTests": by_verdict[Verdict.INCONCLUSIVE],
        "failedTests": by_verdict[Verdict.RED],
    }
    manifest = digest.sha256(hub / inventory.MANIFEST, inventory.LIST_LIMIT)
    name = f"{record.suite}/{record.run_id}/{inventory.MANIFEST}"
    subjects = [_resource(name, manifest)]
    return _statement([*subjects, *_source(record)], TEST_RESULT, predicate)


def provenance(hub: Path, record: HubRecord) -> dict[str, Any]:
    """State how the files of a hub came to be.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    subjects = [_resource(name, sha) for name, sha in inventory.read_manifest(hub).items()]
    materials = _source(record) + [_resource(d.name, d.sha256) for d in record.datasets]
    predicate = {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": {"suite": record.suite, "parameters": record.parameters},
            "internalParameters": {"environment": record.environment},
            "resolvedDependencies": materials,
        },
        "runDetails": {
            "builder": {"id": _BUILDER},
            "metadata": {
                "invocationId": record.run_id,
                "startedOn": record.started,
                "finishedOn": record.finished,
            },
        },
    }
    return _statement(subjects, PROVENANCE, predicate)


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


def _statement(
    subjects: list[dict[str, Any]], kind: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "_type": STATEMENT,
        "subject": subjects,
        "predicateType": kind,
        "predicate": dict(predicate),
    }


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _source(record: HubRecord) -> list[dict[str, Any]]:
    """Describe the commit; a tree that was not committed says so in its name."""
    if not _COMMIT.fullmatch(record.stamp.commit):
        return []
    name = "source, with changes that are not committed" if record.stamp.dirty else "source"
    return [{"name": name, "digest": {"gitCommit": record.stamp.commit}}]
