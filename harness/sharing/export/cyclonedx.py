"""A hub in, an ML-BOM out: the models of a run with their data, numbers, source and hub.

Each model is a component with a model card: the data it was made from, the numbers that guards
judged. Bounds and verdicts of those numbers, rules, and the seal stand beside as properties,
for they are no confidence intervals. The same hub always gives the same bytes.

Source: ECMA-424, CycloneDX 1.6 (machine-learning-model, modelCard, data; section "components").
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from harness import __version__, files
from harness.errors import EvidenceMissingError
from harness.evidence.hub import inventory, models
from harness.judgement import quarantine
from harness.records import ArtifactRecord, HubRecord
from harness.sharing.export import copying, statement

_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_PREFIX = "harness"  # of names of properties


def write(hub: Path, record: HubRecord, target: Path) -> Path:
    """Write the bill of materials of the models that a run left.

    Raises:
        EvidenceMissingError: The run left no model.
        IntegrityError: The hub is not as it was sealed.
        StorageError: The disk refused.
    """
    left = models.list_models(record)
    if not left:
        raise EvidenceMissingError(
            f"{record.suite}/{record.run_id}",
            found="no artifact that is a model",
            expected="one whose id ends with bundle or model",
            remedy="Name the artifact so in the declaration, and run the suite again.",
        )
    copying.require_sealed(hub)
    manifest = statement.manifest_subject(hub, record)["digest"]["sha256"]
    files.write_bytes(target, files.json_bytes(_bom(record, left, manifest)))
    return target


def _bom(record: HubRecord, left: Iterable[ArtifactRecord], manifest: str) -> dict[str, Any]:
    data = [_dataset(d.role, d.name, d.sha256) for d in record.datasets]
    source = _source(record)
    run = _run(record, manifest)
    listed = [_model(record, artifact, [each["bom-ref"] for each in data]) for artifact in left]
    basis = [each["bom-ref"] for each in (*data, *source)]
    return {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, manifest).urn,
        "version": 1,
        "metadata": {
            "timestamp": record.finished,
            "tools": {
                "components": [
                    {"type": "application", "name": "ptycho-harness", "version": __version__}
                ]
            },
            "component": run,
        },
        "components": [*listed, *data, *source],
        "dependencies": [
            {"ref": run["bom-ref"], "dependsOn": [each["bom-ref"] for each in listed]},
            *({"ref": each["bom-ref"], "dependsOn": basis} for each in listed),
            *({"ref": ref} for ref in basis),
        ],
    }


def _run(record: HubRecord, manifest: str) -> dict[str, Any]:
    """Describe the hub, by the digest of its manifest."""
    rules = {"declaration": record.config_sha256, "golden": record.golden_sha256}
    facts = {
        "verdict": record.verdict.value,
        "reason": record.reason[:400],
        "beside": quarantine.standing_out(record),
        **{f"rules:{name}": sha256 for name, sha256 in rules.items()},
        **{f"environment:{name}": value for name, value in record.environment.items()},
        **{f"parameter:{name}": value for name, value in record.parameters.items()},
    }
    return {
        "type": "data",
        "bom-ref": f"hub:{record.suite}/{record.run_id}",
        "name": f"{record.suite}/{record.run_id}/{inventory.MANIFEST}",
        "version": record.run_id,
        "description": f"Sealed evidence of a run of suite {record.suite}",
        "hashes": _hashes(manifest),
        "data": [{"type": "other", "name": "hub"}],
        "properties": list(_properties(facts)),
    }


def _model(record: HubRecord, artifact: ArtifactRecord, data: list[str]) -> dict[str, Any]:
    judged = [guard for guard in record.guards if guard.metric and guard.value is not None]
    values = {str(guard.metric): repr(guard.value) for guard in judged}
    facts: dict[str, str | None] = {
        "artifact": artifact.id,
        "stage": artifact.stage,
        "size": str(artifact.size),
    }
    for guard in judged:
        facts[f"guard:{guard.id}:metric"] = guard.metric
        facts[f"guard:{guard.id}:verdict"] = guard.verdict.value
        facts[f"guard:{guard.id}:severity"] = guard.severity
        facts[f"guard:{guard.id}:low"] = None if guard.low is None else repr(guard.low)
        facts[f"guard:{guard.id}:high"] = None if guard.high is None else repr(guard.high)
    metrics = [{"type": metric, "value": value} for metric, value in values.items()]
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{artifact.sha256}",
        "name": PurePosixPath(artifact.path).name,
        "version": record.run_id,
        "hashes": _hashes(artifact.sha256),
        "modelCard": {
            "modelParameters": {"datasets": [{"ref": ref} for ref in data]},
            "quantitativeAnalysis": {"performanceMetrics": metrics},
        },
        "properties": list(_properties(facts)),
    }


def _dataset(role: str, name: str, sha256: str) -> dict[str, Any]:
    return {
        "type": "data",
        "bom-ref": f"data:{role}",
        "name": name,
        "hashes": _hashes(sha256),
        "data": [{"type": "dataset", "name": role}],
    }


def _source(record: HubRecord) -> list[dict[str, Any]]:
    """Describe what ran; a tree with changes is known by their digest and is no commit."""
    return [
        {
            "type": "data",
            "bom-ref": "source",
            "name": each["name"],
            **_identity(each["digest"]),
            "data": [{"type": "source-code"}],
        }
        for each in statement.describe_source(record)
    ]


def _identity(digest: dict[str, str]) -> dict[str, Any]:
    if "gitCommit" in digest:
        return {"version": digest["gitCommit"]}
    return {"hashes": _hashes(digest["sha256"])}


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _properties(facts: dict[str, Any]) -> Iterator[dict[str, str]]:
    for name, value in facts.items():
        if value is not None and value != "":
            yield {"name": f"{_PREFIX}:{name}", "value": str(value)}
