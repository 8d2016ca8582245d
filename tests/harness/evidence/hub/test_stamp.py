"""The git stamp and the environment: what nothing vouches for is never called clean."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness.evidence.hub import interpreter, stamp
from harness.files import sha256_file
from tests.builders import hubs


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = hubs.declare(tmp_path / "tree")
    hubs.commit(root)
    return root


def test_clean_tree_is_clean(tree: Path) -> None:
    """Straight after a commit the stamp names it, and there is no difference."""
    made = stamp.take(tree, ())

    assert made.commit == hubs.git(tree, "rev-parse", "HEAD")
    assert made.tree == hubs.git(tree, "rev-parse", "HEAD^{tree}")
    assert (made.branch, made.dirty, made.diff_sha256) == ("main", False, None)


def change_tracked(tree: Path) -> None:
    (tree / "source/model.py").write_text("GAIN = 2\n")


def add_untracked(tree: Path) -> None:
    (tree / "source/new.py").write_text("NEW = 1\n")


def remove_tracked(tree: Path) -> None:
    (tree / "source/model.py").unlink()


def stage_change(tree: Path) -> None:
    change_tracked(tree)
    hubs.git(tree, "add", "--all")


@pytest.mark.parametrize("edit", [change_tracked, add_untracked, remove_tracked, stage_change])
def test_each_difference_is_dirty(tree: Path, edit: object) -> None:
    """A change, an addition, a removal and a staged change all make the tree dirty."""
    assert callable(edit)
    edit(tree)

    made = stamp.take(tree, ())

    assert made.dirty
    assert made.diff_sha256 is not None


def test_difference_is_told_by_its_digest(tree: Path) -> None:
    """Two contents of an untracked file have two digests; the same content has the same."""
    digests = []
    for content in ("a = 1\n", "a = 2\n", "a = 1\n"):
        (tree / "source/new.py").write_text(content)
        digests.append(stamp.take(tree, ()).diff_sha256)

    assert digests[0] == digests[2] != digests[1]


def test_own_and_ignored_files_do_not_count(tree: Path) -> None:
    """The hub store and what git ignores are no difference."""
    (tree / "hubs/tiny").mkdir(parents=True)
    (tree / "hubs/tiny/x").write_text("x")
    (tree / ".harness").mkdir()
    (tree / ".harness/y").write_text("y")

    assert not stamp.take(tree, (tree / "hubs",)).dirty
    assert stamp.take(tree, ()).dirty


def test_outside_git_nothing_vouches(tmp_path: Path) -> None:
    """Without a repository the commit is none, and the tree is not called clean."""
    made = stamp.take(tmp_path, ())

    assert (made.commit, made.tree, made.dirty) == ("none", "none", True)


def test_before_the_first_commit(tmp_path: Path) -> None:
    """A repository without a commit has none."""
    hubs.git(tmp_path, "init", "--quiet")

    assert stamp.take(tmp_path, ()).commit == "none"


def test_hook_variables_do_not_mislead(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called from a git hook of another repository, the stamp is still the project's."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))

    assert not stamp.take(tree, ()).dirty


DEVICES = [
    ((("x", "--accelerator", "cpu"),), {}, "cpu"),
    ((("x",), ("x", "--accelerator", "cuda")), {}, "cuda"),
    ((("x", "--accelerator=gpu"),), {}, "cuda"),
    ((("x", "--device", "cuda:1"),), {}, "cuda"),
    ((("x",),), {"device": "cuda"}, "cuda"),
    ((("x",),), {}, "cpu"),
]


@pytest.mark.parametrize(("argvs", "parameters", "device"), DEVICES)
def test_device_is_what_stages_ask_for(
    argvs: tuple[tuple[str, ...], ...], parameters: dict[str, str], device: str
) -> None:
    """One stage on an accelerator makes the run one of that device class."""
    assert stamp.device(argvs, parameters) == device


def test_environment_names_versions() -> None:
    """Python and the packages that results depend on are recorded, absent ones as none."""
    made = stamp.environment((), {})

    assert {"python", "platform", "machine", "device"} <= set(made)
    assert made["python"].count(".") == 2
    assert interpreter.own_version("no-such-distribution", tuple(sys.path)) == "none"


def test_first_folder_of_the_path_wins(tmp_path: Path) -> None:
    """The version is that of the copy that Python would import; what has none is passed by."""
    for folder, version in (("first", "2.13.0+cpu"), ("second", "1.0")):
        place = tmp_path / folder / f"torch-{version}.dist-info"
        place.mkdir(parents=True)
        (place / "METADATA").write_text(f"Name: torch\nVersion: {version}\n\nVersion: 9\n")
    (tmp_path / "empty" / "torch-3.dist-info").mkdir(parents=True)
    path = tuple(str(tmp_path / name) for name in ("nowhere", "empty", "first", "second"))

    assert interpreter.own_version("torch", path) == "2.13.0+cpu"


def test_file_that_vanishes_is_a_difference_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What git named and is gone when it is read ends no run; the tree is still dirty."""
    hubs.declare(tmp_path)
    hubs.commit(tmp_path)
    swap = tmp_path / "swap"
    swap.write_text("x")

    def vanish(path: Path) -> str:
        path.unlink()
        return sha256_file(path)

    monkeypatch.setattr(stamp, "sha256_file", vanish)

    assert stamp.take(tmp_path, ()).dirty
    assert not swap.exists()
