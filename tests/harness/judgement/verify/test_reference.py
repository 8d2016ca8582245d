"""A golden changes through one door, and verification looks whether it did."""

from __future__ import annotations

import shutil

from harness.evidence.ledger.log import Ledger
from harness.judgement.golden import store as goldens
from harness.judgement.golden.store import GoldenSet
from harness.judgement.verify import Outcome, reference, verify
from tests.builders import fingerprints
from tests.builders.sealed import Store
from tests.harness.judgement.golden.test_store import golden


def keep(store: Store, *values: goldens.GoldenValue) -> GoldenSet:
    """Write goldens of the suite into the project."""
    made = GoldenSet(values=values)
    goldens.save(store.project.golden / "tiny", made)
    return made


def outcomes(store: Store, *, allow_stale: bool = False) -> list[Outcome]:
    """Return how the check of today's goldens went."""
    rows = verify(store.project, store.hub, allow_stale=allow_stale).rows
    return [row.outcome for row in rows if row.check == "golden"]


def log(store: Store, digest: str) -> None:
    """Write what harness golden update writes."""
    published = Ledger(store.root / "hubs/ledger.jsonl")
    published.append(goldens.LOGGED, "tiny", {"golden_sha256": digest})


def test_goldens_that_nobody_updated_are_damage(store: Store) -> None:
    """Files that no entry accounts for; an archive is only told of them."""
    keep(store, golden())

    assert outcomes(store) == [Outcome.DAMAGED]
    assert outcomes(store, allow_stale=True) == [Outcome.NOTE]


def test_goldens_as_logged_pass_and_edited_ones_do_not(store: Store) -> None:
    """The last entry counts: a change, and a return to an older state, are found."""
    first = keep(store, golden())
    log(store, first.digest)
    assert outcomes(store) == [Outcome.PASSED]

    second = keep(store, golden(mean=-2.0))
    assert outcomes(store) == [Outcome.DAMAGED]
    log(store, second.digest)
    assert outcomes(store) == [Outcome.PASSED]

    keep(store, golden())
    assert outcomes(store) == [Outcome.DAMAGED]


def test_a_suite_without_goldens_has_no_such_row(store: Store) -> None:
    """Nothing to hold, nothing to say."""
    assert outcomes(store) == []


def test_deleted_goldens_are_missed(store: Store) -> None:
    """The ledger knows that there were some; an entry that left none is no loss."""
    logged_set = keep(store, golden())
    log(store, logged_set.digest)
    shutil.rmtree(store.project.golden / "tiny")

    assert outcomes(store) == [Outcome.DAMAGED]
    assert outcomes(store, allow_stale=True) == [Outcome.NOTE]
    (row,) = reference.check_store(store.project)
    assert "none, and entry" in row.found

    log(store, GoldenSet().digest)
    assert outcomes(store) == []
    assert reference.check_store(store.project) == ()


def test_one_deleted_file_of_two_is_missed(store: Store) -> None:
    """What is left is another set than the one that was logged."""
    both = keep(store, golden(), golden(environment={"device": "cuda"}))
    log(store, both.digest)
    assert outcomes(store) == [Outcome.PASSED]

    next((store.project.golden / "tiny").glob("cuda*.json")).unlink()

    assert outcomes(store) == [Outcome.DAMAGED]


def test_deleted_fingerprint_is_missed(store: Store) -> None:
    """So it is with an ensemble, alone or beside goldens."""
    folder = store.project.golden / "tiny"
    fingerprints.store_ensemble(folder)
    shutil.rmtree(folder / "runs")
    log(store, goldens.load(folder).digest)
    assert outcomes(store) == [Outcome.PASSED]

    shutil.rmtree(folder / "fingerprints")

    assert outcomes(store) == [Outcome.DAMAGED]


def test_goldens_of_suites_without_hubs_are_held_too(store: Store) -> None:
    """`verify --all` looks at every declared suite; one whose goldens are well has no row."""
    logged_set = keep(store, golden())
    assert [row.outcome for row in reference.check_store(store.project)] == [Outcome.DAMAGED]

    log(store, logged_set.digest)
    assert reference.check_store(store.project) == ()
    next((store.project.golden / "tiny").glob("*.json")).write_text("{", "utf-8")
    assert [row.outcome for row in reference.check_store(store.project)] == [Outcome.DAMAGED]
