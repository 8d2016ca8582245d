"""Start the processes of a training run on this machine, and end them together.

Each process drives one device. What the first one says goes on to stderr; of the others
only the reason for which they end is heard. When one of them falls, the rest follow, and
the caller learns the cause alone. Processes that have lost their starter end by themselves.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ptycho_torch import ranks
from ptycho_torch.cli import exits
from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.errors import ConfigError

_POLL_S = 0.05
# How long the others may take to write their records, and then to obey.
_GRACE_S = 5.0
_OBEY_S = 2.0
_ERROR = "error: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run of several processes ended.

    Attributes:
        exit_code: Exit code of the program.
        error: Why it failed, in one line; None when all went well.
    """

    exit_code: int
    error: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Member:
    """A process of the run, and the last error it told."""

    number: int
    process: subprocess.Popen[str]
    shows_all: bool
    error: str | None = None
    reported_at: float = math.inf
    is_muted: bool = False
    reader: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        """Pass on what the process says, but keep back the error it ends with."""
        assert self.process.stderr is not None  # noqa: S101 - it was started with a pipe
        with self.process.stderr as stream:
            for line in stream:
                if line.startswith(_ERROR):
                    self.error, self.reported_at = (
                        line.removeprefix(_ERROR).strip(),
                        time.monotonic(),
                    )
                elif self.shows_all and not self.is_muted:
                    sys.stderr.write(line)


def is_needed(execution: PyTorchExecutionConfig) -> bool:
    """Whether this process must start those of the run, being none of them itself."""
    return execution.world_size > 1 and not ranks.is_started(execution.world_size)


def is_first_machine() -> bool:
    """Whether the process that writes the files of the run is on this machine."""
    return os.environ.get(ranks.NODE, "0") == "0"


def exit_with_parent() -> None:
    """End this process as soon as the one that started it is gone; does nothing alone."""
    if ranks.has_parent():
        parent_pipe = int(os.environ[ranks.PARENT_PIPE])
        threading.Thread(target=_wait_for_the_end, args=(parent_pipe,), daemon=True).start()


def _wait_for_the_end(parent_pipe: int) -> None:
    os.read(parent_pipe, 1)  # returns when nobody is left who could write
    os._exit(exits.FAILED)


def run(
    module: str, argv: Sequence[str], execution: PyTorchExecutionConfig, *, shows_all: bool
) -> Outcome:
    """Run a program in one process per device of this machine.

    Args:
        module: Program, as for ``python -m``.
        argv: Its arguments.
        execution: Number of devices and machines.
        shows_all: Pass on what all processes say.

    Raises:
        ConfigError: Several machines, but nothing that tells where they meet.
    """
    environment = _environment(execution)
    parent_pipe, hold = os.pipe()
    members: list[_Member] = []
    try:
        for local in range(execution.devices):
            process = _start(
                [module, *argv], environment, local, execution.devices, parent_pipe
            )
            shows = shows_all or local == 0
            members.append(_Member(number=local, process=process, shows_all=shows))
        fallen = _wait(members)
    except KeyboardInterrupt:
        for member in members:
            member.is_muted = not shows_all
            _signal(member, signal.SIGINT)
        return Outcome(exit_code=exits.INTERRUPTED, error="interrupted")
    finally:
        os.close(parent_pipe)
        with _ignore_interrupts():
            _end(members)
        os.close(hold)
    return _cause(members, fallen)


def _start(
    words: Sequence[str],
    environment: Mapping[str, str],
    local: int,
    count: int,
    parent_pipe: int,
) -> subprocess.Popen[str]:
    """Start one process, out of reach of the terminal's own interrupt."""
    number = int(environment[ranks.NODE]) * count + local
    own = {
        ranks.LOCAL: str(local),
        ranks.NUMBER: str(number),
        ranks.PARENT_PIPE: str(parent_pipe),
    }
    return subprocess.Popen(  # noqa: S603 - this very program, no shell
        [sys.executable, "-m", *words],
        env={**environment, **own},
        stdin=subprocess.DEVNULL,
        stdout=None if local == 0 else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        pass_fds=(parent_pipe,),
        start_new_session=True,
    )


def _environment(execution: PyTorchExecutionConfig) -> dict[str, str]:
    """Say where the processes meet and how many threads each may use."""
    environment = dict(os.environ)
    if execution.num_nodes > 1:
        missing = [name for name in ranks.RENDEZVOUS if name not in environment]
        if missing:
            raise ConfigError(
                "--num_nodes",
                expected=f"{', '.join(ranks.RENDEZVOUS)} in the environment of each machine",
                found=f"no {missing[0]}",
            )
        meeting = {}
    else:
        meeting = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(_free_port()),
            ranks.NODE: "0",
        }
        if sys.platform == "linux":
            environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    threads = max(1, (os.cpu_count() or 1) // execution.devices)
    environment.setdefault("OMP_NUM_THREADS", str(threads))
    environment.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    return {**environment, **meeting, ranks.WORLD: str(execution.world_size)}


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(members: Sequence[_Member]) -> list[_Member]:
    """Wait until all have ended well, or some have fallen; return those."""
    while True:
        codes = [member.process.poll() for member in members]
        fallen = [member for member, code in zip(members, codes, strict=True) if code]
        if fallen or None not in codes:
            return fallen
        time.sleep(_POLL_S)


def _end(members: Sequence[_Member]) -> None:
    """Let the others write their records, then stop them and whatever they started."""
    for patience, number in ((_GRACE_S, signal.SIGTERM), (_OBEY_S, signal.SIGKILL)):
        limit = time.monotonic() + patience
        while time.monotonic() < limit and any(m.process.poll() is None for m in members):
            time.sleep(_POLL_S)
        for member in members:
            if member.process.poll() is None:
                _signal(member, number)
    for member in members:
        member.process.wait()
        _signal(member, signal.SIGKILL)
        member.reader.join(_OBEY_S)


def _signal(member: _Member, number: signal.Signals) -> None:
    """Signal a process and its own children; they are a group of their own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(member.process.pid, number)


@contextlib.contextmanager
def _ignore_interrupts() -> Iterator[None]:
    """Leave no process behind, however often the user asks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _cause(members: Sequence[_Member], fallen: Sequence[_Member]) -> Outcome:
    """Find the one that fell first; the others only lost their company."""
    if not fallen:
        return Outcome(exit_code=0)
    for member in fallen:
        code = member.process.returncode
        if code < 0:
            name = signal.Signals(-code).name
            text = f"process {member.number}: expected to train to the end, got {name}"
            return Outcome(exit_code=exits.FAILED, error=text)
    first = min(members, key=lambda member: member.reported_at)
    if first.error is None or not first.process.returncode:
        first = fallen[0]
    code = first.process.returncode
    text = first.error or f"process {first.number}: expected exit code 0, got {code}"
    return Outcome(exit_code=code, error=text)
