"""Install the built wheel in each Python at hand and go the README's road there."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from proofs.adopt import environments


def main(wanted: list[str]) -> int:
    """Try each Python; returns 0 when all that are here went the road within bounds."""
    trouble = 0
    for version, python in environments.interpreters(wanted).items():
        if python is None:
            print(f"adopt: Python {version} is not on this machine: not tried")
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                trial = environments.try_python(python, Path(folder))
            except RuntimeError as error:
                print(f"adopt: Python {version}: {error}")
                trouble = 1
                continue
        print(
            f"adopt: Python {trial.python}: {trial.size_mb:.1f} MB, installed in "
            f"{trial.install_s:.0f} s; init, run and verify in {trial.road_s:.1f} s"
        )
    return trouble


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
