"""Run a program and watch the memory it holds: all of it, and the part that is its own.

The kernel tells three parts of resident memory apart: pages of the process's own (anonymous),
pages of mapped files, shared pages. Files that are read and not mapped are in the page cache,
which belongs to no process and is taken back when memory is needed; it is not counted.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_FIELDS = re.compile(r"^(VmHWM|RssAnon):\s+(\d+) kB$", re.MULTILINE)
_INTERVAL_S = 0.02


@dataclass(frozen=True, slots=True)
class Watched:
    """What a program took.

    Attributes:
        wall_s: Time from start to end.
        cpu_s: Processor time of all its threads.
        peak_mib: Largest resident memory, mapped files included.
        peak_own_mib: Largest anonymous memory.
    """

    wall_s: float
    cpu_s: float
    peak_mib: float
    peak_own_mib: float


def python(program: str, *arguments: object) -> list[str]:
    """Return the command line of a program of the model package."""
    return [sys.executable, "-m", f"ptycho_torch.{program}", *map(str, arguments)]


def watch(argv: Sequence[str], threads: int) -> Watched:
    """Run a program to its end, looking at it fifty times a second.

    Raises:
        RuntimeError: It failed; the end of what it said follows.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    peaks = {"VmHWM": 0, "RssAnon": 0}
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = os.posix_spawn(
            argv[0],
            list(argv),
            environment,
            file_actions=[(os.POSIX_SPAWN_DUP2, said.fileno(), number) for number in (1, 2)],
        )
        while True:
            ended, status, used = os.wait4(process, os.WNOHANG)
            if ended:
                break
            for name, size in _FIELDS.findall(Path(f"/proc/{process}/status").read_text()):
                peaks[name] = max(peaks[name], int(size))
            time.sleep(_INTERVAL_S)
        wall = time.perf_counter() - began
        if os.waitstatus_to_exitcode(status):
            said.seek(0)
            tail = said.read()[-500:].decode(errors="replace")
            raise RuntimeError(f"{' '.join(argv)} failed: {tail}")
    cpu = used.ru_utime + used.ru_stime
    return Watched(wall, cpu, peaks["VmHWM"] / 1024, peaks["RssAnon"] / 1024)
