"""Defects of the harness, judged by its tests: the nearest first, all of them in the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from proofs.unknown import patches
from proofs.unknown.patches import Patch

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_FLAGS = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-m",
    "not long and not gpu",
    "--timeout",
    "300",
    # A limit of time may be passed by chance where much runs at once.
    *("--deselect", "tests/harness/cli/test_speed.py"),
    *("--deselect", "tests/harness/runner/test_workflow.py::test_overhead_is_small"),
)
_FAR = ("tests/harness", "tests/outside", "tests/faults", "tests/docs", "tests/roads")
_PROCESSES = ("-n", "2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Which test failed with a defect planted; none where it lived."""

    name: str
    test: str
    circle: str
    seconds: float


def judge(tree: Path, patch: Patch) -> Judgement:
    """Plant a defect in a work tree, run tests in growing circles until one fails."""
    began = time.monotonic()
    patches.apply(patch, tree)
    try:
        for paths in list_circles(tree, patch.file):
            if test := _find_failure(tree, paths):
                spent = round(time.monotonic() - began, 1)
                circle = ", ".join(paths)
                return Judgement(name=patch.name, test=test, circle=circle, seconds=spent)
    finally:
        patches.take_back(tree)
    spent = round(time.monotonic() - began, 1)
    return Judgement(name=patch.name, test="", circle="", seconds=spent)


def list_circles(tree: Path, file: str) -> Iterator[tuple[str, ...]]:
    """Yield the tests of a module, those of its package and those around, then all."""
    mirror = PurePosixPath("tests", file)
    own = mirror.with_name(f"test_{mirror.name}")
    seen = set()
    for place in (own, *mirror.parents):
        inside = place.parts[:2] == ("tests", "harness") and len(place.parts) > 2
        if inside and (tree / place).exists() and place not in seen:
            seen.add(place)
            yield (str(place),)
    yield _FAR


def _find_failure(tree: Path, paths: tuple[str, ...]) -> str:
    """Return a test that fails among those of these paths; empty where all pass."""
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    there = [path for path in paths if (tree / path).exists()]
    split = _PROCESSES if paths == _FAR else ()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *_FLAGS, *split, *there],
        cwd=tree,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode in (0, 5):  # passed, or nothing to run
        return ""
    match = _FAILED.search(done.stdout)
    return match[1] if match else f"exit code {done.returncode}"
