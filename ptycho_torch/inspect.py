"""``python -m ptycho_torch.inspect``: what is understood of a scan file, in one screen."""

from __future__ import annotations

import sys

from ptycho_torch.cli.inspect import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
