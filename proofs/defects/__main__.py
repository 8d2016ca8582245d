"""Plant each trap in a copy of the project, run its test with and without, write the table.

Usage: ``python -m proofs.defects [--only TEXT] [--output FILE]``; ``make defects``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from proofs.defects.traps import TRAPS, Trap, plant

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "upstream-defects.md"
_RED = 1
_HEAD = """\
# Documented defects and the tests that see them

Written by `make defects`. Each row is a way in which software of this kind was found, or is
documented, to be wrong. The command plants the defect in a copy of this project by changing
the source as `proofs/defects/traps.py` says, and runs the named test there: it must pass
without the defect and fail with it.

| defect | what it does | test | without | with |
|---|---|---|---|---|
"""


def main() -> int:
    """Run all traps; 1 when a test is not red with its defect or not green without."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="text in the name of the traps to run")
    parser.add_argument("--output", type=Path, default=_PAGE)
    args = parser.parse_args()
    chosen = [trap for trap in TRAPS if args.only in trap.name]
    rows, missed = [], 0
    for trap in chosen:
        sound, planted = _outcome(trap, is_planted=False), _outcome(trap, is_planted=True)
        is_seen = (sound, planted) == ("green", "red")
        missed += not is_seen
        word = "seen" if is_seen else "MISSED"
        sys.stdout.write(f"{word}: {trap.name} ({sound}, {planted})\n")
        sys.stdout.flush()
        rows.append(f"| {trap.name} | {trap.harm} | `{trap.node}` | {sound} | {planted} |")
    if len(chosen) == len(TRAPS):
        tail = f"\n{len(TRAPS) - missed} of {len(TRAPS)} defects are seen by their test.\n"
        args.output.write_text(_HEAD + "\n".join(rows) + "\n" + tail)
    return int(missed > 0)


def _outcome(trap: Trap, *, is_planted: bool) -> str:
    """Run the test of a trap in a fresh copy of the project."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("ptycho_torch", "tests", "harness", "configs"):
            shutil.copytree(_ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.pyc"))
        shutil.copy(_ROOT / "pyproject.toml", copy)
        if is_planted:
            plant(trap, copy)
        argv = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", trap.node]
        completed = subprocess.run(
            argv,
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if completed.returncode == 0:
        return "green"
    return "red" if completed.returncode == _RED and " failed" in completed.stdout else "broken"


if __name__ == "__main__":
    raise SystemExit(main())
