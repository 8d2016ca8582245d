"""``python -m ptycho_torch.evaluate``: a reconstruction, held to a reference."""

from __future__ import annotations

import sys

from ptycho_torch.cli.evaluate import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
