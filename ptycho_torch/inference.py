"""``python -m ptycho_torch.inference``: from a bundle and a scan to a reconstruction."""

from __future__ import annotations

import sys

from ptycho_torch.cli.inference import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
