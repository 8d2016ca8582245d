"""What may be removed, what never is, and what a crash in between leaves."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.config.project import Project
from harness.evidence.hub import store as stores
from harness.judgement import retention
from harness.judgement.golden import store as goldens
from harness.judgement.retention import Rules
from harness.judgement.verify import sealing
from harness.records import HubRecord
from harness.sharing import publish
from tests.builders import sealed
from tests.builders.sealed import Store
from tests.harness.judgement.golden.test_store import golden


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Return a store of a green hub and two red ones after it."""
    first = sealed.make(tmp_path_factory.mktemp("pristine") / "project")
    first.declare("min = 0.5", "min = 0.9")
    for _ in range(2):
        sealed.run(first.root)
    return first


def going(store: Store, rules: Rules) -> list[str]:
    """Return the hubs that a plan lets go."""
    return [item.hub.name for item in retention.plan(store.project, rules) if item.goes]


def hubs(store: Store) -> list[str]:
    """Return the hubs that are there, oldest first."""
    return [hub.name for hub in stores.HubStore(store.project.hubs, store.project.work).hubs()]


def test_the_last_green_hub_stays_however_old(store: Store) -> None:
    """With one hub to keep, the green one and the newest stay."""
    names = hubs(store)

    assert going(store, Rules(keep=1)) == [names[1]]
    assert going(store, Rules(keep=2)) == []
    assert going(store, Rules(keep=1, older_than_days=1)) == []


def test_a_plan_changes_nothing(store: Store) -> None:
    """Without --apply the command only tells."""
    before = sorted(str(path) for path in store.root.rglob("*"))

    assert main(["-C", str(store.root), "gc", "--keep", "1"]) == 0
    assert sorted(str(path) for path in store.root.rglob("*")) == before


def test_what_goes_leaves_a_tombstone(store: Store) -> None:
    """Hub and kept artifacts are gone, the entry says what they were, the store verifies."""
    names = hubs(store)
    sealed_as = sealed.seals(store)[1].body["manifest_sha256"]

    code = main(["-C", str(store.root), "gc", "--keep", "1", "--apply", "--reason", "full"])

    entry = store.ledger.entries()[-1]
    assert (code, hubs(store)) == (0, [names[0], names[2]])
    assert (entry.kind, entry.subject) == ("gc", f"tiny/{names[1]}")
    assert (entry.body["reason"], entry.body["manifest_sha256"]) == ("full", sealed_as)
    assert not (store.root / ".harness/runs" / names[1]).exists()
    rows = sealing.check_store(store.project, [f"tiny/{n}" for n in (names[0], names[2])])
    assert [row.outcome for row in rows] == ["ok"]


def test_a_removal_cut_short_is_finished_by_the_next(store: Store) -> None:
    """A tombstone without its removal: the next call removes, and writes no second one."""
    names = hubs(store)
    store.ledger.append(retention.KIND, f"tiny/{names[1]}", {})
    size = len(store.ledger.entries())

    items = retention.plan(store.project, Rules(keep=9))
    retention.apply(store.project, items, "again")

    assert names[1] not in hubs(store)
    assert len(store.ledger.entries()) == size


def test_a_hub_that_cannot_be_read_stays(store: Store) -> None:
    """Damage is looked at, not swept away."""
    damaged = store.project.hubs / "tiny" / hubs(store)[1]
    sealed.write(damaged / "hub.json", b"{}")

    assert going(store, Rules(keep=1)) == []


def test_a_hub_that_a_golden_cites_stays(store: Store) -> None:
    """Its numbers are the reference: whoever asks must be able to look."""
    name = hubs(store)[1]
    cited = golden(hubs=(*golden().hubs[1:], f"hubs/tiny/{name}"))
    goldens.save(store.project.golden / "tiny", goldens.GoldenSet(values=(cited,)))

    assert going(store, Rules(keep=1)) == []


@pytest.mark.parametrize("is_marked", [False, True])
def test_a_published_hub_stays(store: Store, *, is_marked: bool) -> None:
    """Others have it, even where somebody began to remove it here."""
    name = hubs(store)[1]
    publish.publish_hub(store.project, store.project.hubs / "tiny" / name)
    if is_marked:
        store.ledger.append(retention.KIND, f"tiny/{name}", {})

    assert going(store, Rules(keep=1)) == []
    (why,) = [i.why for i in retention.plan(store.project, Rules()) if i.hub.name == name]
    assert why == "published"


def test_a_seal_beside_the_hubs_alone_is_not_published(store: Store) -> None:
    """So an older release logged all of them, and nobody else has them."""
    names = hubs(store)
    store.ledger.path.rename(store.project.hubs / "ledger.jsonl")

    assert going(store, Rules(keep=1)) == [names[1]]


def test_what_goes_is_counted_together(store: Store) -> None:
    """All that is freed; what stays is left alone and has no tombstone."""
    items = retention.plan(store.project, Rules())
    two = [replace(item, goes=True) for item in items[:2]]
    freed = retention.apply(store.project, (*two, *items[2:]), "full")

    assert freed == sum(item.size for item in two)
    assert freed > max(item.size for item in two)
    assert hubs(store) == [items[2].hub.name]
    marked = [e.subject for e in store.ledger.entries() if e.kind == retention.KIND]
    assert marked == [item.subject for item in two]


AGES = [(0, 0.0, True), (0, 1.0, False), (2, 1.0, True), (2, 3.0, False)]


@pytest.mark.parametrize(("days", "least", "goes"), AGES)
def test_only_what_is_old_enough_goes(
    store: Store, monkeypatch: pytest.MonkeyPatch, *, days: int, least: float, goes: bool
) -> None:
    """By the end of its run."""
    real = retention._record
    finished = (dt.datetime.now(dt.UTC) - dt.timedelta(days=days)).isoformat()

    def read_older(project: Project, hub: Path) -> HubRecord | None:
        record = real(project, hub)
        return record and replace(record, finished=finished)

    monkeypatch.setattr(retention, "_record", read_older)
    assert (going(store, Rules(keep=1, older_than_days=least)) != []) is goes
