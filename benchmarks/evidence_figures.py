"""How long programs take side by side, what a program held at most, and a row of the page."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured import MISSING, Measured, at_most

HARNESS = str(Path(sys.executable).with_name("harness"))
_PEAK = """
import sys
from pathlib import Path
from harness.cli.main import main
sys.stdout = open("/dev/null", "w")
code = main(sys.argv[1:])
sys.stderr.write(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: what, the figure, what was asked, whether it held; as numbers."""

    what: str
    value: str
    target: str = ""
    holds: bool | None = None
    figure: Measured | None = None

    @property
    def line(self) -> str:
        """The row in Markdown."""
        verdict = {True: "yes", False: "**no**", None: ""}[self.holds]
        return f"| {self.what} | {self.value} | {self.target} | {verdict} |"


def within(what: str, seconds: float, limit: float) -> Row:
    """Return the row of a time that may be ``limit`` seconds at most."""
    figure = at_most(what, seconds, "s", limit)
    return Row(what, spoken(seconds), f"≤ {spoken(limit)}", figure.holds, figure)


def missing(what: str, ours: str, seconds: float, peer: str) -> Row:
    """Return the row of a peer that is not installed, beside what ours took [s]."""
    return Row(what, MISSING, figure=Measured(what=ours, value=seconds, unit="s", peer=peer))


def spoken(seconds: float) -> str:
    """Write a time with three digits."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def median(call: Callable[[], object], repeats: int) -> float:
    """Return the median wall time of a call [s]."""
    return side_by_side({"": call}, repeats)[""]


def side_by_side(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Time calls turn by turn, after one turn to warm up; return the median of each [s]."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if turn:
                spent[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in spent.items()}


def program(argv: Sequence[str], cwd: Path | None = None) -> Callable[[], object]:
    """Return the call of a program that must end well.

    Installed programs come with their bytecode: the turn to warm up may write it, so that no
    later one compiles what an editable installation has changed.
    """
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return lambda: subprocess.run(argv, cwd=cwd, check=True, capture_output=True, env=env)


def peak_bytes(*words: str) -> int:
    """Return the most memory that a command of the harness held [bytes]."""
    argv = [sys.executable, "-c", _PEAK, *words]
    report = subprocess.run(argv, check=True, capture_output=True, text=True).stderr
    return 1024 * int(report.split()[-1])
