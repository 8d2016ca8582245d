"""A disk that refuses and a process that dies on the road of a run; the next command works."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import StorageError
from harness.evidence.hub import layout, seal
from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.judgement.verify.report import Outcome
from harness.runner import workflow
from harness.runner.stages import child
from harness.verdict import Verdict
from tests.builders import hubs


class Refusal:
    """Refuses the ``nth`` reading of the artifact ``out`` in a hub, and counts them all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, nth: int, number: int) -> None:
        """Take the place of ``Path.read_bytes``."""
        self.count, self._nth, self._number = 0, nth, number
        real = Path.read_bytes

        def read(path: Path) -> bytes:
            if path.parts[-3:] == ("analysis", "make", "out.json"):
                self.count += 1
                if self.count == self._nth:
                    raise OSError(self._number, os.strerror(self._number))
            return real(path)

        monkeypatch.setattr(Path, "read_bytes", read)


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC, errno.EACCES])
@pytest.mark.parametrize("guards", [[hubs.FLOOR], []], ids=["declared", "built-in"])
def test_evidence_that_the_disk_refuses_gives_no_verdict(
    guards: list[dict[str, Any]], number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a declared guard nor a built-in one seals a trouble of the disk as a finding."""
    project = hubs.project(tmp_path, tiny=hubs.suite(hubs.writing(), guards=guards))
    with monkeypatch.context() as patched:
        Refusal(patched, 1, number)
        with pytest.raises(StorageError) as caught:
            hubs.run(project)

    assert caught.value.where == "analysis/make/out.json"
    assert caught.value.found == os.strerror(number)
    assert list((tmp_path / "hubs/tiny").iterdir()) == []
    assert list((tmp_path / ".harness/work").iterdir()) == []
    assert hubs.run(project).record.verdict is Verdict.GREEN


_ACCEPTABLE = (Outcome.PASSED, Outcome.NOTE)


def test_evidence_that_is_gone_is_still_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is not there is no trouble of the disk: the guard cannot be judged."""
    project = hubs.project(tmp_path)
    with monkeypatch.context() as patched:
        Refusal(patched, 1, errno.ENOENT)
        record = hubs.run(project).record

    assert record.verdict is Verdict.INCONCLUSIVE


def test_a_refusal_while_a_hub_is_judged_again_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verification goes on, and says which file the disk refused."""
    project = hubs.project(tmp_path)
    hub = hubs.run(project).hub
    refusal = Refusal(monkeypatch, 1, errno.EIO)

    report = verify(project, hub)

    (row,) = [row for row in report.rows if row.outcome not in _ACCEPTABLE]
    assert refusal.count == 1
    assert (row.check, row.outcome) == ("guards", Outcome.DAMAGED)
    assert row.found == "analysis/make/out.json: Input/output error"


_WAIT = """
import pathlib, sys, time
here = pathlib.Path(sys.argv[1])
(here / "begun").touch()
while not (here / "go").exists():
    time.sleep(0.02)
"""


def test_a_copy_of_a_project_leaves_the_runs_of_the_original_alone(tmp_path: Path) -> None:
    """In the copy a living run looks as if it had been left behind."""
    stage = hubs.command("make", _WAIT, "{root}")
    project = hubs.project(tmp_path / "project", tiny=hubs.suite(stage))
    outcomes: list[Verdict] = []
    running = threading.Thread(target=lambda: outcomes.append(hubs.run(project).record.verdict))
    running.start()
    hubs.wait_for(tmp_path / "project/begun")

    shutil.copytree(tmp_path / "project", tmp_path / "copy", ignore_dangling_symlinks=True)
    workflow.tidy(load_project(tmp_path / "copy"))
    (tmp_path / "project/go").touch()
    running.join(30)

    assert list((tmp_path / "copy/.harness/work").iterdir()) == []
    assert outcomes == [Verdict.GREEN]


def test_what_a_killed_run_left_is_ended(tmp_path: Path) -> None:
    """A stage whose run was killed goes on by itself, until the next command."""
    stage = hubs.command("make", _WAIT, "{root}")
    project = hubs.project(tmp_path, tiny=hubs.suite(stage))
    hubs.kill_in_a_stage(project, tmp_path / "begun")
    (owner,) = (tmp_path / ".harness/work").glob("*.lock")
    mark = child.mark_of(layout.work(project.work, owner.stem), "make")
    before = _list_marked(mark)

    workflow.tidy(project)

    assert len(before) == 1
    deadline = time.monotonic() + 10  # a killed process takes a moment to go
    while _list_marked(mark):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _list_marked(mark: str) -> list[int]:
    """Return the living processes whose variables hold a mark."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            state = (process / "stat").read_text().rpartition(") ")[2][0]
            if f"={mark}".encode() in (process / "environ").read_bytes() and state != "Z":
                pids.append(int(process.name))
        except OSError:
            continue
    return pids


@pytest.mark.parametrize("moment", ["chmod", "rename"])
def test_a_seal_killed_while_its_intent_is_written_leaves_nothing(
    moment: str, tmp_path: Path
) -> None:
    """The half-written intent goes with the next command, and so does what the run left."""
    project = hubs.project(tmp_path)
    pid = os.fork()
    if pid == 0:
        try:
            _die_at_intent(moment)
            hubs.run(project)
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    (left,) = [path.name for path in (tmp_path / "hubs").iterdir() if path.is_file()]
    assert left.startswith("..sealing-")

    workflow.tidy(project)

    assert list((tmp_path / "hubs").rglob("*")) == [tmp_path / "hubs/tiny"]
    assert list((tmp_path / ".harness/work").iterdir()) == []


def _die_at_intent(moment: str) -> None:
    """Let this process die at a moment of the first writing of an intent."""
    real = seal._write_durably

    def write(path: Path, content: bytes) -> None:
        def die(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        if moment == "chmod":
            os.fchmod = die  # type: ignore[assignment]
        else:
            Path.replace = die  # type: ignore[assignment,method-assign]
        real(path, content)

    seal._write_durably = write


def test_every_folder_in_which_files_are_written_whole_is_tidied(tmp_path: Path) -> None:
    """Blockers, goldens and caches as well; what a stage made for itself stays."""
    project = hubs.project(tmp_path)
    names = [
        "hubs/.sealing-a.json",
        "hubs/blockers/b.md",
        "hubs/tiny/c.seal.json",
        "golden/tiny/cpu.json",
        ".harness/digests.json",
        ".harness/cache/trends.json",
        ".harness/drills/d.json",
        ".harness/ledger-tree/state",
    ]
    parts = [tmp_path / name for name in names]
    parts = [path.with_name(f".{path.name}.0.part") for path in parts]
    external = (
        layout.external_folder(project.work, "20260101T000000Z-aaaaaa") / ".bundle.0.part"
    )
    for path in (*parts, external):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps("half"))

    workflow.tidy(project)

    assert [path for path in parts if path.exists()] == []
    assert external.exists()
