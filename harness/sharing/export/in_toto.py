"""A hub in, attestations out: what was tested, how the files were made, what was verified.

Four Statements v1, each in a DSSE envelope, one a line: ``test-result/v0.1``, SLSA provenance
v1, an SLSA verification summary and the claims of the guards. The bundle and all else that
stages left are subjects of each. Without a key the envelopes carry no signature: statements,
but nobody's word.

Source: in-toto Attestation Framework v1 (test-result v0.1), SLSA v1.0 (provenance, VSA).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import __version__, files
from harness.config.project import Project
from harness.evidence.hub import inventory
from harness.evidence.ledger.keys import SecretKey
from harness.evidence.ledger.log import now
from harness.frozen import dataclass
from harness.judgement import quarantine
from harness.judgement.verify import verify
from harness.records import HubRecord
from harness.sharing.export import statement
from harness.sharing.export.statement import URN, envelope, make_statement, resource
from harness.verdict import Verdict

TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PROVENANCE = "https://slsa.dev/provenance/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
CLAIMS = f"{URN}:metric-claims:v1"
KINDS = (TEST_RESULT, PROVENANCE, SUMMARY, CLAIMS)
BUILD_TYPE = f"{URN}:suite:v1"
BUILDER = f"{URN}:run:by-hand"
# Reserved for examples (RFC 2606): nobody runs anything there.
EXAMPLE_ADDRESSES = ("example.org", "example.com", "example.net", "localhost")
_RESULTS = {
    Verdict.GREEN: "PASSED",
    Verdict.INCONCLUSIVE: "WARNED",
    Verdict.RED: "FAILED",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """Who ran the suite, and by what recipe, as URIs.

    Somebody's machine has no address: without a service that is named, a run is by hand.
    """

    id: str = BUILDER
    build_type: str = BUILD_TYPE


def write(
    hub: Path,
    record: HubRecord,
    target: Path,
    signer: SecretKey | None,
    *,
    project: Project | None = None,
    builder: Builder | None = None,
) -> Path:
    """Write the attestations of a hub, one envelope a line.

    Raises:
        IntegrityError: The manifest cannot be read.
        ConfigError: The extra for signing is not installed.
        StorageError: The disk refused.
    """
    statements = (
        test_result(hub, record),
        provenance(hub, record, builder or Builder()),
        summarize_verification(hub, record, project),
        claim_metrics(hub, record),
    )
    lines = [json.dumps(envelope(s, signer), sort_keys=True) + "\n" for s in statements]
    files.write_text(target, "".join(lines))
    return target


def test_result(hub: Path, record: HubRecord) -> dict[str, Any]:
    """State which guards and stages passed on which source.

    What failed in quarantine or only warns is warned of, and so is the whole where it would
    have passed.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    rows = [(f"stage {stage.id}", stage.verdict) for stage in record.stages]
    rows += [(f"guard {guard.id}", guard.verdict) for guard in record.guards]
    lenient = {f"{entry.kind} {entry.id}" for entry in quarantine.waived(record)}
    lenient |= {
        f"guard {guard.id}"
        for guard in record.guards
        if guard.severity != "fail" and guard.verdict is Verdict.RED
    }
    rows = [(name, Verdict.INCONCLUSIVE if name in lenient else v) for name, v in rows]
    by_verdict = {v: [name for name, verdict in rows if verdict is v] for v in Verdict}
    whole = record.verdict
    if lenient and whole is Verdict.GREEN:
        whole = Verdict.INCONCLUSIVE
    predicate = {
        "result": _RESULTS[whole],
        "configuration": _rules(record),
        "passedTests": by_verdict[Verdict.GREEN],
        "warnedTests": by_verdict[Verdict.INCONCLUSIVE],
        "failedTests": by_verdict[Verdict.RED],
    }
    subjects = [*_subjects(hub, record), *statement.describe_source(record)]
    return make_statement(subjects, TEST_RESULT, predicate)


def provenance(hub: Path, record: HubRecord, builder: Builder | None = None) -> dict[str, Any]:
    """State how the files of a hub, and those that it keeps outside, came to be.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    by = builder or Builder()
    subjects = [resource(name, sha) for name, sha in inventory.read_manifest(hub).items()]
    subjects += [resource(Path(a.path).name, a.sha256) for a in record.artifacts if a.external]
    subjects.append(statement.manifest_subject(hub, record))
    data = [resource(d.name, d.sha256) for d in record.datasets]
    predicate = {
        "buildDefinition": {
            "buildType": by.build_type,
            "externalParameters": {"suite": record.suite, "parameters": record.parameters},
            "internalParameters": {"environment": record.environment},
            "resolvedDependencies": [*statement.describe_source(record), *data],
        },
        "runDetails": {
            "builder": {"id": by.id, "version": {"ptycho-harness": __version__}},
            "metadata": {
                "invocationId": record.run_id,
                "startedOn": record.started,
                "finishedOn": record.finished,
            },
        },
    }
    return make_statement(subjects, PROVENANCE, predicate)


def summarize_verification(
    hub: Path, record: HubRecord, project: Project | None
) -> dict[str, Any]:
    """State what ``harness verify`` finds now, at the hub's own commit.

    No level of a build is claimed: who ran the suite is not isolated from it.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    verified = verify(project, hub, allow_stale=True)
    has_passed = verified.exit_code == 0
    levels = ["SLSA_BUILD_LEVEL_0", "HARNESS_VERIFIED"] if has_passed else ["FAILED"]
    predicate = {
        "verifier": {
            "id": f"{URN}:verify",
            "version": {"ptycho-harness": __version__},
        },
        "timeVerified": now(),
        "resourceUri": f"{URN}:hub:{record.suite}:{record.run_id}",
        "policy": {"uri": f"{URN}:suite:{record.suite}", **_digest(record.config_sha256)},
        "verificationResult": "PASSED" if has_passed else "FAILED",
        "verifiedLevels": levels,
        "slsaVersion": "1.0",
    }
    return make_statement(_subjects(hub, record), SUMMARY, predicate)


def claim_metrics(hub: Path, record: HubRecord) -> dict[str, Any]:
    """State each number that was judged: its value, its bounds, its verdict.

    Raises:
        IntegrityError: The manifest cannot be read.
    """
    claims = [
        {
            "guard": guard.id,
            "kind": guard.kind,
            "metric": guard.metric,
            "value": guard.value,
            "low": guard.low,
            "high": guard.high,
            "verdict": guard.verdict.value,
            "severity": guard.severity,
        }
        for guard in record.guards
        if guard.value is not None
    ]
    predicate = {
        "suite": record.suite,
        "runId": record.run_id,
        "finishedOn": record.finished,
        "verdict": record.verdict.value,
        "rules": _rules(record),
        "datasets": {d.role: resource(d.name, d.sha256) for d in record.datasets},
        "claims": claims,
    }
    subjects = [*_subjects(hub, record), *statement.describe_source(record)]
    return make_statement(subjects, CLAIMS, predicate)


def _subjects(hub: Path, record: HubRecord) -> list[dict[str, Any]]:
    return [statement.manifest_subject(hub, record), *statement.artifact_subjects(record)]


def _rules(record: HubRecord) -> list[dict[str, Any]]:
    rules = [resource(f"harness.toml#suites.{record.suite}", record.config_sha256)]
    if record.golden_sha256 is not None:
        rules.append(resource("golden", record.golden_sha256))
    return rules


def _digest(sha256: str) -> Mapping[str, Any]:
    return {"digest": {"sha256": sha256}}
