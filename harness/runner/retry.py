"""Commands that a person pastes to see a red cause again, from the root of the project."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from harness.evidence.hub import redact
from harness.files import real_path


def portable(path: str, root: Path) -> str:
    """Write an absolute path so that it works from ``root`` and says nothing of the machine."""
    place = Path(path)
    if not place.is_absolute():
        return shlex.quote(path)
    for form, base in ((place, root), (real_path(place), real_path(root))):
        if form.is_relative_to(base):
            return shlex.quote(form.relative_to(base).as_posix() or ".")
    program = shutil.which(place.name)
    if program is not None and Path(program) == place:
        return shlex.quote(place.name)
    home = redact.home_of_account()
    if home is not None and len(home.parts) > 1 and place.is_relative_to(home):
        return "~/" + shlex.quote(place.relative_to(home).as_posix())
    return shlex.quote(os.path.relpath(place, root))


def argument(item: str, root: Path) -> str:
    """Write one argument; paths inside it, as in ``--option=/path``, are made portable."""
    if item.startswith("/"):
        return portable(item, root)
    name, sign, value = item.partition("=")
    if sign and value.startswith("/"):
        return f"{shlex.quote(name)}={portable(value, root)}"
    return shlex.quote(item)


def stage_command(argv: tuple[str, ...], root: Path, environment: Mapping[str, str]) -> str:
    """Write the command of a stage with its real arguments and its declared variables."""
    declared = [f"{name}={shlex.quote(value)}" for name, value in environment.items()]
    return " ".join([*declared, *(argument(item, root) for item in argv)])


def run_command(
    suite: str, root: Path, datasets: Mapping[str, Path], parameters: Mapping[str, str]
) -> str:
    """Write the command that runs a suite as it was run."""
    parts = ["harness", "run", shlex.quote(suite)]
    for role, path in datasets.items():
        flag = {"train": "--dataset", "test": "--test-dataset"}.get(role)
        place = portable(str(real_path(path)), root)
        parts += [flag, place] if flag else ["--with", f"{shlex.quote(role)}={place}"]
    for name, value in parameters.items():
        parts += ["--set", shlex.quote(f"{name}={value}")]
    return " ".join(parts)
