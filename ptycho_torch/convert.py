"""``python -m ptycho_torch.convert``: from a scan file to a scan file of another format."""

from __future__ import annotations

import sys

from ptycho_torch.cli.convert import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
