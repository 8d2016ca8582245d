"""``python -m ptycho_torch.inference``: see `ptycho_torch.cli.inference`."""

from __future__ import annotations

import sys

from ptycho_torch.cli.inference import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
