"""``python -m ptycho_torch.parity``: the patches of both pipelines, held together."""

from __future__ import annotations

import sys

from ptycho_torch.cli.parity import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
