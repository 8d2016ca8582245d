"""Build a distribution reproducibly, and look at what is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECTS = (".", "packaging/ptycho-torch")
# The only package of each distribution.
PACKAGES = {"ptycho_harness": "harness", "ptycho_torch": "ptycho_torch"}
# What an sdist holds beside the package.
_BESIDE = ("LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "hatch_build.py", ".gitignore")


def copy_tree(target: Path) -> Path:
    """Copy what git has or would take; another path, other times, nothing ignored."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if name.startswith(("hubs/", "golden/")) or not (ROOT / name).is_file():
            continue
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    return target


def build(project: Path, out: Path) -> list[Path]:
    """Build sdist and wheel of a project folder; returns their paths.

    Times inside are those of the last commit, so that a commit has one wheel.
    """
    stamp = ["git", "log", "-1", "--format=%ct"]
    made_at = subprocess.run(stamp, cwd=ROOT, check=True, capture_output=True, text=True)
    before = set(out.glob("*"))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(out)],
        cwd=project,
        env={**os.environ, "SOURCE_DATE_EPOCH": made_at.stdout.strip()},
        check=True,
        capture_output=True,
    )
    return sorted(set(out.glob("*")) - before)


def differences(first: Sequence[Path], second: Sequence[Path]) -> list[str]:
    """Name the files of two builds that are not the same bytes."""
    left = {path.name: path.read_bytes() for path in first}
    right = {path.name: path.read_bytes() for path in second}
    return sorted(
        name for name in left.keys() | right.keys() if left.get(name) != right.get(name)
    )


def members(path: Path) -> list[str]:
    """List the files in a wheel or an sdist, the sdist's own folder left out."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    with tarfile.open(path) as archive:
        return [info.name.partition("/")[2] for info in archive if info.isfile()]


def foreign_members(path: Path) -> list[str]:
    """Name what a distribution holds beside its one package and what describes it."""
    name, version = path.name.removesuffix(".tar.gz").split("-")[:2]
    own = (f"{PACKAGES[name]}/", f"{name}-{version}.dist-info/")
    beside = () if path.suffix == ".whl" else _BESIDE
    return [m for m in members(path) if not m.startswith(own) and m not in beside]
