"""``python -m ptycho_torch.compare_backends``: both backends, held to the oracle."""

from __future__ import annotations

import sys

from ptycho_torch.cli.compare_backends import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
