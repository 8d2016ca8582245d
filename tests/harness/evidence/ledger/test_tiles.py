"""The cache of the tree: the same proofs as without it, and never a wrong one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from harness.errors import IntegrityError
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


def test_last_entry_about_a_subject_is_found(tmp_path: Path) -> None:
    """As a walk finds it: no subject that only begins alike, and no word in a body."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for subject in ("b", "a", "c", "bb", "b", "c", "é", "z"):
        # Each body names all subjects, as an entry of their own would.
        ledger.append(
            "note", subject, {"parts": [{"subject": s} for s in ("a", "b", "z", "x")]}
        )
    tiles = Tiles(ledger, tmp_path / "c")
    assert tiles.find("a") is None  # nothing was read yet
    tiles.bring_up_to_date()

    for subject in ("a", "b", "bb", "c", "é", "z", "x", ""):
        places = [entry.sequence for entry in ledger.walk() if entry.subject == subject]
        assert tiles.find(subject) == (places[-1] if places else None)


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_no_proof_of_what_is_not_there(tmp_path: Path, index: int) -> None:
    """Before the first entry and behind the last."""
    tiles = Tiles(grown(tmp_path / "ledger.jsonl", 5), tmp_path / "c")
    tiles.bring_up_to_date()

    with pytest.raises(merkle.ProofError):
        tiles.inclusion_proof(index)


def test_cache_is_read_again_and_runs_by_nobody(tmp_path: Path) -> None:
    """A second reading begins where the first ended; a file of hashes is no program."""
    path = tmp_path / "ledger.jsonl"
    Tiles(grown(path, 6), tmp_path / "c").bring_up_to_date()
    assert not [one for one in (tmp_path / "c").iterdir() if one.stat().st_mode & 0o111]
    last = Ledger(path).entries()[-1]
    grown(path, 2)

    tiles = Tiles(Ledger(path), tmp_path / "c")

    assert tiles._cached_state() == (6, last.leaf)
    require_same(Ledger(path), tiles)


def test_torn_tail_is_no_entry_of_the_tree(tmp_path: Path) -> None:
    """What an append left that never returned is read once it is whole."""
    ledger = grown(tmp_path / "ledger.jsonl", 4)
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-1])
    assert Tiles(ledger, tmp_path / "c").bring_up_to_date() == 3
    ledger.path.write_bytes(whole)

    require_same(ledger, Tiles(ledger, tmp_path / "c"))


@pytest.mark.parametrize("line", [1, 3])
def test_entry_that_does_not_follow_is_damage(tmp_path: Path, line: int) -> None:
    """A ledger without one of its lines gives no tree."""
    ledger = grown(tmp_path / "ledger.jsonl", 5)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    ledger.path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))

    with pytest.raises(IntegrityError, match=f"entry {line} that does not follow"):
        Tiles(ledger, tmp_path / "c").bring_up_to_date()
