"""Make an environment that sees the packages of this one: ``python -m proofs.beside .venv-tf``.

What is tried with one big package more needs that package alone. The locked ones are lent by a
line that Python reads at its start, so pip counts them as installed and fetches none twice.
"""

from __future__ import annotations

import sys
import sysconfig
import venv
from pathlib import Path


def make(folder: Path) -> None:
    """Make the environment, unless it is there."""
    if (folder / "bin/python").exists():
        return
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    line = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (site / "locked.pth").write_text(line, "utf-8")


if __name__ == "__main__":
    make(Path(sys.argv[1]))
