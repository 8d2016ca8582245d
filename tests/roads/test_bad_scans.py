"""Scans that once ended green with a useless reconstruction, through suite quick."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders import bad_scans

_ROOT = Path(__file__).parents[2]
_RED = 1
# Of each kind: where it must stop, and what its first cause must say.
CAUSES = {
    "weak-phase": ("train", "training-network-beats-constant"),
    "corner": ("train", "expected the zero frequency at pixel 32, 32"),
    "counts": ("train", "whole numbers only, which look like counts"),
    "flattened": ("train", "training-beats-nulls"),
    "mirrored": ("train", "training-beats-nulls"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the project beside the files of all kinds."""
    folder = tmp_path_factory.mktemp("bad-scans")
    argv = ["git", "clone", "-q", _ROOT, folder / "project"]
    subprocess.run(argv, check=True)
    bad_scans.write_all(folder)
    return folder


def _run(place: Path, train: Path, unseen: Path) -> tuple[int, dict[str, Any]]:
    """Run suite quick on two files, without the stage of tests; return exit code and record."""
    named = place / "hub.txt"
    argv = [sys.executable, "-m", "harness", "run", "quick", "--quiet"]
    argv += ["--dataset", train, "--test-dataset", unseen, "--name-hubs", named]
    for stage in ("train", "parity", "inference"):
        argv += ["--stage", stage]
    completed = subprocess.run(argv, cwd=place / "project", check=False, capture_output=True)
    hub = place / "project" / named.read_text().strip()
    return completed.returncode, json.loads((hub / "hub.json").read_text())


@pytest.mark.long
@pytest.mark.road
@pytest.mark.parametrize("kind", CAUSES)
def test_bad_scan_is_red_for_its_cause(place: Path, kind: str) -> None:
    """Few electrons, a corner, counts, whole or not, a mirror: each is red, its cause first."""
    code, record = _run(place, place / f"{kind}-train.npz", place / f"{kind}-unseen.npz")

    stage, words = CAUSES[kind]
    first = record["causes"][0]
    assert (code, record["verdict"], first["stage"]) == (_RED, "red", stage)
    assert words in first["sentence"]
    # Whatever else is red follows from it.
    assert [cause["verdict"] for cause in record["causes"]].count("red") == 1


@pytest.mark.long
@pytest.mark.road
def test_sound_scan_has_no_red_guard(place: Path) -> None:
    """The scan that the bad ones are made of is not red: only the stage left out is missing."""
    _, record = _run(place, place / "sound-train.npz", place / "sound-unseen.npz")

    assert [cause["stage"] for cause in record["causes"]] == ["selectors"]
    assert "red" not in {guard["verdict"] for guard in record["guards"]}
