"""``python -m ptycho_torch.simulate``: from a recipe to a scan file with known truth."""

from __future__ import annotations

import sys

from ptycho_torch.cli.simulate import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
