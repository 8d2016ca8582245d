"""Only a hub that is as it was sealed is published, once, with what was said of its run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import ConfigError, IntegrityError
from harness.evidence.hub import inventory, layout
from harness.evidence.ledger.log import Ledger
from harness.judgement import acceptance
from harness.judgement.declaration import load_project
from harness.sharing import publish
from tests.builders import hubs, sealed
from tests.builders.sealed import Store


def forge_record(store: Store) -> None:
    """Give the record another reason, and list the files anew."""
    path = store.hub / layout.RECORD
    record = json.loads(path.read_text())
    sealed.write(path, json.dumps({**record, "reason": "all well"}).encode())
    sealed.remanifest(store.hub)


def drop_seal(store: Store) -> None:
    """Take the seal out of the ledger."""
    store.ledger.path.unlink()


def forge_seal(store: Store) -> None:
    """Write the ledger anew, with a seal of another verdict."""
    entries = store.ledger.entries()
    store.ledger.path.unlink()
    for entry in entries:
        body = entry.body
        if entry.kind == "seal":
            body = {**body, "verdict": "inconclusive"}
        store.ledger.append(entry.kind, entry.subject, body)


def seal_twice(store: Store) -> None:
    """Log another seal of the same name."""
    entry = sealed.seals(store)[0]
    store.ledger.append(entry.kind, entry.subject, {**entry.body, "manifest_sha256": "0" * 64})


DAMAGES: list[Callable[[Store], object]] = [
    lambda store: sealed.write(store.hub / "analysis/measure/rows.csv", b"step,value\n"),
    lambda store: (store.hub / "green/measure.log").unlink(),
    lambda store: (store.hub / "more.txt").write_text("x"),
    lambda store: (store.hub / layout.RECORD).unlink(),
    lambda store: sealed.write(store.hub / layout.RECORD, b"{}"),
    lambda store: (store.hub / inventory.MANIFEST).unlink(),
    forge_record,
    drop_seal,
    forge_seal,
    seal_twice,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_hub_that_is_not_as_it_was_sealed_is_not_published(
    store: Store, damage: Callable[[Store], object]
) -> None:
    """Whichever check finds it: bytes, record, seal or ledger. Nothing is written."""
    damage(store)
    with pytest.raises(IntegrityError) as refused:
        publish.publish_hub(store.project, store.hub)
    assert refused.value.exit_code == 4
    assert not (store.root / "hubs" / layout.LEDGER).exists()


def test_a_hub_is_published_once(store: Store) -> None:
    """With its start and its time; called again nothing changes."""
    first = publish.publish_hub(store.project, store.hub)
    ledger = Ledger(store.root / "hubs" / layout.LEDGER)
    content = ledger.path.read_bytes()
    again = publish.publish_hub(store.project, store.hub)

    assert (first.is_new, again.is_new) == (True, False)
    assert (first.verdict, first.is_added) == ("green", False)  # there is no git here
    assert ledger.path.read_bytes() == content
    local = [(e.kind, e.subject, e.body, e.time) for e in store.ledger.entries()]
    assert [(e.kind, e.subject, e.body, e.time) for e in ledger.entries()] == local


def test_what_was_accepted_since_is_added(store: Store) -> None:
    """Of this run, and of no other."""
    publish.publish_hub(store.project, store.hub)
    for run_id, reason in ((store.hub.name, "of it"), ("20200101T000000Z-aaaaaa", "other")):
        made = acceptance.Acceptance(run_id, "source", "0" * 64)
        acceptance.keep(store.project, "tiny", made, (), reason)
    publish.publish_hub(store.project, store.hub)
    entries = Ledger(store.root / "hubs" / layout.LEDGER).entries()
    assert [e.body["reason"] for e in entries if e.kind == acceptance.KIND] == ["of it"]


def test_a_hub_of_another_project_is_refused(store: Store, tmp_path: Path) -> None:
    """It is published where it was sealed."""
    other = sealed.copy(store, tmp_path / "other")
    with pytest.raises(ConfigError):
        publish.publish_hub(store.project, other.hub)


@pytest.mark.parametrize("is_dirty", [False, True])
def test_git_gets_the_hub_byte_for_byte(tmp_path: Path, *, is_dirty: bool) -> None:
    """Hub, ledger and the attribute that keeps ends of line are in the index, and no more."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "harness.toml").write_text(sealed.DECLARATION)
    (root / "source.py").write_text(sealed.SOURCE)
    hubs.commit(root)
    (root / ".gitignore").write_text(".harness/\n*.log\n__pycache__/\n")
    hubs.commit(root)
    if is_dirty:
        (root / "source.py").write_text(sealed.SOURCE + "# more\n")
    store = sealed.run(root)

    done = publish.publish_hub(store.project, store.hub)

    assert (done.is_added, done.is_dirty) == (True, is_dirty)
    staged = set(hubs.git(root, "diff", "--cached", "--name-only").split("\n"))
    inside = {p.relative_to(root).as_posix() for p in store.hub.rglob("*") if p.is_file()}
    assert staged == inside | {"hubs/ledger.jsonl", ".gitattributes"}
    assert (root / ".gitattributes").read_text() == "hubs/** -text\n"


def test_an_older_hub_makes_room_with_a_tombstone(tmp_path: Path) -> None:
    """Only in git's index, only of its suite, and never the new one itself."""
    root = tmp_path / "project"
    hubs.declare(root, tiny=hubs.suite(), other=hubs.suite())
    hubs.commit(root)
    project = load_project(root)
    old, other, new = (hubs.run(project, name).hub for name in ("tiny", "other", "tiny"))
    for hub in (old, other, new):
        publish.publish_hub(project, hub)

    assert publish.replace_older(project, new) == (f"tiny/{old.name}",)
    assert publish.replace_older(project, new) == ()

    listed = hubs.git(root, "ls-files", "hubs").split("\n")
    assert {"/".join(Path(name).parts[1:3]) for name in listed} == {
        "ledger.jsonl",
        f"tiny/{new.name}",
        f"other/{other.name}",
    }
    entries = Ledger(project.hubs / layout.LEDGER).entries()
    assert [e.subject for e in entries if e.kind == "gc"] == [f"tiny/{old.name}"]
    assert old.is_dir()
