"""A bundle holds where both its run and its verification passed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.evidence.ledger import keys
from harness.sharing.export.check import Proof

PROOF = Proof(
    signer=keys.SecretKey("ada", bytes(32)).public,
    sha256="a" * 64,
    manifest_sha256="b" * 64,
    suite="tiny",
    run_id="20260102T030405Z-a1b2c3",
    finished="2026-01-02T03:04:36Z",
    commit="c" * 40,
    result="PASSED",
    verification="PASSED",
    builder="https://lab/",
    rules={},
    data={},
    claims=(),
)
WORDS = ("PASSED", "FAILED", "WARNED", "passed", "")


@pytest.mark.parametrize("verification", WORDS)
@pytest.mark.parametrize("result", WORDS)
def test_both_must_have_passed(result: str, verification: str) -> None:
    """A run that passed and was not verified holds as little as a verified failure."""
    proof = replace(PROOF, result=result, verification=verification)
    assert proof.holds is (result == verification == "PASSED")
