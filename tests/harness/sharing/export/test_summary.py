"""The verification summary of a model, as a consumer reads it who knows the specification."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.store import read_record
from harness.evidence.ledger.keys import SecretKey
from harness.sharing.export import in_toto, statement
from tests.builders import sealed
from tests.harness.sharing.export import summary_rules

ADA, EVE = SecretKey("ada", bytes(32)), SecretKey("eve", bytes(range(32)))
LEVEL = "HARNESS_VERIFIED"


class Summary:
    """A statement, and what a consumer has beside it."""

    def __init__(self, folder: Path) -> None:
        """Attest a small hub and keep the summary."""
        store = sealed.make(folder / "project")
        record = read_record(store.hub)
        self.value = in_toto.summarize_verification(store.hub, record, store.project)
        self.resource = f"urn:harness:hub:{record.suite}:{record.run_id}"
        (self.sha256,) = (a.sha256 for a in record.artifacts if a.id == "weights")

    def problems(self, value: dict[str, Any], signer: SecretKey = ADA) -> list[str]:
        """Ask the rules of a statement in an envelope of a signer."""
        line = json.dumps(statement.envelope(value, signer))
        return summary_rules.problems(line, ADA.public.raw, self.sha256, self.resource, LEVEL)

    def bent(self, **changes: Any) -> dict[str, Any]:
        """Return the statement with other fields in its predicate; None leaves one out."""
        merged = {**self.value["predicate"], **changes}
        predicate = {name: value for name, value in merged.items() if value is not None}
        return {**self.value, "predicate": predicate}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    """The summary of a sealed hub that verifies."""
    return Summary(tmp_path_factory.mktemp("summary"))


def test_a_summary_is_one_by_the_specification(summary: Summary) -> None:
    """Schema, signature, artifact, resource, result and level all hold for the consumer."""
    assert summary.problems(summary.value) == []


BENT: dict[str, Callable[[Summary], dict[str, Any]]] = {
    "_type": lambda s: {**s.value, "_type": "https://in-toto.io/Statement/v0.1"},
    "predicateType": lambda s: {**s.value, "predicateType": "https://slsa.dev/provenance/v1"},
    "subject": lambda s: {**s.value, "subject": []},
    "verifier.id": lambda s: s.bent(verifier={}),
    "timeVerified": lambda s: s.bent(timeVerified="2026-11-30"),
    "resourceUri": lambda s: s.bent(resourceUri=None),
    "policy": lambda s: s.bent(policy={"uri": "urn:x:y"}),
    "verificationResult": lambda s: s.bent(verificationResult="WARNED"),
    "verificationResult: not passed": lambda s: s.bent(verificationResult="FAILED"),
    "verifiedLevels": lambda s: s.bent(verifiedLevels=["SLSA_BUILD_LEVEL_4", LEVEL]),
    "verifiedLevels: one level of each track at most": lambda s: s.bent(
        verifiedLevels=["SLSA_BUILD_LEVEL_0", "SLSA_BUILD_LEVEL_1", LEVEL]
    ),
    "verifiedLevels: below what is required": lambda s: s.bent(verifiedLevels=["FAILED"]),
    "verifier.id: another verifier": lambda s: s.bent(verifier={"id": "urn:other:verify"}),
    "inputAttestations": lambda s: s.bent(inputAttestations=[{"uri": "urn:x:y"}]),
    "slsaVersion": lambda s: s.bent(slsaVersion="v1"),
    "subject: another artifact": lambda s: {
        **s.value,
        "subject": [{"digest": {"sha256": "0" * 64}}],
    },
    "resourceUri: another resource": lambda s: s.bent(resourceUri="urn:harness:hub:tiny:x"),
}


@pytest.mark.parametrize("name", BENT)
def test_a_bent_summary_is_refused_by_that_rule(name: str, summary: Summary) -> None:
    """Each rule can turn red: none passes everything."""
    assert name in summary.problems(BENT[name](summary))


def test_a_summary_of_another_signer_is_refused(summary: Summary) -> None:
    """The consumer trusts a verifier, by its key."""
    assert summary.problems(summary.value, EVE) == ["signature"]


def test_a_failed_verification_is_a_failed_summary(tmp_path: Path) -> None:
    """A changed hub gives a summary that no consumer accepts."""
    store = sealed.make(tmp_path / "project")
    sealed.write(store.hub / "cli/measure.log", b"measured 9 rows\n")
    record = read_record(store.hub)

    value = in_toto.summarize_verification(store.hub, record, store.project)

    assert value["predicate"]["verificationResult"] == "FAILED"
