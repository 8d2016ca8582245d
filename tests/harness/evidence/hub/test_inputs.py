"""Inputs by glob, and digests that notice every edit."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.evidence.hub import inputs
from tests.builders import hubs

TREE = ("a.py", "pkg/b.py", "pkg/deep/c.py", "pkg/deep/d.txt", "pkg/[e].py", "ignored/f.py")
GLOBS = {
    "*.py": {"a.py"},
    "pkg/*.py": {"pkg/b.py", "pkg/[e].py"},
    "**/*.py": {"a.py", "pkg/b.py", "pkg/deep/c.py", "pkg/[e].py", "ignored/f.py"},
    "pkg/**/*.py": {"pkg/b.py", "pkg/deep/c.py", "pkg/[e].py"},
    "pkg/**": {"pkg/b.py", "pkg/deep/c.py", "pkg/deep/d.txt", "pkg/[e].py"},
    "pkg/deep/?.txt": {"pkg/deep/d.txt"},
    "pkg/deep/[!c].*": {"pkg/deep/d.txt"},
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "tree"


@pytest.mark.parametrize("glob", sorted(GLOBS))
def test_globs_in_a_work_tree(tree: Path, glob: str) -> None:
    """Tracked, untracked and ignored files count alike: what a stage reads decides."""
    hubs.git(tree, "init", "--quiet")
    (tree / ".gitignore").write_text("ignored/\n")
    hubs.git(tree, "add", "a.py", "pkg/deep")

    assert set(inputs.resolve(tree, (glob,))) == GLOBS[glob]


@pytest.mark.parametrize("glob", sorted(GLOBS))
def test_globs_outside_git(tree: Path, glob: str) -> None:
    """Without git the same globs name the same files."""
    assert set(inputs.resolve(tree, (glob,))) == GLOBS[glob]


def test_plain_path_that_is_absent_is_refused(tree: Path) -> None:
    """A path without wildcards names a file, or the declaration is wrong."""
    assert list(inputs.resolve(tree, ("ignored/f.py",))) == ["ignored/f.py"]
    with pytest.raises(ConfigError, match=r"absent\.py"):
        list(inputs.resolve(tree, ("ignored/f.py", "absent.py")))


def test_globs_that_name_nothing_are_refused(tree: Path) -> None:
    """Evidence without inputs would be fresh for ever."""
    cache = inputs.DigestCache(tree / "cache")

    with pytest.raises(ConfigError):
        inputs.take(tree, ("src/*.rs",), cache)


def test_deleted_file_is_no_input(tree: Path) -> None:
    """A file that git still lists and that is gone is left out."""
    hubs.git(tree, "init", "--quiet")
    hubs.git(tree, "add", "--all")
    (tree / "a.py").unlink()

    digests = inputs.take(
        tree, ("**/*.py",), inputs.DigestCache(tree / "cache"), meaning="bytes"
    )

    assert "a.py" not in digests
    assert digests["pkg/b.py"] == hashlib.sha256(b"pkg/b.py").hexdigest()


def settled(path: Path) -> None:
    """Give a file a past that the cache trusts: only waiting makes a change time old."""
    deadline = time.time() + 2.1
    while time.time() < deadline:
        time.sleep(0.1)
    assert path.exists()


@pytest.mark.slow
def test_edit_with_restored_time_is_seen(tmp_path: Path) -> None:
    """An edit of the same size with its modification time set back changes the digest."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    status = path.stat()
    settled(path)
    cache = inputs.DigestCache(tmp_path / "cache")
    before = cache.digest(path)
    cache.save()

    path.write_text("x = 2\n")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = inputs.DigestCache(tmp_path / "cache").digest(path)

    assert after != before


@pytest.mark.slow
def test_unchanged_file_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the cache knows keeps its digest without being opened."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    settled(path)
    cache = inputs.DigestCache(tmp_path / "cache")
    known = cache.digest(path)
    cache.save()

    def refuse(_: Path) -> str:
        raise AssertionError("read again")

    monkeypatch.setattr(inputs, "sha256_file", refuse)

    assert inputs.DigestCache(tmp_path / "cache").digest(path) == known


def test_young_file_is_not_cached(tmp_path: Path) -> None:
    """A file of this moment may change within its time stamp, so it is read each time."""
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    cache = inputs.DigestCache(tmp_path / "cache")
    cache.digest(path)

    cache.save()

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"schema": 9}', b"[" * 100_000])
def test_broken_cache_is_empty(tmp_path: Path, content: bytes) -> None:
    """A cache that cannot be read is a cache that is not there."""
    (tmp_path / "cache").write_bytes(content)
    (tmp_path / "a.py").write_text("x")

    made = inputs.DigestCache(tmp_path / "cache").digest(tmp_path / "a.py")

    assert made == hashlib.sha256(b"x").hexdigest()


def test_summary_moves_with_name_and_content() -> None:
    """The digest of a set changes when a file is renamed, changed, added or swapped."""
    sets = [{"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {"a": "1", "c": "2"}, {"a": "1"}, {}]

    assert len({inputs.summary(s) for s in sets}) == len(sets)
