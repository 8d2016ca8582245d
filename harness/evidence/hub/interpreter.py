"""What an interpreter is and has: asked of the one that runs the stages, by a short child.

An interpreter that a declaration names is started only by who runs suites: whoever reads a
clone of others takes what an earlier run was answered, while nothing of it has changed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from harness.config import interpreters
from harness.config.project import SuiteSpec
from harness.errors import ConfigError
from harness.evidence.numerics import numeric_class

NONE = "none"
# Recorded where installed, unless a suite declares its own.
USUAL = (
    *("torch", "tensorflow", "jax", "numpy", "scipy", "lightning", "keras", "scikit-learn"),
    *("transformers", "pandas", "numba", "cupy"),
)
_TIMEOUT_S = 60
_SCHEMA = 1
_FACTS = ("python", "implementation", "platform", "machine")
# Python 3.6 can read this. It answers in the last line: what is started on the way may print.
_PROBE = """
import json, os, platform, sys
names, modules = json.loads(sys.argv[1])
import importlib.util
try:
    from importlib import metadata
except ImportError:
    metadata = None
def version(name):
    try:
        return metadata.version(name)
    except Exception:
        return "none"
def lacks(name):
    try:
        return importlib.util.find_spec(name) is None
    except (ImportError, ValueError):
        return True
sys.stdout.write("\\n" + json.dumps({
    "python": platform.python_version(), "implementation": sys.implementation.name,
    "platform": sys.platform, "machine": platform.machine(),
    "packages": {name: version(name) for name in names},
    "absent": [name for name in modules if lacks(name)],
    "places": [sys.executable] + sys.path,
}) + "\\n")
"""


def describe(
    words: Sequence[str], root: Path, packages: Sequence[str] = (), *, may_start: bool
) -> dict[str, str]:
    """Return version, platform and packages of an interpreter.

    Args:
        words: The declared interpreter; the harness's own where it is empty.
        root: Folder that a declared path starts from.
        packages: Distributions whose versions are recorded, ``none`` where one is absent.
            Without any, the usual ones that are installed.
        may_start: Whether a declared interpreter may be started; else what it answered to a
            run is taken, while its program and the folders of its packages are as they were.

    Raises:
        ConfigError: The interpreter is missing, does not answer, or was not asked by a run.
    """
    if not words:
        facts = {
            "python": platform.python_version(),
            "implementation": sys.implementation.name,
            "platform": sys.platform,
            "machine": platform.machine(),
        }
        path = tuple(sys.path)
        versions = {name: own_version(name, path) for name in packages or USUAL}
    else:
        ask = _ask if may_start else _read_earlier
        answer = ask(interpreters.locate(words, root), tuple(packages or USUAL), ())
        facts = {key: answer[key] for key in _FACTS}
        versions = answer["packages"]
    recorded = {n: v for n, v in versions.items() if packages or v != NONE}
    return {**facts, **recorded}


def absent_modules(suite: SuiteSpec, root: Path) -> str:
    """Say which module the stages of a suite lack and what installs it; nothing if none."""
    if not suite.requires:
        return ""
    if suite.python:
        command = interpreters.locate(suite.python, root)
        lacking = _ask(command, (), tuple(suite.requires))["absent"]
    else:
        lacking = [name for name in suite.requires if importlib.util.find_spec(name) is None]
    return "; ".join(f"module {n} is not installed: {suite.requires[n]}" for n in lacking)


@cache
def own_version(package: str, folders: tuple[str, ...]) -> str:
    """Read the version of a package that is installed beside the harness, ``none`` without."""
    for path in _installed_metadata(folders).get(_normalise(package), ()):
        with contextlib.suppress(OSError), path.open("rb") as lines:
            for line in lines:
                if line.startswith(b"Version:"):
                    return line.partition(b":")[2].decode(errors="replace").strip()
    return NONE


@cache
def _installed_metadata(folders: tuple[str, ...]) -> dict[str, list[Path]]:
    """List the metadata of what is installed, each folder looked at once."""
    by_package: dict[str, list[Path]] = {}
    for folder in folders:
        try:
            names = os.listdir(folder or os.curdir)  # noqa: PTH208 - names only, hundreds
        except OSError:
            continue  # an archive, or not there
        for name in sorted(names):
            if name.endswith((".dist-info", ".egg-info")):
                package = _normalise(name.rpartition(".")[0].partition("-")[0])
                file_name = "METADATA" if name.endswith(".dist-info") else "PKG-INFO"
                by_package.setdefault(package, []).append(Path(folder, name, file_name))
    return by_package


def _normalise(package: str) -> str:
    return re.sub(r"[-_.]+", "_", package).lower()


@cache
def _ask(
    command: tuple[str, ...], packages: tuple[str, ...], modules: tuple[str, ...]
) -> Mapping[str, Any]:
    """Start the interpreter, and keep what it says for who may not."""
    answer = _start(command, json.dumps([packages, modules]))
    numeric_class.write_kept(
        _question(command, packages, modules), {**answer, "marks": _marks(answer)}
    )
    return answer


@cache
def _read_earlier(
    command: tuple[str, ...], packages: tuple[str, ...], modules: tuple[str, ...]
) -> Mapping[str, Any]:
    """Take what the interpreter answered, if nothing that its answer came from has changed."""
    answer = numeric_class.read_kept(_question(command, packages, modules))
    if answer is not None and _is_answer(answer) and answer.get("marks") == _marks(answer):
        return answer
    raise ConfigError(
        f"harness.toml: python = {interpreters.join(command)!r}"[:160],
        found="no answer of it as it is now",
        expected="an interpreter that a run has asked here",
        remedy="Run the suite: what only reads starts no interpreter that a declaration names.",
    )


def _question(
    command: tuple[str, ...], packages: tuple[str, ...], modules: tuple[str, ...]
) -> tuple[Any, ...]:
    program = numeric_class.identify(command[0])
    return (_SCHEMA, "interpreter", _PROBE, command, program, packages, modules)


def _marks(answer: Mapping[str, Any]) -> list[str]:
    """Tell states of an environment apart: what is installed changes the folder it lies in."""
    places = answer.get("places")
    named = places if isinstance(places, list) else []
    return [numeric_class.identify(str(place)) for place in named if place]


def _is_answer(value: object) -> bool:
    """Say whether a value has the parts of an answer, each of its type."""
    if not isinstance(value, dict) or not isinstance(value.get("packages"), dict):
        return False
    texts = [value.get(key) for key in _FACTS] + list(value["packages"].values())
    return all(isinstance(text, str) for text in texts)


def _start(command: tuple[str, ...], question: str) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that runs the stages
            [*command, "-I", "-B", "-c", _PROBE, question],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refuse(command, str(error)[:120]) from error
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines and not done.returncode else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or not _is_answer(answer):
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _refuse(command, f"exit code {done.returncode}: {said[-1] if said else ''}"[:120])
    return answer


def _refuse(command: Sequence[str], found: str) -> ConfigError:
    return ConfigError(
        f"harness.toml: python = {interpreters.join(command)!r}"[:160],
        found=found,
        expected="an interpreter that answers",
        remedy="Try it by hand with -c 'print(1)', or correct the command.",
    )
