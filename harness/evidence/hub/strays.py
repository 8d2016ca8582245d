"""What lies in a folder and no hub may hold: taken out before the folder is sealed."""

from __future__ import annotations

import stat
from pathlib import Path

from harness import files
from harness.evidence.hub import digest, inventory, layout


def remove_strays(root: Path) -> tuple[str, ...]:
    """Remove what no hub may hold, such as a FIFO, a link or a name that some systems refuse.

    Returns:
        What was removed, in words: whoever left it there meddled with the evidence.
    """
    told, seen = [], {name.casefold(): name for name in layout.OWN}
    for item in inventory.scan(root):
        if stat.S_ISDIR(item.mode):
            continue
        fault = "" if item.is_file else digest.kind_of(item.mode)
        fault = fault or files.path_fault(item.path) or ""
        other = seen.setdefault(item.path.casefold(), item.path)
        if not fault and other != item.path:
            fault = f"a name that differs from {inventory.printable_path(other)} in case alone"
        if fault:
            (root / item.path).unlink()
            told.append(f"{inventory.printable_path(item.path)}: {fault}")
    return tuple(told)
