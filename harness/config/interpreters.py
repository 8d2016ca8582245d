"""Which Python runs a suite: ``python``, a path, a name or a command that starts one.

The harness may live in an environment of its own. ``{python}`` in an argument vector stands
for the interpreter of the stage; a prefix such as ``["conda", "run", "-n", "x", "python"]`` is
as many arguments where ``{python}`` is an argument by itself, and their shell text within one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.config.project import SuiteSpec
from harness.config.tables import TopTable
from harness.errors import ConfigError

# Where a declared path is looked up that a scratch checkout lacks: environments are not in git.
HOME = "HARNESS_PYTHON_ROOT"
# The one interpreter of all stages, whatever is declared: a rerun in a scratch environment.
INSTEAD = "HARNESS_PYTHON_INSTEAD"


def inherit(suite: SuiteSpec, top: TopTable) -> SuiteSpec:
    """Give a suite the project's interpreter and packages where it declares none."""
    return replace(
        suite,
        python=suite.python or top.python,
        packages=suite.packages or top.packages,
    )


def locate(words: Sequence[str], root: Path) -> tuple[str, ...]:
    """Return the command that starts an interpreter; the harness's own for no words.

    A rerun in a scratch environment puts that one's in the place of any.

    A first word with a folder in it is a path from ``root``; links are kept, for an
    environment is known by the path of its link.

    Raises:
        ConfigError: There is no such program.
    """
    if instead := os.environ.get(INSTEAD):
        return (instead,)
    if not words:
        return (sys.executable,)
    first = words[0]
    import shutil  # noqa: PLC0415 - not free at a start, and most commands start nothing

    places = [root, *(Path(home) for home in (os.environ.get(HOME),) if home)]
    tried = [str(place / first) for place in places] if "/" in first else [first]
    program = next(filter(None, map(shutil.which, tried)), None)
    if program is None:
        raise ConfigError(
            f"harness.toml: python = {first!r}"[:160],
            found=f"no program {tried[0]}",
            expected="an interpreter, or a command that starts one",
            remedy="Make the environment, or correct the path.",
        )
    return (program, *words[1:])


def join(command: Sequence[str]) -> str:
    """Return what ``{python}`` stands for: a path, or the shell text of a prefix."""
    if len(command) == 1:
        return command[0]
    import shlex  # noqa: PLC0415 - whoever verifies starts nothing

    return shlex.join(command)


def splice(argv: Sequence[str], command: Sequence[str]) -> tuple[str, ...]:
    """Put the words of a prefix where its text is an argument by itself."""
    if len(command) <= 1:
        return tuple(argv)
    text = join(command)
    return tuple(word for item in argv for word in (command if item == text else (item,)))
