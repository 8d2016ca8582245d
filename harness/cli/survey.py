"""What a repository holds, asked of itself: its environment, and the tests pytest collects."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.config import interpreters
from harness.errors import ConfigError
from harness.frozen import dataclass

_ENVIRONMENTS = (".venv/bin/python", "venv/bin/python", "env/bin/python")
_TIMEOUT_S = 120
_SIGNS = (
    *("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg", "conftest.py"),
    *("**/test_*.py", "**/*_test.py", "tests", "test"),
)
_ID = re.compile(r"^([^\s:][^:]*\.\w+)::", re.MULTILINE)
_NO_TESTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What pytest collects with the repository's own configuration.

    ``selectors`` are the folders or files at the top that hold tests, relative to the
    repository; ``problem`` says in a line why nothing is known, and is empty otherwise.
    """

    count: int = 0
    selectors: tuple[str, ...] = ()
    problem: str = ""


def find_environment(root: Path) -> str:
    """Return the environment of a repository as ``python`` names it; empty for our own."""
    for name in _ENVIRONMENTS:
        path = root / name
        if path.is_file() and path.absolute().parent != Path(sys.executable).parent:
            return name
    return ""


def collect_tests(root: Path, python: str) -> Collected:
    """Ask pytest what it collects in a repository, by the interpreter that would run it.

    Where no file looks like a test and nothing configures pytest, it is not asked: it would
    only be slow to say that there is none.
    """
    if not any(any(root.glob(sign)) for sign in _SIGNS):
        return Collected(problem="no test here")
    try:
        command = interpreters.locate((python,) if python else (), root)
        done = subprocess.run(  # noqa: S603 - the repository's own interpreter
            [
                *(*command, "-B", "-m", "pytest", "--collect-only", "-q", "-p"),
                *("no:cacheprovider", "--color=no"),
            ],
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Collected(problem=f"pytest collected for over {_TIMEOUT_S} s")
    except (OSError, ConfigError) as error:
        return Collected(problem=" ".join(str(error).split())[:120])
    text = _clean(done.stdout)
    named = (_find_below(root, name) for name in _ID.findall(text))
    files = [name for name in named if name]
    if done.returncode == _NO_TESTS or (not files and not done.returncode):
        return Collected(problem="pytest collects no test here")
    if done.returncode:
        reason = _find_reason(text + _clean(done.stderr))
        return Collected(problem=f"pytest could not collect: {reason}"[:120])
    tops = sorted({name.partition("/")[0] for name in files})
    return Collected(count=len(files), selectors=tuple(tops))


def _find_reason(output: str) -> str:
    """Choose the line that says what went wrong: the last with ``error:``, else the last."""
    lines = output.strip().splitlines() or [""]
    errors = [line for line in lines if "error: " in line.lower() and "usage:" not in line]
    return (errors or lines)[-1].strip()


def _find_below(root: Path, name: str) -> str:
    """Return a file that pytest names from here: its own root may lie above, in a monorepo."""
    parts = Path(name).parts
    tails = (Path(*parts[i:]) for i in range(len(parts)))
    return next((tail.as_posix() for tail in tails if (root / tail).is_file()), "")


def _clean(output: bytes) -> str:
    """Keep what may stand in a comment of TOML."""
    text = output.decode(errors="replace")
    return "".join(c for c in text if c.isprintable() or c == "\n")
