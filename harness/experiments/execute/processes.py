"""Units carried out in processes of this machine, each a child that answers line by line.

A child leads its own session, so that Ctrl-C reaches only the coordinator, which passes it
on. A child that dies is replaced and its unit tried again; should the coordinator die, its
children see their input end and stop what they do.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from typing import IO, Any

from harness.experiments.execute import pool
from harness.experiments.execute.unit import ATTEMPTS, Answer, Unit, parse_answer
from harness.runner.stages.child import Stop

_MESSAGE_SIZE = 300
_GRACE_S = 30.0


class Processes:
    """An executor whose units run in children of their own."""

    def __init__(self, jobs: int) -> None:
        """Keep ``jobs`` children busy; they are started when they are needed."""
        self._workers = [_Worker() for _ in range(jobs)]

    def run(self, units: Sequence[Unit], stop: Stop) -> Iterator[list[Answer]]:
        """Carry units out; see ``Executor.run``."""
        if units:
            yield from pool.drive(self._workers, units, stop)

    def close(self) -> None:
        """End the children."""
        for worker in self._workers:
            worker.close()


class _Worker:
    """A worker that is a child process; module ``worker`` is its other end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._is_interrupted = False

    def answer(self, unit: Unit) -> Answer:
        why = ""
        for _ in range(ATTEMPTS):
            if line := self._request({"task": unit.task, "payload": unit.payload}):
                return parse_answer(unit, json.loads(line))
            why = self._reap()
            if self._is_interrupted:
                break
        return Answer(unit=unit, value=None, lost=why)

    def interrupt(self, number: int) -> None:
        self._is_interrupted = True
        self._say({"stop": number})

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            self._reap()

    def _request(self, message: dict[str, Any]) -> bytes:
        """Send a request and wait for its line; nothing where the child is gone."""
        process = self._start()
        if not self._say(message) or process.stdout is None:
            return b""
        line: bytes = process.stdout.readline()
        # A line that was cut is the last one of a child that died while it wrote.
        return line if line.endswith(b"\n") else b""

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            # As this process was started: without it the child would import from the working
            # folder.
            path = ("-P",) if sys.flags.safe_path else ()
            # A file, not a pipe: nobody reads it before the end, and a full pipe would stop
            # the child.
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the child
            self._process = subprocess.Popen(  # noqa: S603 - this program again
                [sys.executable, *path, "-m", "harness.experiments.execute.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        return self._process

    def _say(self, message: dict[str, Any]) -> bool:
        with self._lock:
            if self._process is None or self._process.stdin is None:
                return False
            try:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError):
                return False
            return True

    def _reap(self) -> str:
        """Collect a child that is gone, or that will not go, and say how it ended."""
        process, errors = self._process, self._errors
        if process is None or errors is None:
            return ""
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with self._lock:
            self._process = None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        errors.seek(0)
        said = " ".join(errors.read().decode(errors="replace").split())[-_MESSAGE_SIZE:]
        errors.close()
        return f"its process ended with {process.returncode}: {said}".rstrip(": ")
