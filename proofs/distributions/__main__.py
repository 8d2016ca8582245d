"""Build wheel and sdist of both distributions, twice; refuse what differs or is too much."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from proofs.distributions import build


def main(target: Path) -> int:
    """Build into ``target``; returns the exit code."""
    target.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = build.copy_tree(Path(folder, "copy"))
        for project in build.PROJECTS:
            first = build.build(build.ROOT / project, Path(folder, "first"))
            second = build.build(copy / project, Path(folder, "second"))
            if different := build.differences(first, second):
                print(f"dist: {', '.join(different)}: other bytes when built again")
                return 1
            for path in first:
                if foreign := build.foreign_members(path):
                    print(f"dist: {path.name} holds {', '.join(foreign[:5])}")
                    return 1
                made.append(path.replace(target / path.name))
    checked = [sys.executable, "-m", "twine", "check", "--strict", *map(str, made)]
    if code := subprocess.run(checked, check=False).returncode:
        return code
    for path in made:
        print(f"dist: {path} ({path.stat().st_size / 1e6:.2f} MB), the same bytes twice")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
