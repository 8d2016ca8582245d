"""Environments of each Python at hand, with the built wheel of the harness and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
LARGEST_MB = 50.0
LONGEST_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """One Python: size of the environment [MB], time from ``init`` to ``verify`` [s]."""

    python: str
    size_mb: float
    install_s: float
    road_s: float


def interpreters(wanted: list[str]) -> dict[str, Path | None]:
    """Find an interpreter of each wanted version: of pyenv, or on the path."""
    return {version: _find(version) for version in wanted or SUPPORTED}


def _find(version: str) -> Path | None:
    candidates = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    on_path = shutil.which(f"python{version}")
    for path in [*candidates, *([Path(on_path)] if on_path else [])]:
        probe = [str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(probe, capture_output=True, text=True, check=False)
        if done.stdout.strip() == version:
            return path
    return None


def install(python: Path, folder: Path, *more: str) -> Path:
    """Make an environment with the harness's wheel; returns its ``bin`` folder."""
    (wheel,) = (ROOT / "dist").glob("ptycho_harness-*.whl")
    run([str(python), "-m", "venv", str(folder)], folder.parent)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet"]
    run([*pip, "--disable-pip-version-check", str(wheel), *more], folder.parent)
    return folder / "bin"


def try_python(python: Path, folder: Path) -> Installation:
    """Go the README's road in a scratch repository: ``init``, ``run``, ``verify``.

    Raises:
        RuntimeError: A step failed, or a bound was passed; the message says which.
    """
    began = time.monotonic()
    place = install(python, folder / "env")
    installed = time.monotonic()
    size = sum(p.stat().st_size for p in (folder / "env").rglob("*") if p.is_file()) / 1e6
    repository = scratch(folder / "repository")
    harness = str(place / "harness")
    for words in (["init"], ["run", "default"], ["verify", "--hub", "latest"]):
        run([harness, *words], repository)
    spent = time.monotonic() - installed
    if size > LARGEST_MB or spent > LONGEST_S:
        raise RuntimeError(f"{size:.1f} MB (at most {LARGEST_MB}), {spent:.1f} s")
    version = run([str(place / "python"), "--version"], folder).split()[1]
    return Installation(python=version, size_mb=size, install_s=installed - began, road_s=spent)


def scratch(root: Path) -> Path:
    """Make a small repository in git that holds a package."""
    package = root / "tiny"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def double(x):\n    return 2 * x\n")
    for words in (["init", "--quiet"], ["add", "-A"], ["commit", "--quiet", "-m", "start"]):
        run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words], root)
    return root


def run(argv: list[str], cwd: Path, *, code: int = 0) -> str:
    """Run a command; its output, stderr included.

    Raises:
        RuntimeError: It ended with another exit code; its last lines are in the message.
    """
    done = subprocess.run(
        argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != code:
        last = "\n".join(done.stdout.splitlines()[-12:])
        raise RuntimeError(f"{' '.join(argv)}: exit code {done.returncode}, not {code}\n{last}")
    return done.stdout
