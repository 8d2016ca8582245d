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
    lines, seen = [], {name.casefold(): name for name in layout.OWN}
    for item in inventory.scan(root):
        if stat.S_ISDIR(item.mode):
            continue
        problem = "" if item.is_file else digest.kind_of(item.mode)
        problem = problem or files.path_fault(item.path) or ""
        other = seen.setdefault(item.path.casefold(), item.path)
        if not problem and other != item.path:
            problem = (
                f"a name that differs from {inventory.printable_path(other)} in case alone"
            )
        if problem:
            (root / item.path).unlink()
            lines.append(f"{inventory.printable_path(item.path)}: {problem}")
    return tuple(lines)
