"""A child process can neither outlive, nor flood, nor hang a run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.config import stage_environment
from harness.runner.stages import child
from harness.runner.stages.log_stream import LogStream

ROOT = Path(__file__).parents[4]


def start(
    tmp_path: Path, code: str, *, timeout_s: float = 20.0, stop: child.Stop | None = None
) -> tuple[child.ChildExit, bytes]:
    log = LogStream(tmp_path / "log", bytes, lambda _: None, overlap=8)
    spec = child.ChildSpec(
        argv=(sys.executable, "-I", "-c", code),
        cwd=tmp_path,
        environment=stage_environment.select_variables((), os.environ),
        timeout_s=timeout_s,
        mark=f"test-{tmp_path.name}",
        grace_s=0.3,
    )
    exit_ = child.run_child(spec, log, stop or child.Stop())
    log.close()
    return exit_, (tmp_path / "log").read_bytes()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def test_exit_code_and_output_are_kept(tmp_path: Path) -> None:
    """The exit code of a child and all that it wrote to both streams are recorded."""
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(7)"

    exit_, log = start(tmp_path, code)

    assert (exit_.ended, exit_.exit_code, log) == ("exit", 7, b"out\nerr\n")


def test_peak_memory_is_measured(tmp_path: Path) -> None:
    """A child that holds 80 MiB is seen to hold at least that, and not ten times it.

    The system counts from what the starter held: the tests by now hold more than that, so a
    process of the size of the harness starts the child.
    """
    code = (
        "import pathlib, sys\nfrom tests.harness.runner.stages.test_child import start\n"
        "exit_, _ = start(pathlib.Path(sys.argv[1]), 'x = bytearray(80 << 20)')\n"
        "print(exit_.peak_memory_bytes)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    output = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, text=True).stdout

    assert 80 << 20 <= int(output) < 800 << 20


def test_hanging_child_is_ended(tmp_path: Path) -> None:
    """At its bound on time a child that ignores TERM is killed."""
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"
    began = time.monotonic()

    exit_, _ = start(tmp_path, code, timeout_s=0.4)

    assert (exit_.ended, exit_.exit_code) == ("timeout", -signal.SIGKILL)
    assert time.monotonic() - began < 5


def test_term_comes_before_kill(tmp_path: Path) -> None:
    """A child that listens to TERM may say its last words."""
    code = (
        "import signal, sys, time\n"
        "def last(*_):\n    print('last words', flush=True)\n    sys.exit(3)\n"
        "signal.signal(15, last)\ntime.sleep(60)"
    )

    exit_, log = start(tmp_path, code, timeout_s=0.5)

    assert (exit_.ended, exit_.exit_code, log) == ("timeout", 3, b"last words\n")


@pytest.mark.parametrize("escape", ["", "os.setsid();"])
def test_left_processes_are_ended(tmp_path: Path, escape: str) -> None:
    """What a child leaves behind is ended, in its process group or out of it."""
    code = (
        "import os, time\npid = os.fork()\n"
        f"if pid == 0:\n    {escape} time.sleep(60)\nprint(pid)"
    )

    exit_, log = start(tmp_path, code)

    assert exit_.survivors == 1
    assert not is_alive(int(log))


@pytest.mark.parametrize(("seconds", "code"), [(1.2, 7), (0.3, 7)], ids=["lives", "ended"])
def test_programs_of_other_threads_are_not_the_stage(
    tmp_path: Path, seconds: float, code: int
) -> None:
    """What another run in this process starts, such as git, is neither ended nor buried."""
    others: list[subprocess.Popen[bytes]] = []
    sleep = f"import sys, time; time.sleep({seconds}); sys.exit({code})"

    def start_other() -> None:
        others.append(subprocess.Popen([sys.executable, "-I", "-c", sleep]))

    timer = threading.Timer(0.2, start_other)
    timer.start()

    exit_, _ = start(tmp_path, "import time; time.sleep(0.8)")

    timer.join()
    assert exit_.survivors == 0
    assert others[0].wait() == code


def test_wish_to_stop_ends_the_child(tmp_path: Path) -> None:
    """A run that is told to stop ends its child at once."""
    stop = child.Stop()
    timer = threading.Timer(0.3, stop.request, (signal.SIGINT,))
    timer.start()

    exit_, _ = start(tmp_path, "import time; time.sleep(60)", stop=stop)
    timer.join()

    assert exit_.ended == "interrupted"
    assert exit_.duration_s < 5


def test_flood_is_bounded_and_marked(tmp_path: Path) -> None:
    """Of a flood the head and the tail are kept, and the cut is marked."""
    lines: list[str] = []
    log = LogStream(tmp_path / "log", bytes, lines.append, overlap=8, head=1 << 16)

    for index in range(40_000):
        log.feed(b"%0128d\n" % index)
    log.close()
    content = (tmp_path / "log").read_bytes()

    assert len(content) < (1 << 16) + (1 << 20) + 4096
    assert content.startswith(b"0" * 128)
    assert b"[harness: log cut here" in content
    assert content.rstrip().endswith(b"39999")


def test_no_half_secret_at_a_seam(tmp_path: Path) -> None:
    """However output is cut into pieces, what must be seen whole is seen whole."""
    secret = b"s3cr3t-of-twenty-chars"
    for size in (1_000, 4_096, 65_536):
        seam = (65_536 // size + 1) * size  # the first end of a piece past the longest line
        content = b"x" * (seam - 10) + secret + b"y" * 70_000
        log = LogStream(
            tmp_path / "log",
            lambda piece: piece.replace(secret, b"<secret>"),
            lambda _: None,
            overlap=len(secret),
        )
        for begin in range(0, len(content), size):
            log.feed(content[begin : begin + size])
        log.close()

        assert (tmp_path / "log").read_bytes() == content.replace(secret, b"<secret>")


def test_environment_is_an_allow_list() -> None:
    """Only what is allowed or declared reaches a child."""
    source = {"PATH": "/bin", "LC_ALL": "C", "SECRET_X": "1", "OMP_NUM_THREADS": "2"}

    made = stage_environment.select_variables(("OMP_NUM_THREADS",), source)

    assert made["PATH"] == "/bin"
    assert made["LC_ALL"] == "C"
    assert made["OMP_NUM_THREADS"] == "2"
    assert "SECRET_X" not in made


def test_absent_program_is_said(tmp_path: Path) -> None:
    """A program that is not there is an outcome, not an exception."""
    log = LogStream(tmp_path / "log", bytes, lambda _: None, overlap=8)
    spec = child.ChildSpec(
        argv=("no-such-program",), cwd=tmp_path, environment={}, timeout_s=1.0, mark="m"
    )

    exit_ = child.run_child(spec, log, child.Stop())
    log.close()

    assert exit_.ended == "unstartable"
    assert exit_.exit_code is None


def test_full_disk_is_told_not_raised() -> None:
    """A log that cannot be written is reported, and the child is still read to its end."""
    log = LogStream(Path("/dev/full"), bytes, lambda _: None, overlap=8)

    log.feed(b"one\n")
    log.feed(b"two\n")
    log.close()

    assert log.error is not None
    assert "space" in log.error
