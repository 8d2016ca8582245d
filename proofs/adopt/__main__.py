"""Install the built wheel in each Python at hand, and take it into real repositories.

``python -m proofs.adopt 3.11 3.13`` tries these Pythons, and with ``--repositories`` in their
place the repositories, or those of them that are named. The figures go into
``docs/adoption.md``: of the Pythons when all were asked for, so of the repositories.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from harness.files import write_text
from proofs.adopt import environments, repositories
from proofs.docs import regions

PAGE = regions.DOCS / "adoption.md"
HEAD = ("Python", "size [MB]", "installed in [s]", "`init`, `run` and `verify` [s]")


def main(words: list[str]) -> int:
    """Do what the words say; returns 0 when it went as it must."""
    if words[:1] == ["--repositories"]:
        return try_repositories(words[1:])
    return try_pythons(words)


def try_repositories(names: list[str]) -> int:
    """Adopt repositories; returns 0 when each was green and its defect was caught."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            adoptions = repositories.adopt_all(Path(sys.executable), Path(folder), names)
        except RuntimeError as error:
            print(f"adopt: {error}")
            return 1
    table = repositories.report(adoptions)
    print(table)
    if not names:
        write_region("repositories", table)
    return 0


def write_region(name: str, table: str) -> None:
    """Renew one part of the page on adoption."""
    write_text(PAGE, regions.renew_one(PAGE.read_text("utf-8"), name, table))


def try_pythons(wanted: list[str]) -> int:
    """Try each Python; returns 0 when all that are here went the road within bounds."""
    exit_code, rows = 0, []
    for version, python in environments.interpreters(wanted).items():
        if python is None:
            print(f"adopt: Python {version} is not on this machine: not tried")
            rows.append((version, "not at hand, not tried", "", ""))
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                installed = environments.try_python(python, Path(folder))
            except RuntimeError as error:
                print(f"adopt: Python {version}: {error}")
                exit_code = 1
                continue
        print(
            f"adopt: Python {installed.python}: {installed.size_mb:.1f} MB, installed in "
            f"{installed.install_s:.0f} s; init, run and verify in {installed.road_s:.1f} s"
        )
        figures = (installed.size_mb, installed.install_s, installed.road_s)
        rows.append((installed.python, *(f"{figure:.1f}" for figure in figures)))
    if not wanted and not exit_code:
        write_region("pythons", regions.table(HEAD, rows))
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
