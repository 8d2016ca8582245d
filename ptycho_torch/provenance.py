"""What made a result: library versions, the commit of the code, the platform."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
from pathlib import Path

from ptycho_torch import __version__

_LIBRARIES = ("torch", "lightning", "numpy", "scipy", "h5py", "safetensors")
_GIT_TIMEOUT_S = 10


def libraries() -> dict[str, str]:
    """Return the installed versions of the libraries that results depend on."""
    versions = {"ptycho_torch": __version__}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def python_version() -> str:
    """Return the version of the interpreter."""
    return platform.python_version()


def system() -> str:
    """Return operating system and processor, without the name of the machine."""
    return f"{platform.system()}-{platform.machine()}"


def git_state() -> tuple[str | None, bool | None]:
    """Return the commit of this package's checkout and whether its files differ from it.

    Returns:
        (None, None) when the package is not in a checkout or git is absent.
    """
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None, None
    changes = _git("status", "--porcelain", "--", ".")
    return commit, bool(changes)


def _git(*words: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    folder = Path(__file__).parent
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, no shell
            [program, "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
