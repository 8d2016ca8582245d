"""Evidence is neither lost nor wrong on machines, file systems and terminals of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main
from harness.errors import ConfigError
from harness.evidence.hub import comparison, stamp
from harness.evidence.numerics.numeric_class import CACHE
from harness.judgement.declaration import load_project
from harness.judgement.verify import verify
from harness.verdict import Verdict
from tests.builders import hubs
from tests.builders.sealed import Store


def harness(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the harness as a program in an environment of its own."""
    argv = [sys.executable, "-m", "harness", "-C", str(root), *words]
    passed_on = {key: os.environ[key] for key in ("PATH", CACHE)}
    variables = {**passed_on, "PYTHONPATH": str(Path.cwd()), **environment}
    return subprocess.run(argv, env=variables, capture_output=True, check=False)


# ---------------------------------------------------------------- line ends, modes


def test_init_keeps_line_ends_out_of_evidence(tmp_path: Path) -> None:
    """A clone with core.autocrlf gets the bytes that were sealed."""
    (tmp_path / "a.py").write_text("A = 1\n")
    main.main(["init", "-C", str(tmp_path)])
    main.main(["run", "default", "-C", str(tmp_path)])
    hubs.commit(tmp_path)
    hub = next((tmp_path / "hubs/default").iterdir())
    hubs.git(tmp_path, "add", "--force", str(hub))
    hubs.git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "hub")
    clone = tmp_path / "clone"
    hubs.git(tmp_path, "-c", "core.autocrlf=true", "clone", "--quiet", ".", str(clone))

    rows = [
        row
        for row in verify(load_project(clone), clone / hub.relative_to(tmp_path)).rows
        if row.check == "bytes"
    ]

    assert [row.outcome for row in rows] == ["ok"]


@pytest.mark.parametrize("names", [("plan.md",), ("manifest-sha256.txt",), None])
def test_line_ends_are_named_as_the_cause(store: Store, names: tuple[str, ...] | None) -> None:
    """Files that git gave other line ends are damaged, and the row says by what."""
    for path in store.hub.rglob("*"):
        if path.is_file() and (names is None or path.name in names):
            path.chmod(0o644)
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))

    report = verify(store.project, store.hub)

    rows = [row for row in report.rows if "CRLF" in row.found]
    assert report.exit_code == 4
    assert rows
    assert all(".gitattributes" in row.remedy for row in rows)


def test_forced_modes_are_a_note(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a file system keeps no modes (WSL, CIFS), they are no damage, and it is said."""
    for path in store.hub.rglob("*"):
        if path.is_file():
            path.chmod(0o777)
    monkeypatch.setattr(comparison.os, "chmod", lambda *_: None)

    report = verify(store.project, store.hub)

    assert report.exit_code == 0
    assert any("keeps no modes" in row.found for row in report.rows)


def test_modes_that_somebody_changed_are_damage(store: Store) -> None:
    """Where the file system keeps modes, the same modes are damage."""
    for path in store.hub.rglob("*"):
        if path.is_file():
            path.chmod(0o777)

    assert verify(store.project, store.hub).exit_code == 4


# ---------------------------------------------------------------- the stamp


def changed(root: Path) -> None:
    (root / "source/model.py").write_text("GAIN = 9\n")


def assumed_unchanged(root: Path) -> None:
    hubs.git(root, "update-index", "--assume-unchanged", "source/model.py")
    changed(root)


def skipped(root: Path) -> None:
    hubs.git(root, "update-index", "--skip-worktree", "source/model.py")
    changed(root)


def ignored_stat(root: Path) -> None:
    hubs.git(root, "config", "core.ignoreStat", "true")
    hubs.git(root, "update-index", "--really-refresh")
    changed(root)


def with_old_times(root: Path) -> None:
    path = root / "source/model.py"
    before = path.stat()
    hubs.git(root, "config", "core.trustctime", "false")
    hubs.git(root, "config", "core.checkStat", "minimal")
    hubs.git(root, "status")
    time.sleep(0.02)
    path.write_text("GAIN = 9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def untracked_not_shown(root: Path) -> None:
    hubs.git(root, "config", "status.showUntrackedFiles", "no")
    (root / "source/new.py").write_text("B = 1\n")


def in_a_submodule(root: Path, *, ignore: str = "") -> None:
    other = root.parent / "other"
    hubs.declare(other)
    hubs.commit(other)
    words = ("submodule", "add", "--quiet", str(other), "part")
    hubs.git(root, "-c", "protocol.file.allow=always", *words)
    if ignore:
        hubs.git(root, "config", "--file", ".gitmodules", "submodule.part.ignore", ignore)
    hubs.commit(root)
    (root / "part/source/model.py").write_text("GAIN = 9\n")


def in_an_ignored_submodule(root: Path) -> None:
    in_a_submodule(root, ignore="all")


def in_a_dirty_submodule(root: Path) -> None:
    in_a_submodule(root, ignore="dirty")


def in_submodules_nobody_looks_at(root: Path) -> None:
    hubs.git(root, "config", "diff.ignoreSubmodules", "all")
    in_a_submodule(root)


def elsewhere(root: Path) -> None:
    copy = root.parent / "clean"
    hubs.git(root, "clone", "--quiet", ".", str(copy))
    hubs.git(root, "config", "core.worktree", str(copy))
    changed(root)


@pytest.mark.parametrize(
    "hide",
    [
        changed,
        assumed_unchanged,
        skipped,
        ignored_stat,
        with_old_times,
        untracked_not_shown,
        in_a_submodule,
        in_an_ignored_submodule,
        in_a_dirty_submodule,
        in_submodules_nobody_looks_at,
        elsewhere,
    ],
)
def test_hidden_change_is_dirty(tmp_path: Path, hide: Callable[[Path], None]) -> None:
    """Whatever settings hide from git, a tree that differs from its commit is dirty."""
    root = hubs.declare(tmp_path / "p")
    hubs.commit(root)
    assert not stamp.take(root, ()).dirty
    hide(root)

    assert stamp.take(root, ()).dirty


@pytest.mark.parametrize("how", ["no repository", "foreign owner", "no git", "no commit"])
def test_missing_commit_is_said_aloud(tmp_path: Path, how: str) -> None:
    """A run of which no commit tells says so, and why, while it runs and in its reason."""
    root = hubs.declare(tmp_path / "p")
    environment = {"HOME": str(tmp_path)}
    if how == "no commit":
        hubs.git(root, "init", "--quiet")
    if how in ("foreign owner", "no git"):
        hubs.commit(root)
    if how == "foreign owner":
        for path in (root, root / ".git"):
            os.chown(path, 12345, 12345)
    if how == "no git":
        (tmp_path / "bin").mkdir()
        environment["PATH"] = str(tmp_path / "bin")

    done = harness(root, "run", "tiny", **environment)

    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    assert "no commit vouches for this run" in said
    assert "no commit vouches for the source" in said


# ---------------------------------------------------------------- terminals, accounts, names


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("words", [("run", "tiny"), ("status",), ("verify", "latest")])
def test_no_terminal_ends_a_command(
    tmp_path: Path, encoding: str, words: tuple[str, ...]
) -> None:
    """A sign that a terminal has not is written as an escape."""
    root = hubs.declare(tmp_path / "p")
    hubs.run(load_project(root))

    done = harness(root, *words, PYTHONIOENCODING=encoding)

    assert done.returncode in (0, 3), done.stderr
    assert b"internal error" not in done.stderr


def test_account_without_home_or_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user without HOME and without an entry in passwd runs all the same."""

    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    made = hubs.project(tmp_path, tiny=hubs.suite(hubs.command("make", "raise SystemExit(3)")))

    assert hubs.run(made).record.verdict is Verdict.RED


def test_init_beside_a_file_of_another_encoding(tmp_path: Path) -> None:
    """A .gitignore in Latin-1 keeps its bytes and gets the lines that are needed."""
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9/\n")

    assert main.main(["init", "-C", str(tmp_path)]) == 0
    assert (tmp_path / ".gitignore").read_bytes().startswith(b"caf\xe9/\n.harness/\n")


def test_folder_whose_name_is_no_text(tmp_path: Path) -> None:
    """A project in a folder whose name is no UTF-8 is run, verified and told of."""
    root = hubs.declare(Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")))
    hubs.commit(root)

    codes = [
        harness(root, *w).returncode
        for w in (("run", "tiny"), ("verify", "latest"), ("status",))
    ]

    assert codes == [0, 0, 0]


REFUSED = {
    "backslash": "a\\b.json",
    "decomposed accent": "e\u0301.json",
    "control character": "a\tb.json",
    "line end": "a\nb.json",
    "leading number sign": "#a.json",
    "longer than a name may be": "n" * 252 + ".json",
    "direction mark": "a\u202eb.json",
}


@pytest.mark.parametrize("name", REFUSED)
def test_name_that_no_hub_holds_is_refused_first(tmp_path: Path, name: str) -> None:
    """An artifact that could not be sealed is a mistake, before any stage runs."""
    stage = hubs.command("make", "x", artifacts=[{"id": "out", "path": REFUSED[name]}])
    hubs.declare(tmp_path, tiny=hubs.suite(stage))

    with pytest.raises(ConfigError):
        load_project(tmp_path)


@pytest.mark.parametrize("twins", [("out.json", "OUT.json"), ("a/out.json", "b/Out.json")])
def test_twins_of_case_are_refused_first(tmp_path: Path, twins: tuple[str, str]) -> None:
    """Two artifacts that one file system keeps as one are a mistake of the declaration."""
    artifacts = [{"id": f"a{i}", "path": path} for i, path in enumerate(twins)]
    hubs.declare(tmp_path, tiny=hubs.suite(hubs.command("make", "x", artifacts=artifacts)))

    with pytest.raises(ConfigError, match="case"):
        load_project(tmp_path)


def test_stages_that_differ_in_case_are_refused(tmp_path: Path) -> None:
    """Logs of stages are named after them."""
    hubs.declare(
        tmp_path, tiny=hubs.suite(hubs.command("make", "x"), hubs.command("Make", "x"))
    )

    with pytest.raises(ConfigError, match="case"):
        load_project(tmp_path)
