"""What is written appears whole, and what a killed writer left goes with the next command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import files
from harness.errors import StorageError


def killed(work: Callable[[], None]) -> None:
    """Do something in a process that is killed by it."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def killed_while_writing(path: Path) -> Path:
    """Kill a writer before it renames; return the temporary file that it left."""

    def write() -> None:
        Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[method-assign]
        files.write_text(path, "half")

    before = set(path.parent.iterdir())
    killed(write)
    (left,) = set(path.parent.iterdir()) - before
    return left


def test_the_next_write_clears_what_a_killed_one_left(tmp_path: Path) -> None:
    """No second temporary file gathers beside a path that is written again."""
    path = tmp_path / "a.json"
    left = killed_while_writing(path)
    assert left.read_text() == "half"

    files.write_text(path, "whole")

    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text() == "whole"


def test_temporaries_of_the_dead_are_cleared_and_no_other_file(tmp_path: Path) -> None:
    """Only what a writer of ours would have made is taken away."""
    killed_while_writing(tmp_path / "a.json")
    killed_while_writing(tmp_path / ".sealing-b.json")
    mine = [".a.json", "a.part", ".a.part", ".a.json.x.part", ".0.part", "b.0.part"]
    for name in mine:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".folder.0.part").mkdir()

    files.clear_parts(tmp_path)

    assert {p.name for p in tmp_path.iterdir()} == {*mine, ".folder.0.part"}


def test_a_living_writer_is_neither_cleared_nor_disturbed(tmp_path: Path) -> None:
    """Others clear and write the same path meanwhile; the last rename counts."""
    path = tmp_path / "a.json"
    part, handle = files._part_of(path)

    files.clear_parts(tmp_path)
    files.write_text(path, "of another")

    assert path.read_text() == "of another"
    assert files.is_at(handle, part)
    os.close(handle)
    files.clear_parts(tmp_path)
    assert not part.exists()


def test_a_file_taken_for_a_dead_writers_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its making and its lock anybody may clear it: then there is a new one."""
    real, stolen = files.fcntl.flock, []

    def steal(handle: int, operation: int) -> None:
        if not stolen:
            stolen.append((tmp_path / ".a.json.0.part").unlink())
        real(handle, operation)

    monkeypatch.setattr(files.fcntl, "flock", steal)
    files.write_text(tmp_path / "a.json", "whole")

    assert stolen
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_what_stands_in_the_way_is_passed_by(tmp_path: Path) -> None:
    """A link or folder under the temporary name is neither followed nor removed."""
    other = tmp_path / "other"
    other.write_text("mine")
    (tmp_path / ".a.json.0.part").symlink_to(other)
    (tmp_path / ".a.json.1.part").mkdir()

    files.write_text(tmp_path / "a.json", "whole", mode=0o600)

    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o600
    assert other.read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 4


def test_a_refused_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses the rename is named, and the old content stays."""
    path = tmp_path / "a.json"
    path.write_text("old")

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(StorageError):
        files.write_text(path, "new")

    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]
    assert path.read_text() == "old"


def test_a_file_system_without_locks_is_written_and_never_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing tells who lives, nothing is taken away."""

    def refuse(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    left = killed_while_writing(tmp_path / "a.json")
    monkeypatch.setattr(files.fcntl, "flock", refuse)

    files.clear_parts(tmp_path)
    files.write_text(tmp_path / "a.json", "whole")

    assert (tmp_path / "a.json").read_text() == "whole"
    assert left.exists()
