"""Install the built wheel in each Python at hand, and take it into real repositories.

``python -m proofs.adopt 3.11 3.13`` tries these Pythons, and with ``--repositories`` in their
place the repositories, or those of them that are named.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from proofs.adopt import environments, repositories


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
    print(repositories.report(adoptions))
    return 0


def try_pythons(wanted: list[str]) -> int:
    """Try each Python; returns 0 when all that are here went the road within bounds."""
    exit_code = 0
    for version, python in environments.interpreters(wanted).items():
        if python is None:
            print(f"adopt: Python {version} is not on this machine: not tried")
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
    return exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
