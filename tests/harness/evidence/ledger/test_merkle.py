"""The tree against published vectors, the definition of RFC 6962, and random trees."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.ledger import merkle

VECTORS = json.loads((Path(__file__).parent / "rfc6962_vectors.json").read_text())
HASHES = [base64.b64decode(text) for text in VECTORS["hashes"]]


def by_definition(leaves: list[bytes]) -> bytes:
    """Hash a tree as section 2.1 writes it down, recursively."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = by_definition(leaves[:split]), by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaves_of(size: int) -> list[bytes]:
    """Return distinct leaf hashes."""
    return [merkle.leaf_hash(bytes([i % 256, i // 256])) for i in range(size)]


def test_the_vectors_are_all_there() -> None:
    """The published set has 196 cases."""
    assert len(VECTORS["inclusion"]) + len(VECTORS["consistency"]) == 196


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: case[0])
def test_inclusion_proofs_agree_with_the_published_vectors(case: list[Any]) -> None:
    """A proof is accepted exactly where the published set accepts it."""
    _, index, size, leaf, root, proof, is_wrong = case

    def check() -> None:
        merkle.check_inclusion(
            HASHES[leaf], index, size, [HASHES[i] for i in proof], HASHES[root]
        )

    if is_wrong:
        with pytest.raises(merkle.ProofError):
            check()
    else:
        check()


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: case[0])
def test_consistency_proofs_agree_with_the_published_vectors(case: list[Any]) -> None:
    """A proof is accepted exactly where the published set accepts it."""
    _, old, new, old_root, new_root, proof, is_wrong = case

    def check() -> None:
        path = [HASHES[i] for i in proof]
        merkle.check_consistency(old, new, path, HASHES[old_root], HASHES[new_root])

    if is_wrong:
        with pytest.raises(merkle.ProofError):
            check()
    else:
        check()


def test_the_root_is_that_of_the_definition() -> None:
    """Level by level gives what the recursive definition gives, for every small size."""
    assert all(merkle.root(leaves_of(n)) == by_definition(leaves_of(n)) for n in range(70))


def test_every_inclusion_proof_of_small_trees_holds_and_no_other_leaf_fits() -> None:
    """Brute force over sizes up to 33 and all indices."""
    for size in range(1, 34):
        leaves = leaves_of(size)
        root = by_definition(leaves)
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            merkle.check_inclusion(leaves[index], index, size, proof, root)
            with pytest.raises(merkle.ProofError):
                merkle.check_inclusion(merkle.leaf_hash(b"?"), index, size, proof, root)


def test_every_consistency_proof_of_small_trees_holds() -> None:
    """Brute force over all pairs of sizes up to 33; a changed old root is refused."""
    for size in range(1, 34):
        leaves = leaves_of(size)
        for old in range(1, size + 1):
            roots = by_definition(leaves[:old]), by_definition(leaves)
            proof = merkle.consistency_proof(leaves, old)
            merkle.check_consistency(old, size, proof, *roots)
            with pytest.raises(merkle.ProofError):
                merkle.check_consistency(old, size, proof, merkle.leaf_hash(b"?"), roots[1])


def test_random_trees_refuse_every_flipped_bit() -> None:
    """One flipped bit anywhere in a proof is refused."""
    generator = random.Random(42)  # noqa: S311 - repeatable, no secret
    for _ in range(150):
        leaves = leaves_of(generator.randrange(2, 400))
        index = generator.randrange(len(leaves))
        proof, root = merkle.inclusion_proof(leaves, index), merkle.root(leaves)
        step = generator.randrange(len(proof))
        bit = generator.randrange(256)
        number = int.from_bytes(proof[step], "big") ^ (1 << bit)
        proof[step] = number.to_bytes(32, "big")
        with pytest.raises(merkle.ProofError):
            merkle.check_inclusion(leaves[index], index, len(leaves), proof, root)
