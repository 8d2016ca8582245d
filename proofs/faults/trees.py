"""Merkle proofs against the published vectors, and random trees against the definition."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from pathlib import Path

from harness.evidence.ledger import merkle
from proofs.faults.figures import Campaign, Scale

_VECTORS = Path(__file__).parents[2] / "tests/harness/evidence/ledger/rfc6962_vectors.json"


def _root(leaves: list[bytes]) -> bytes:
    """Hash a tree as RFC 6962, section 2.1, writes it down."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _holds(check: object, *arguments: object) -> bool:
    try:
        check(*arguments)  # type: ignore[operator]
    except merkle.ProofError:
        return False
    return True


def campaign(folder: Path, scale: Scale) -> Campaign:
    """Check every published case, then random trees with true and bent proofs."""
    del folder
    vectors = json.loads(_VECTORS.read_text())
    hashes = [base64.b64decode(text) for text in vectors["hashes"]]
    count = len(vectors["inclusion"]) + len(vectors["consistency"])
    made = Campaign(
        fault=f"RFC 6962: {count} published vectors; {scale.trees:,} random trees against"
        " the definition, with true and bent proofs",
        target="accepted exactly where the definition accepts",
    )
    for name, index, size, leaf, root, proof, is_wrong in vectors["inclusion"]:
        path = [hashes[i] for i in proof]
        holds = _holds(merkle.check_inclusion, hashes[leaf], index, size, path, hashes[root])
        made.require(holds != bool(is_wrong), f"inclusion {name}")
    for name, old, new, one, two, proof, is_wrong in vectors["consistency"]:
        path = [hashes[i] for i in proof]
        holds = _holds(merkle.check_consistency, old, new, path, hashes[one], hashes[two])
        made.require(holds != bool(is_wrong), f"consistency {name}")
    chance = random.Random(6962)  # noqa: S311 - repeatable, no secret
    for number in range(scale.trees):
        made.require(_random_tree(chance), f"random tree {number}")
    return made


def _random_tree(chance: random.Random) -> bool:
    size = chance.randint(1, 70)
    leaves = [merkle.leaf_hash(chance.randbytes(8)) for _ in range(size)]
    index, old = chance.randrange(size), chance.randint(1, size)
    root, first = _root(leaves), _root(leaves[:old])
    growing = merkle.Growing()
    for leaf in leaves:
        growing.add(leaf)
    inclusion = merkle.inclusion_proof(leaves, index)
    consistency = merkle.consistency_proof(leaves, old)
    bent = [*inclusion, root] if chance.random() < 0.5 else [root, *inclusion[1:]]
    return (
        merkle.root(leaves) == growing.root() == root
        and _holds(merkle.check_inclusion, leaves[index], index, size, inclusion, root)
        and not _holds(merkle.check_inclusion, leaves[index], index, size, bent, root)
        and _holds(merkle.check_consistency, old, size, consistency, first, root)
        and not _holds(merkle.check_consistency, old, size, [*consistency, root], first, root)
    )
