"""The digest of a suite's goldens: what reads them is loaded only where there are any."""

from __future__ import annotations

import os
from pathlib import Path


def digest_goldens(folder: Path) -> str | None:
    """Digest the goldens in the folder of a suite; None where it has none.

    Raises:
        IntegrityError: A golden is damaged.
    """
    if not os.path.lexists(folder):
        return None
    from harness.judgement.golden import store  # noqa: PLC0415 - for suites with goldens

    golden = store.load(folder)
    return None if golden.is_empty else golden.digest
