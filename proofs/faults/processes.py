"""A function run in a fork, or a command of the harness: exit code, output, peak memory."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CRASHED = 99
_PROGRAM = """
import sys
from pathlib import Path
from harness.cli.main import main
code = main(sys.argv[2:])
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
Path(sys.argv[1]).write_text(peak)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended.

    ``code`` is negative for a signal. ``peak_bytes`` is the most resident memory: of a command
    all of it, of a fork what it took beyond that of its parent; 0 for a command that died.
    """

    code: int
    output: str
    errors: str
    peak_bytes: int


def call(function: Callable[[], int], kill_after_s: float | None = None) -> Ended:
    """Run a function in a fork of this process and wait for it, or kill it after some time."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        sys.stdout.flush()
        sys.stderr.flush()
        held = _resident_bytes()
        pid = os.fork()
        if pid == 0:
            _child(function, out.fileno(), err.fileno())
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        return Ended(
            code=os.waitstatus_to_exitcode(status),
            output=_text(out),
            errors=_text(err),
            peak_bytes=max(0, usage.ru_maxrss * 1024 - held),
        )


def command(*words: str) -> Ended:
    """Run the harness as a program of its own."""
    with tempfile.NamedTemporaryFile("r", prefix="peak-") as report:
        argv = [sys.executable, "-c", _PROGRAM, report.name, *words]
        done = subprocess.run(argv, capture_output=True, check=False)
        return Ended(
            code=done.returncode,
            output=done.stdout.decode(errors="replace"),
            errors=done.stderr.decode(errors="replace"),
            peak_bytes=1024 * int(report.read() or 0),
        )


def _child(function: Callable[[], int], out: int, err: int) -> None:
    """Be the forked process; what it prints goes to the two files, and it never returns."""
    code = CRASHED
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8")
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8")
        code = function()
    except BaseException:  # noqa: BLE001 - whatever it is, the parent must be told
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _resident_bytes() -> int:
    """Return the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _text(stream: Any) -> str:
    stream.seek(0)
    return stream.read(1 << 22).decode(errors="replace")  # type: ignore[no-any-return]
