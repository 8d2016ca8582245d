"""The lock of a commit in, a scratch environment out: the packages of the run and no others.

Only wheels are installed, so that no package runs code of its own while it is installed, and
nothing that the lock does not name. The harness stays in its own environment: the scratch one
is that of the stages.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.errors import ConfigError
from harness.evidence.hub import digest
from harness.files import real_path

LOCKS = ("requirements.lock", "uv.lock", "pylock.toml", "poetry.lock", "pdm.lock")
# A package by name and exact version, with marker and digests; or a digest on its own line.
_PINNED = re.compile(
    r"[A-Za-z0-9][\w.-]*(\[[\w.,\s-]*\])?\s*===?\s*[^\s;*]+"
    r"\s*(;[^#]*?)?(\s--hash=\S+)*|--hash=\S+"
)
_LONGEST = 2000  # characters of a line
_BY_PIP = ("requirements.lock",)
_BY_UV = ("uv.lock",)
_ONLY_WHEELS = ("--no-deps", "--only-binary", ":all:")
_TIMEOUT_S = 3600.0
_LIMIT = 16 << 20  # bytes of a lock
_WORDS = 200


@contextlib.contextmanager
def from_lock(lock: Path, version: str) -> Iterator[Path]:
    """Make an environment of what a lock names, and yield its interpreter.

    Args:
        lock: The lock file, in the tree of its commit.
        version: The Python of the run, such as ``3.11.7``; its first two parts count.

    Raises:
        ConfigError: That Python, a tool for this kind of lock, or a package cannot be had.
    """
    base = _find_python(version)
    folder = real_path(Path(tempfile.mkdtemp(prefix="harness-environment-")))
    try:
        listed = _list_requirements(lock, folder)
        text = digest.read_bytes(listed, _LIMIT).decode(errors="replace")
        require_pinned(text, lock.name)
        _call([base, "-P", "-m", "venv", "--without-pip", str(folder / "env")], lock, folder)
        made = folder / "env" / "bin" / "python"
        _call([*_installer(made), *_ONLY_WHEELS, "-r", str(listed)], lock, folder)
        yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_python(version: str) -> str:
    """Return an interpreter of the version that the run had.

    Raises:
        ConfigError: There is none.
    """
    short = ".".join(version.split(".")[:2])
    if short == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    program = shutil.which(f"python{short}")
    if program is None:
        raise _unavailable(f"Python {version}", f"no python{short}", "the Python of the run")
    return program


def _list_requirements(lock: Path, folder: Path) -> Path:
    """Return a lock as requirements, by the tool that it belongs to.

    Raises:
        ConfigError: The tool is not here, or there is none for this kind of lock.
    """
    if lock.name in _BY_PIP:
        return lock
    if lock.name not in _BY_UV:
        raise _unavailable(lock.name, "a kind of lock that is not read", "a requirements.lock")
    program = shutil.which("uv")
    if program is None:
        raise _unavailable(lock.name, "no program uv", "the program that reads this lock")
    listed = folder / "requirements.txt"
    words = ("--frozen", "--quiet", "--no-emit-project", "--output-file", str(listed))
    _call([program, "export", "--project", str(lock.parent), *words], lock, folder)
    return listed


def require_pinned(text: str, name: str) -> None:
    """Require that each line names one version of one package of the index.

    A folder, an address or an option could have code run while it is installed, or bring in
    what the lock does not tell.

    Raises:
        ConfigError: A line is anything else.
    """
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(" #")[0].strip().rstrip("\\").strip()
        if words and not words.startswith("#") and not _PINNED.fullmatch(words):
            raise _unavailable(
                f"{name}:{number}", words[:80], "a package with its exact version"
            )


def _installer(python: Path) -> list[str]:
    """Return the command that installs into an environment.

    Raises:
        ConfigError: Neither pip nor uv is here.
    """
    if importlib.util.find_spec("pip") is not None:
        quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
        return [sys.executable, "-P", "-m", "pip", "--python", str(python), *quiet, "install"]
    program = shutil.which("uv")
    if program is None:
        raise _unavailable("packages of the run", "neither pip nor uv", "one of them")
    return [program, "pip", "install", "--quiet", "--python", str(python)]


def _call(argv: Sequence[str], lock: Path, folder: Path) -> None:
    """Run a tool in a folder of its own; the index that it asks is the one of the user.

    Raises:
        ConfigError: It failed or took too long.
    """
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - tools of this machine, by their paths
            list(argv),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _unavailable(lock.name, str(error)[:_WORDS], "an environment of it") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
        reason = next((line for line in said if line.startswith("ERROR:")), said[-1])
        raise _unavailable(
            lock.name, reason.strip()[:_WORDS], "every package of it, as a wheel"
        )


def _unavailable(where: str, found: str, expected: str) -> ConfigError:
    remedy = "Name an interpreter that has the packages with --python, or add --present."
    return ConfigError(where, found=found, expected=expected, remedy=remedy)
