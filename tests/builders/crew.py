"""A small program of several processes, which end as their arguments say."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ptycho_torch.cli import launch

LONG_S = 60


def main(folder: Path, plan: list[str]) -> None:
    """Note the own process, then do what the plan has for this rank.

    Args:
        folder: Where each process leaves a file named by its id.
        plan: For each rank ``ok``, ``fail``, ``die``, ``wait`` or ``stubborn``.
    """
    launch.exit_with_parent()
    number = int(os.environ["RANK"])
    (folder / str(os.getpid())).write_text(os.environ["WORLD_SIZE"])
    deed = plan[number]
    if deed == "fail":
        sys.stderr.write(f"said by {number}\n")
        sys.stderr.write(f"error: rank {number} fell\n")
        sys.exit(7)
    if deed == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if deed == "stubborn":
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG_S})"])
        (folder / str(child.pid)).write_text("a child")
    if deed in {"wait", "stubborn"}:
        (folder / f"ready-{number}").write_text("")
        time.sleep(LONG_S)
    sys.stderr.write(f"said by {number}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
