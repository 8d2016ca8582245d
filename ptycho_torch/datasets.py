"""``python -m ptycho_torch.datasets``: published measurements as scan files."""

from __future__ import annotations

import sys

from ptycho_torch.cli.datasets import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
