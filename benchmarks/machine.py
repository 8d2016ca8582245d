"""Where and with which versions something was measured."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "lightning", "numpy", "scipy", "matplotlib", "ptychi", "bagit", "click")
PROGRAMS = ("dvc", "reframe", "snakemake", "mlflow", "sha256sum", "git")


def processor() -> str:
    """Name the processor and whether it has instructions for SHA-256, where Linux tells."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or "unknown"
    name = text.partition("model name")[2].partition("\n")[0].strip("\t :")
    return f"{name}, {'with' if ' sha_ni' in text else 'without'} SHA-NI"


def described() -> str:
    """Say which machine this is."""
    system = f"{platform.system()} {platform.machine()}"
    return f"{system}, {os.cpu_count()} cores ({processor()})"


def package(name: str) -> str | None:
    """Return the version of a package of this environment, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def program(name: str, peers: Path | None = None) -> str | None:
    """Find a program: among the peers, beside this Python, where programs usually are."""
    folders = [str(peers)] if peers else []
    folders += [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return shutil.which(name, path=":".join(folders)) or shutil.which(name)


def read_version(argv: list[str]) -> str | None:
    """Return the first line that a program says of its version, or None where it fails."""
    completed = subprocess.run(
        [*argv, "--version"], check=False, capture_output=True, text=True
    )
    line = completed.stdout.strip().partition("\n")[0]
    return line if completed.returncode == 0 and line else None


def versions(peers: Path | None = None) -> dict[str, str | None]:
    """Return the versions of what is measured and of every peer; None where it is missing."""
    by_name: dict[str, str | None] = {"python": platform.python_version()}
    by_name |= {name: package(name) for name in PACKAGES}
    for name in PROGRAMS:
        place = program(name, peers)
        by_name[name] = read_version([place]) if place else None
    return by_name
