"""The drills of this repository fit its code and its declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import config_file, drill

ROOT = Path(__file__).parents[2]
PATCHES = sorted((ROOT / drill.FOLDER).glob("*.patch"))
LEAST = 24


@pytest.mark.parametrize("patch", PATCHES, ids=lambda path: path.stem)
def test_drill_applies(patch: Path) -> None:
    """A patch that no longer fits is repaired with the change that broke it."""
    drill.apply(patch, ROOT, "--check")


def test_drills_name_declared_guards() -> None:
    """Each drill names a guard of its suite, and there are enough of them."""
    found = drill.select(config_file.load(ROOT), None, [])

    assert len(found) == len(PATCHES) >= LEAST
