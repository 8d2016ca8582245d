"""The list of documented traps stays applicable; the proof itself is ``make defects``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.defects.traps import TRAPS, Trap, plant

_ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_trap_still_applies(trap: Trap, tmp_path: Path) -> None:
    """The text that a trap changes is there once, and the changed file is valid Python."""
    for edit in trap.edits:
        target = tmp_path / "ptycho_torch" / edit.file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_ROOT / "ptycho_torch" / edit.file, target)

    plant(trap, tmp_path)

    for edit in trap.edits:
        compile((tmp_path / "ptycho_torch" / edit.file).read_text(), edit.file, "exec")


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: trap.name)
def test_named_test_exists(trap: Trap) -> None:
    """The file of the test has a function of that name."""
    path, *names = trap.node.split("::")

    assert f"def {names[-1]}(" in (_ROOT / path).read_text()


@pytest.mark.long
def test_every_planted_defect_is_seen(tmp_path: Path) -> None:
    """Every named test passes without its defect and fails with it."""
    argv = [sys.executable, "-m", "proofs.defects", "--output", str(tmp_path / "page.md")]

    assert subprocess.run(argv, cwd=_ROOT, check=False).returncode == 0
