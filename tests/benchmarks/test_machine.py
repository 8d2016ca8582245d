"""Versions of peers: those in the named folder come first, one that fails is none."""

from __future__ import annotations

from pathlib import Path

from benchmarks import machine


def put(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_peers_come_from_the_named_folder(tmp_path: Path) -> None:
    """A program of the folder is the one that is measured, before any on the path."""
    put(tmp_path, "git", "echo 'git version 99'")

    assert machine.program("git", tmp_path) == str(tmp_path / "git")
    assert machine.versions(tmp_path)["git"] == "git version 99"


def test_a_peer_that_fails_is_none(tmp_path: Path) -> None:
    """A program that cannot tell its version is as good as not there."""
    put(tmp_path, "dvc", "echo broken; exit 1")

    assert machine.versions(tmp_path)["dvc"] is None
    assert machine.program("no-such-program", tmp_path) is None


def test_packages_tell_their_version() -> None:
    """An installed package has a version, another has none."""
    assert machine.package("torch")
    assert machine.package("no-such-package") is None
