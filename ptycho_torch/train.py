"""``python -m ptycho_torch.train``: from a scan file to a trained bundle."""

from __future__ import annotations

import sys

from ptycho_torch.cli.train import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
