"""Sealing: complete, read-only, listed, logged; and whole again after any fault."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.errors import IntegrityError, LockTimeoutError, StorageError
from harness.evidence.hub import comparison, inventory, seal
from harness.evidence.ledger.log import Entry, Ledger
from harness.verdict import Verdict

RUN = "20260102T030405Z-a1b2c3"


def unsealed(hubs: Path) -> Path:
    """Write a small folder as a run leaves it."""
    folder = hubs / "tiny" / f".tmp-{RUN}"
    for name, content in {
        "hub.json": "{}\n",
        "analysis/a.csv": "1,2\n",
        "plan/p.md": "é",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (folder / "red").mkdir()
    (folder / "analysis/a.csv").chmod(0o755)
    return folder


def close(folder: Path, ledger: seal.Log[Entry]) -> Entry:
    """Seal the folder."""
    final = folder.with_name(RUN)
    return seal.seal(folder, final, ledger, suite="tiny", run_id=RUN, verdict=Verdict.GREEN)


def recover(hubs: Path) -> Ledger:
    """Do what the next command does."""
    ledger = Ledger(hubs / "ledger.jsonl")
    seal.resume(hubs, ledger, {entry.subject: "" for entry in ledger.entries()})
    return ledger


def test_a_sealed_hub_is_complete_read_only_and_logged(tmp_path: Path) -> None:
    """Nothing differs from the manifest, nobody may write or execute, the ledger knows it."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entry = close(unsealed(tmp_path), ledger)
    hub = tmp_path / "tiny" / RUN

    modes = {stat.S_IMODE(p.stat().st_mode) for p in hub.rglob("*") if p.is_file()}
    assert comparison.compare(hub).damages == ()
    assert modes == {0o444}
    assert not (hub / "red").exists()
    assert ledger.entries() == (entry,)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.jsonl", "tiny"]


def test_the_manifest_is_accepted_by_sha256sum(tmp_path: Path) -> None:
    """The coreutils tool agrees with every line."""
    close(unsealed(tmp_path), Ledger(tmp_path / "ledger.jsonl"))

    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", inventory.MANIFEST],  # noqa: S607
        cwd=tmp_path / "tiny" / RUN,
        check=False,
    )
    assert done.returncode == 0


def list_files(root: Path) -> list[Path]:
    """Return the files of a folder."""
    return [path for path in root.rglob("*") if path.is_file()]


def test_the_seal_says_what_was_sealed(tmp_path: Path) -> None:
    """Names, verdict and manifest, how much it is, and the notes; the names are the hub's."""
    notes = {"commit": "c" * 40, "suite": "other"}
    names = {"suite": "tiny", "run_id": RUN, "verdict": Verdict.RED}
    folder, ledger = unsealed(tmp_path), Ledger(tmp_path / "ledger.jsonl")
    final = folder.with_name(RUN)
    entry = seal.seal(folder, final, ledger, notes=notes, **names)  # type: ignore[arg-type]
    manifest = final / inventory.MANIFEST
    files = [path for path in list_files(final) if path != manifest]
    assert (entry.kind, entry.subject) == ("seal", f"tiny/{RUN}")
    assert entry.body == {
        "suite": "tiny",
        "run_id": RUN,
        "verdict": "red",
        "commit": "c" * 40,
        "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        "file_count": len(files),
        "size": sum(path.stat().st_size for path in files),
    }


def test_an_empty_folder_of_the_name_is_not_taken_either(tmp_path: Path) -> None:
    """A rename would take its place without a word."""
    folder = unsealed(tmp_path)
    folder.with_name(RUN).mkdir()

    with pytest.raises(StorageError):
        close(folder, Ledger(tmp_path / "ledger.jsonl"))
    assert (folder / "red").exists()


def test_a_second_run_never_overwrites(tmp_path: Path) -> None:
    """A hub of that name stays what it was."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    close(unsealed(tmp_path), ledger)

    with pytest.raises(StorageError):
        close(unsealed(tmp_path), ledger)
    assert ledger.check().size == 1


@pytest.mark.parametrize("name", ["a\nb", "a\\b", "a\x1b[2Jb", "#a", "e\u0301"])
def test_names_that_a_hub_may_not_hold_are_taken_out(tmp_path: Path, name: str) -> None:
    """A name that a manifest, a terminal or another file system would bend is not sealed."""
    folder = unsealed(tmp_path)
    (folder / name).write_text("")

    with pytest.raises(IntegrityError):
        inventory.take(folder)
    close(folder, Ledger(tmp_path / "ledger.jsonl"))
    sealed_ = tmp_path / "tiny" / RUN
    assert (sealed_ / "hub.json").is_file()
    assert not (sealed_ / name).exists()
    assert name not in (sealed_ / inventory.MANIFEST).read_text("utf-8")


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    """They would be one file elsewhere."""
    folder = unsealed(tmp_path)
    (folder / "HUB.json").write_text("")

    with pytest.raises(IntegrityError):
        inventory.take(folder)


@pytest.mark.parametrize("make", [lambda p: p.symlink_to("/etc/passwd"), os.mkfifo])
def test_what_is_no_file_is_not_sealed(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """Links and pipes are taken out before the seal; nothing is followed or read."""
    folder = unsealed(tmp_path)
    make(folder / "thing")

    with pytest.raises(IntegrityError):
        inventory.take(folder)
    close(folder, Ledger(tmp_path / "ledger.jsonl"))
    sealed_ = tmp_path / "tiny" / RUN
    assert not os.path.lexists(sealed_ / "thing")
    assert "thing" not in (sealed_ / inventory.MANIFEST).read_text("utf-8")


class LateLog:
    """A ledger that looks at the store before it takes an entry, or refuses it."""

    def __init__(self, hubs: Path, *, refuses: bool) -> None:
        """Take the store to look at."""
        self.ledger, self.waiting = Ledger(hubs / "ledger.jsonl"), [0]
        self._hubs, self._refuses = hubs, refuses

    def append(self, kind: str, subject: str, body: Mapping[str, Any]) -> Entry:
        """Count the intents that wait for this entry."""
        return self.append_all([(kind, subject, body, "")])[0]

    def append_all(
        self, items: Sequence[tuple[str, str, Mapping[str, Any], str]]
    ) -> list[Entry]:
        """Count the intents that wait for these entries."""
        self.waiting.append(len(seal.intents(self._hubs)))
        if self._refuses:
            raise LockTimeoutError("a lock", found="x", expected="y", remedy="z")
        return self.ledger.append_all(items)


@pytest.mark.parametrize("is_adopted", [False, True])
@pytest.mark.parametrize("refuses", [False, True])
def test_an_intent_stays_until_the_ledger_holds_the_seal(
    tmp_path: Path, *, refuses: bool, is_adopted: bool
) -> None:
    """Killed or refused in between, the next command logs the seal that was begun."""
    log, folder = LateLog(tmp_path, refuses=refuses), unsealed(tmp_path)
    with contextlib.suppress(LockTimeoutError):
        if is_adopted:
            staged = tmp_path / ".unit/tiny" / RUN
            names = {"suite": "tiny", "run_id": RUN, "verdict": Verdict.RED}
            seal.stage(folder, staged, "2026-01-02T03:04:05Z", **names)  # type: ignore[arg-type]
            seal.adopt(tmp_path, log, [seal.read_staged(staged)])
        else:
            close(folder, log)

    assert log.waiting == [0, 1]
    assert len(seal.intents(tmp_path)) == int(refuses)
    assert [entry.subject for entry in recover(tmp_path).entries()] == [f"tiny/{RUN}"]
    assert seal.intents(tmp_path) == ()


@pytest.mark.parametrize("what", ["seal", "stage", "receive"])
def test_each_file_and_folder_is_durable_before_the_rename(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A machine that loses its power after the seal still has every byte of it."""
    folder, done = unsealed(tmp_path), list[str]()
    real_sync, real_rename = os.fsync, os.rename
    monkeypatch.setattr(
        os,
        "fsync",
        lambda handle: (
            done.append(str(Path(f"/proc/self/fd/{handle}").readlink())),
            real_sync(handle),
        ),
    )
    monkeypatch.setattr(os, "rename", lambda *a: (done.append("rename"), real_rename(*a)))
    ledger, final = Ledger(tmp_path / "log" / "ledger.jsonl"), folder.with_name(RUN)
    names = {"suite": "tiny", "run_id": RUN, "verdict": Verdict.GREEN}
    if what == "seal":
        close(folder, ledger)
    elif what == "stage":
        seal.stage(folder, final, "2026-01-02T03:04:05Z", **names)  # type: ignore[arg-type]
    else:
        final = folder
        seal.close_received(folder, names, "2026-01-02T03:04:05Z")
        assert {stat.S_IMODE(p.stat().st_mode) for p in list_files(folder)} == {0o444}
        done.append("rename")

    before = done[: len(done) - done[::-1].index("rename")]
    inside = {path.relative_to(final).as_posix() for path in final.rglob("*")} | {"."}
    synced = {os.path.relpath(path, folder) for path in before if path.startswith(str(folder))}
    assert inside <= synced
    if what == "seal":
        after = done[len(before) :]
        assert after.index(str(final.parent)) < after.index(str(ledger.path))
        assert str(tmp_path) in after
        assert str(tmp_path / f".sealing-{RUN}.json") in before


BODIES: list[tuple[Any, bool]] = [
    ({}, True),
    ({"manifest_sha256": "0" * 64}, False),
    ({"run_id": "20260102T030405Z-ffffff"}, False),
    ({"suite": ".."}, False),
    ({"suite": "tiny/x"}, False),
    ({"suite": 3}, False),
    ({"suite": "tiny/../tiny"}, False),
]


@pytest.mark.parametrize(("changes", "is_logged"), BODIES)
def test_an_intent_is_finished_only_where_its_hub_is_whole(
    tmp_path: Path, changes: dict[str, Any], *, is_logged: bool
) -> None:
    """A torn or foreign intent logs nothing and is cleared; nothing is logged twice."""
    entry = close(unsealed(tmp_path), Ledger(tmp_path / "elsewhere.jsonl"))
    intent = tmp_path / f".sealing-{RUN}.json"
    for _ in range(2):
        intent.write_text(json.dumps({**entry.body, **changes}))
        logged = recover(tmp_path).entries()
        assert not intent.exists()
    assert [one.subject for one in logged] == ([f"tiny/{RUN}"] if is_logged else [])


FAULTY = ("open", "write", "pwrite", "fsync", "rename", "chmod", "unlink", "ftruncate")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("call", FAULTY)
def test_any_call_of_a_seal_may_fail_and_the_store_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """The N-th call fails, for each N: the hub is sealed and logged, or neither."""
    for nth in range(1, 60):
        hubs = tmp_path / f"{call}-{nth}"
        folder = unsealed(hubs)
        with monkeypatch.context() as patch:
            counter = _fail_nth(patch, call, nth, number)
            with contextlib.suppress(StorageError, IntegrityError):
                close(folder, Ledger(hubs / "ledger.jsonl"))
        ledger = recover(hubs)
        hub = hubs / "tiny" / RUN
        sealed = [entry for entry in ledger.entries() if entry.kind == seal.KIND]
        assert len(sealed) == int(hub.exists())
        assert not hub.exists() or comparison.compare(hub).damages == ()
        if counter[0] < nth:
            return


def _fail_nth(patch: pytest.MonkeyPatch, call: str, nth: int, number: int) -> list[int]:
    real, counter = getattr(os, call), [0]

    def maybe(*arguments: Any, **named: Any) -> Any:
        counter[0] += 1
        if counter[0] == nth:
            raise OSError(number, os.strerror(number))
        return real(*arguments, **named)

    patch.setattr(os, call, maybe)
    return counter


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.harness.evidence.hub import test_seal
from harness.evidence.ledger.log import Ledger
hubs, nth, count = Path(sys.argv[1]), int(sys.argv[2]), 0
folder = test_seal.unsealed(hubs)
def killing(real):
    def call(*arguments, **named):
        global count
        count += 1
        if count == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*arguments, **named)
    return call
for name in ("open", "fsync", "rename", "pwrite", "unlink", "ftruncate", "chmod"):
    setattr(os, name, killing(getattr(os, name)))
test_seal.close(folder, Ledger(hubs / "ledger.jsonl"))
"""


@pytest.mark.slow
def test_a_seal_killed_at_any_call_is_finished_or_absent(tmp_path: Path) -> None:
    """SIGKILL at points all along the seal: no hub without its entry after the next command."""
    root = str(Path(__file__).parents[4])
    ends = set()
    for nth in range(1, 60, 3):
        hubs = tmp_path / str(nth)
        argv = [sys.executable, "-c", KILLED, str(hubs), str(nth), root]
        code = subprocess.run(argv, check=False, cwd=root).returncode
        ledger, hub = recover(hubs), hubs / "tiny" / RUN
        assert ledger.check().size == int(hub.exists())
        assert not hub.exists() or comparison.compare(hub).damages == ()
        ends.add((code, hub.exists()))
        if code == 0:
            break
    assert (-9, False) in ends
    assert (0, True) in ends
