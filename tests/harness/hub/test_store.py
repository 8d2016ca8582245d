"""The store finds hubs, reads them strictly, and clears what dead runs left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import IntegrityError, NotAProjectError
from harness.hub import layout
from harness.hub.store import HubStore, Ownership
from harness.verdict import Verdict
from tests.builders import hubs


def test_latest_is_a_query(tmp_path: Path) -> None:
    """The newest hub, and the newest with a verdict, are found by reading."""
    project = hubs.project(tmp_path)
    green = hubs.run(project).hub
    red = hubs.run(project, parameters={"value": "0"}).hub
    store = HubStore(project.hubs, project.work)

    assert sorted(store.hubs("tiny")) == sorted([green, red])
    assert store.latest("tiny", Verdict.GREEN) == green
    assert store.latest("tiny", Verdict.RED) == red
    assert store.latest("tiny", Verdict.INCONCLUSIVE) is None
    assert store.suites() == ["tiny"]


def damage(path: Path, content: str) -> None:
    path.chmod(0o644)
    path.write_text(content)


BROKEN = ["", "[]", "{}", '{"schema": 99}', "nonsense", "[" * 10_000, '{"a": NaN}']


@pytest.mark.parametrize("content", BROKEN)
def test_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    """A record that we did not write so is damage, exit 4, and names hub.json."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    damage(hub / layout.RECORD, content)

    with pytest.raises(IntegrityError) as caught:
        HubStore(project.hubs, project.work).read(hub)

    assert caught.value.exit_code == 4
    assert "hub.json" in caught.value.where


def test_doubled_key_is_damage(tmp_path: Path) -> None:
    """A key that stands twice could hide a verdict behind another."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    text = (hub / layout.RECORD).read_text()
    damage(hub / layout.RECORD, text.replace('"schema": 1', '"schema": 1, "schema": 1'))

    with pytest.raises(IntegrityError):
        HubStore(project.hubs, project.work).read(hub)


def test_unknown_field_is_damage(tmp_path: Path) -> None:
    """A field that the schema does not know is refused, not ignored."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    value = json.loads((hub / layout.RECORD).read_text())
    damage(hub / layout.RECORD, json.dumps({**value, "approved": True}))

    with pytest.raises(IntegrityError) as caught:
        HubStore(project.hubs, project.work).read(hub)

    assert "approved" in caught.value.where


def test_other_folder_is_no_hub(tmp_path: Path) -> None:
    """A folder without a record is no hub: exit 10."""
    with pytest.raises(NotAProjectError) as caught:
        HubStore(tmp_path, tmp_path).read(tmp_path)

    assert caught.value.exit_code == 10


def leave(project_root: Path, run_id: str) -> list[Path]:
    """Make the folders of a run that is under way."""
    made = [
        layout.temporary(project_root / "hubs", "tiny", run_id) / "cli",
        layout.work(project_root / ".harness", run_id) / "train",
    ]
    for folder in made:
        folder.mkdir(parents=True)
        (folder / "half").write_text("written")
        (folder / "half").chmod(0o444)
    made[0].chmod(0o555)
    return [folder.parent for folder in made]


def test_leftovers_of_the_dead_are_cleared(tmp_path: Path) -> None:
    """What a killed run left is removed, read-only parts too, and its lock with it."""
    left = leave(tmp_path, "20260101T000000Z-aaaaaa")
    owner = layout.owner(tmp_path / ".harness", "20260101T000000Z-aaaaaa")
    owner.write_text("")  # the file is there, and nobody holds its lock

    cleared = HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers()

    assert cleared == ["20260101T000000Z-aaaaaa"]
    assert not any(path.exists() for path in (*left, owner))


def test_living_run_is_left_alone(tmp_path: Path) -> None:
    """A run that still holds its lock keeps its folders."""
    left = leave(tmp_path, "20260101T000000Z-bbbbbb")
    owner = Ownership(layout.owner(tmp_path / ".harness", "20260101T000000Z-bbbbbb"))

    cleared = HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers()
    owner.release()

    assert cleared == []
    assert all(path.exists() for path in left)
