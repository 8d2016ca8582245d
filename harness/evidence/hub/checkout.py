"""What git says of a work tree, asked with as little of the user's settings as can be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_TIMEOUT_S = 60.0


def ask(root: Path, *arguments: str) -> bytes | None:
    """Return what git prints, or None where it fails or there is no git."""
    # A hook that calls the harness sets GIT_DIR and the like for its own purposes.
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    argv = ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with our own arguments
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
            env={**clean, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
