"""The store finds hubs, reads them strictly, and clears what dead runs left."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from harness import files
from harness.errors import IntegrityError, NotAProjectError
from harness.evidence.hub import layout, store
from harness.evidence.hub.ownership import Ownership
from harness.evidence.hub.store import HubStore
from harness.verdict import Verdict
from tests.builders import hubs


def test_latest_is_a_query(tmp_path: Path) -> None:
    """The newest hub, and the newest with a verdict, are found by reading."""
    project = hubs.project(tmp_path)
    green = hubs.run(project).hub
    red = hubs.run(project, parameters={"value": "0"}).hub
    hub_store = HubStore(project.hubs, project.work)

    assert sorted(hub_store.hubs("tiny")) == sorted([green, red])
    assert hub_store.latest("tiny", Verdict.GREEN) == green
    assert hub_store.latest("tiny", Verdict.RED) == red
    assert hub_store.latest("tiny", Verdict.INCONCLUSIVE) is None
    assert hub_store.suites() == ["tiny"]

    again = hubs.run(project).hub
    assert hub_store.latest("tiny") == hub_store.latest("tiny", Verdict.GREEN) == again
    damage(again / layout.RECORD, "{}")
    assert hub_store.latest("tiny") == red
    assert hub_store.latest("tiny", Verdict.GREEN) == green


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


@pytest.mark.parametrize("schema", [0, 2, "1", None, True, 1.0])
def test_another_schema_is_damage(tmp_path: Path, schema: object) -> None:
    """A whole record of a schema that this release does not know is not guessed at."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    value = json.loads((hub / layout.RECORD).read_text())
    damage(hub / layout.RECORD, json.dumps({**value, "schema": schema}))

    with pytest.raises(IntegrityError):
        HubStore(project.hubs, project.work).read(hub)


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


def dies_while_starting_a_child(lock: Path, lives_s: float) -> None:
    """Kill a run whose child, forked and not yet executing its program, shares the lock."""
    pid = os.fork()
    if pid == 0:
        try:
            Ownership(lock)
            if os.fork() == 0:
                time.sleep(lives_s)
                os._exit(0)
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def test_a_lock_that_only_a_child_of_the_dead_shares_is_waited_for(tmp_path: Path) -> None:
    """A run killed while it starts a stage is cleared by the very next command."""
    left = leave(tmp_path, "20260101T000000Z-cccccc")
    lock = layout.owner(tmp_path / ".harness", "20260101T000000Z-cccccc")
    dies_while_starting_a_child(lock, 0.3)

    cleared = HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers()

    assert cleared == ["20260101T000000Z-cccccc"]
    assert not any(path.exists() for path in (*left, lock))


def test_a_living_run_is_not_waited_for(tmp_path: Path) -> None:
    """Only a lock whose owner is gone is worth the patience."""
    leave(tmp_path, "20260101T000000Z-dddddd")
    owner = Ownership(layout.owner(tmp_path / ".harness", "20260101T000000Z-dddddd"))
    began = time.monotonic()

    HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers()

    assert time.monotonic() - began < store._PATIENCE_S / 2
    owner.release()


def test_a_lock_held_for_ever_is_left_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock decides: what somebody still holds is not touched, dead owner or not."""
    monkeypatch.setattr(store, "_PATIENCE_S", 0.05)
    left = leave(tmp_path, "20260101T000000Z-eeeeee")
    dies_while_starting_a_child(
        layout.owner(tmp_path / ".harness", "20260101T000000Z-eeeeee"), 1.0
    )

    cleared = HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers()

    assert cleared == []
    assert all(path.exists() for path in left)


def test_a_run_that_ends_meanwhile_keeps_its_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A red run lets go between the listing and the look: its folder is for its retries."""
    run_id = "20260101T000000Z-ffffff"
    owner = Ownership(layout.owner(tmp_path / ".harness", run_id))
    work = layout.work(tmp_path / ".harness", run_id)
    work.mkdir()
    real = store.take_over

    def late(path: Path, deadline: float) -> int | None:
        owner.release()
        return real(path, deadline)

    monkeypatch.setattr(store, "take_over", late)

    assert HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers() == []
    assert work.is_dir()


def test_a_lock_file_cleared_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that begins while another command clears holds a lock that can be seen."""
    path = layout.owner(tmp_path / ".harness", "20260101T000000Z-abcdef")
    real, stolen = files.fcntl.flock, []

    def steal(handle: int, operation: int) -> None:
        if not stolen:
            stolen.append(path.unlink())
        real(handle, operation)

    with monkeypatch.context() as patched:
        patched.setattr(files.fcntl, "flock", steal)
        owner = Ownership(path)
    leave(tmp_path, "20260101T000000Z-abcdef")

    assert path.exists()
    assert HubStore(tmp_path / "hubs", tmp_path / ".harness").clean_leftovers() == []
    owner.release()
