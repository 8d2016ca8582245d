"""The cache of the tree: the same proofs as without it, and never a wrong one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.evidence.ledger import merkle
from harness.evidence.ledger.log import Ledger
from harness.evidence.ledger.tiles import Tiles


def grown(path: Path, count: int) -> Ledger:
    """Return a ledger with some more entries."""
    ledger = Ledger(path)
    ledger.append_all([("seal", f"tiny/{i}", {}, "2026-01-02T03:04:05Z") for i in range(count)])
    return ledger


def require_same(ledger: Ledger, tiles: Tiles) -> None:
    """Require the roots and proofs of the definition."""
    leaves = ledger.leaves()
    assert tiles.bring_up_to_date() == len(leaves)
    assert tiles.root() == merkle.root(leaves)
    for index in range(0, len(leaves), 3):
        assert tiles.inclusion_proof(index) == merkle.inclusion_proof(leaves, index)
        assert tiles.entry(index).sequence == index


def test_proofs_are_those_of_the_whole_ledger(tmp_path: Path) -> None:
    """At every size from one to forty, brought up to date in steps of chance."""
    chance = random.Random(6962)  # noqa: S311 - repeatable, no secret
    path = tmp_path / "ledger.jsonl"
    while len(ledger := list(Ledger(path).walk())) < 40:
        del ledger
        require_same(grown(path, chance.randint(1, 5)), Tiles(Ledger(path), tmp_path / "c"))


@pytest.mark.parametrize("name", ["state", "ends", "level-00", "level-02"])
def test_a_cache_that_is_damaged_gives_no_wrong_proof(tmp_path: Path, name: str) -> None:
    """It is made anew, or the proof does not lead to the root of the ledger."""
    ledger = grown(tmp_path / "ledger.jsonl", 23)
    Tiles(ledger, tmp_path / "c").bring_up_to_date()
    path = tmp_path / "c" / name
    path.write_bytes(bytes(len(path.read_bytes())))

    leaves = ledger.leaves()
    tiles = Tiles(ledger, tmp_path / "c")
    tiles.bring_up_to_date()

    proof = tiles.inclusion_proof(22)
    if proof != merkle.inclusion_proof(leaves, 22):
        with pytest.raises(merkle.ProofError):
            merkle.check_inclusion(leaves[22], 22, 23, proof, merkle.root(leaves))


def test_a_cache_of_another_ledger_is_made_anew(tmp_path: Path) -> None:
    """After a rollback or a merge the tree is that of the file as it is now."""
    Tiles(grown(tmp_path / "a.jsonl", 9), tmp_path / "c").bring_up_to_date()

    require_same(
        grown(tmp_path / "b.jsonl", 5), Tiles(Ledger(tmp_path / "b.jsonl"), tmp_path / "c")
    )
