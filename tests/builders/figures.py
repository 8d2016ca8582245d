"""A benchmark of one figure that misses its limit: ``python -m tests.builders.figures``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import measured

if __name__ == "__main__":
    measured.write(Path(sys.argv[-1]), [measured.at_most("anything", 2, "s", 1)])
    sys.exit(1)
