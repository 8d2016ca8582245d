"""Run one child process so that it cannot outlive, flood or hang the run.

The child leads its own session and process group, gets an environment by allow-list and no
standard input. At the bound on time, or when the run is told to stop, the group gets TERM,
then KILL; whatever escaped the group is found by a mark in its environment (Linux) and ended.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from harness.frozen import dataclass
from harness.runner.stages.log_stream import LogStream
from harness.runner.stages.orphans import Orphans

MARK = "HARNESS_STAGE_MARK"
GRACE_S = 5.0
_PIECE = 1 << 16
_DRAIN_S = 2.0
_POLL_S = 0.25


class Stop:
    """The wish to end the run, set by a signal handler; a pipe wakes whoever waits."""

    def __init__(self) -> None:
        """Make the wake-up pipe."""
        self.signal: int | None = None
        self.count = 0
        self.reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        os.set_blocking(self.reader, False)

    def request(self, number: int) -> None:
        """Ask the run to stop because of a signal; asking again cuts the grace short."""
        self.signal = number if self.signal is None else self.signal
        self.count += 1
        os.write(self._writer, b"!")

    def drain(self) -> None:
        """Forget wake-ups that were seen."""
        try:
            os.read(self.reader, _PIECE)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Close the pipe."""
        os.close(self.reader)
        os.close(self._writer)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to start, and its bounds."""

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    timeout_s: float
    mark: str
    grace_s: float = GRACE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildExit:
    """How a child ended: ``exit``, ``timeout``, ``interrupted``, ``unstartable``, ``unlogged``.

    ``exit_code`` is negative for a signal; ``peak_memory_bytes`` is the largest resident
    size among the child and the children it waited for.
    """

    ended: str
    exit_code: int | None
    duration_s: float
    peak_memory_bytes: int | None
    survivors: int
    error: str = ""


def run_child(spec: ChildSpec, log: LogStream, stop: Stop) -> ChildExit:
    """Run a child to its end and stream its output; every process it started is gone after."""
    began = time.monotonic()
    with contextlib.closing(Orphans()) as orphans:
        return _run(spec, log, stop, (began, orphans))


def _run(
    spec: ChildSpec, log: LogStream, stop: Stop, start: tuple[float, Orphans]
) -> ChildExit:
    began, orphans = start
    try:
        process = subprocess.Popen(
            spec.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=spec.cwd,
            env={**spec.environment, MARK: spec.mark},
            start_new_session=True,
        )
    except OSError as error:
        return ChildExit(
            ended="unstartable",
            exit_code=None,
            duration_s=time.monotonic() - began,
            peak_memory_bytes=None,
            survivors=0,
            error=f"{Path(spec.argv[0]).name}: {error.strerror}",
        )
    with _Watch(process, log, stop, orphans) as watch:
        ended = watch.until_end(began + spec.timeout_s, spec.grace_s)
        survivors = watch.end_survivors(spec.mark)
        code, peak = watch.reap()
    return ChildExit(
        ended=ended,
        exit_code=code,
        duration_s=time.monotonic() - began,
        peak_memory_bytes=peak,
        survivors=survivors,
    )


class _Watch:
    """Waits for output, the end, the clock and the wish to stop, all at once."""

    def __init__(
        self, process: subprocess.Popen[bytes], log: LogStream, stop: Stop, orphans: Orphans
    ) -> None:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        self._process, self._log, self._stop, self._orphans = process, log, stop, orphans
        self._pipe = process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._open = True
        self._wake_read, self._wake_write = os.pipe()
        # The zombie is left in place, so that its process group keeps its number
        # until the group was ended; only then is it reaped.
        self._waiter = threading.Thread(target=self._wait, daemon=True)
        self._waiter.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._kill(signal.SIGKILL)
            self.reap()
        self._pipe.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wait(self) -> None:
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        os.write(self._wake_write, b"!")

    def until_end(self, deadline: float, grace_s: float) -> str:
        """Stream until the child ended by itself, by the clock or by the wish to stop."""
        while True:
            if self._stop.signal is not None:
                self._terminate(grace_s)
                return "interrupted"
            left = deadline - time.monotonic()
            if left <= 0:
                self._terminate(grace_s)
                return "timeout"
            if self._step(left):
                return "exit"

    def _step(self, left: float) -> bool:
        waiting = [
            self._wake_read,
            self._stop.reader,
            *([self._pipe.fileno()] if self._open else []),
        ]
        ready, _, _ = select.select(waiting, [], [], left)
        if self._stop.reader in ready:
            self._stop.drain()
        if self._open and self._pipe.fileno() in ready:
            self._pump()
        return self._wake_read in ready

    def _pump(self) -> bool:
        try:
            piece = os.read(self._pipe.fileno(), _PIECE)
        except BlockingIOError:
            return False
        if not piece:
            self._open = False
            return False
        self._log.feed(piece)
        return True

    def _terminate(self, grace_s: float) -> None:
        count = self._stop.count
        self._kill(signal.SIGTERM)
        deadline = time.monotonic() + grace_s
        while (left := deadline - time.monotonic()) > 0 and self._stop.count <= count:
            if self._step(min(left, _POLL_S)):
                return
        self._kill(signal.SIGKILL)
        while not self._step(_DRAIN_S):
            self._kill(signal.SIGKILL)

    def _kill(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return

    def end_survivors(self, mark: str) -> int:
        """End what the child left behind, in its group or out of it, and read the rest."""
        while self._open and self._pump():
            pass
        pids = self._leftovers(mark)
        self._kill(signal.SIGKILL)
        left = pids
        while left:
            for pid in left:
                _kill_one(pid)
            left = self._leftovers(mark)
        deadline = time.monotonic() + _DRAIN_S
        while self._open and (wait := deadline - time.monotonic()) > 0:
            if select.select([self._pipe], [], [], wait)[0]:
                self._pump()
        return len(pids)

    def _leftovers(self, mark: str) -> set[int]:
        """Return what carries the mark, and what lost it and its parent."""
        leader = self._process.pid
        return {*_marked_processes(mark, leader), *self._orphans.find(leader)}

    def reap(self) -> tuple[int, int]:
        """Collect the exit code and the peak memory [bytes]."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self._waiter.join()
        unit = 1 if os.uname().sysname == "Darwin" else 1024
        return self._process.returncode, usage.ru_maxrss * unit


def mark_of(work: Path, stage: str) -> str:
    """Return what marks the processes of a stage: its run's working folder, and its id.

    Not the run's id: a copy of the project has runs of the same ids, and those that live in
    the original look there as if they had been left behind.
    """
    return f"{work.resolve()}/{stage}"


def end_orphans(works: Collection[Path]) -> int:
    """End what the stages of killed runs left running; return how many there were.

    Args:
        works: The runs' working folders, which may be gone.
    """
    marks = [mark_of(work, "") for work in works]
    pids = [pid for mark in marks for pid in _marked_processes(mark, 0, is_whole=False)]
    for pid in pids:
        _kill_one(pid)
    return len(pids)


def _kill_one(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _marked_processes(mark: str, leader: int, *, is_whole: bool = True) -> list[int]:
    """Return living processes that carry a mark (or begin with it), the leader left out."""
    proc = Path("/proc")
    if not (proc / "self/environ").exists():
        return []
    wanted = os.fsencode(f"{MARK}={mark}")
    pids = []
    for name in os.listdir(proc):  # noqa: PTH208 - in a hot loop
        if not name.isdigit() or int(name) == leader:
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as stream:  # noqa: PTH123 - in a hot loop
                variables = stream.read().split(b"\0")
            if any(v == wanted or (v.startswith(wanted) and not is_whole) for v in variables):
                pids.append(int(name))
        except OSError:
            continue
    return pids
