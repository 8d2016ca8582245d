"""Install the built wheel in each Python at hand and go the README's road there."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from proofs.adopt import environments


def main(wanted: list[str]) -> int:
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
