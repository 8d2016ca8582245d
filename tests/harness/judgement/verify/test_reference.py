"""A golden changes through one door, and verification looks whether it did."""

from __future__ import annotations

from harness.evidence.ledger.log import Ledger
from harness.judgement.golden import store as goldens
from harness.judgement.golden.store import GoldenSet
from harness.judgement.verify import Outcome, verify
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
