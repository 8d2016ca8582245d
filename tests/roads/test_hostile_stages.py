"""Stages that misbehave end as sealed red evidence, with nothing left running."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.config.project import Project
from harness.judgement import verify
from harness.runner.stages import log_stream
from harness.runner.workflow import RunOutcome
from tests.builders import hubs

_HANG = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('on', flush=True)
time.sleep(99)
"""
_FORK = """
import os, subprocess, sys, time
for _ in range(3):
    sleep = [sys.executable, '-c', 'import time; time.sleep(99)']
    child = subprocess.Popen(sleep, start_new_session=True)
    print('left', child.pid, flush=True)
"""
_FLOOD = """
import sys
line = b'x' * 1023 + b'\\n'
for _ in range({lines}):
    sys.stdout.buffer.write(line)
sys.stdout.buffer.write(b'the end\\n')
sys.exit(3)
"""
_BINARY = """
import sys
sys.stdout.buffer.write(bytes(range(256)) * 40)
sys.stdout.buffer.write(b'\\x1b]0;owned\\x07\\x1b[2J\\n::error::owned\\n')
sys.exit(3)
"""


def run(folder: Path, code: str, **keys: Any) -> tuple[Project, RunOutcome, bytes]:
    """Run one stage of inline code; return its log as well."""
    stage = hubs.command("wild", code, **keys)
    made = hubs.project(folder, tiny=hubs.suite(stage))
    outcome = hubs.run(made)
    return made, outcome, (outcome.hub / "red/wild.log").read_bytes()


def is_running(pid: int) -> bool:
    """Say whether a process lives; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.road
def test_deaf_stage_is_killed(tmp_path: Path) -> None:
    """A stage that hangs and ignores TERM is ended at its bound, and its log says so."""
    began = time.monotonic()

    made, outcome, log = run(tmp_path, _HANG, timeout_s=1)

    (stage,) = outcome.record.stages
    assert (outcome.exit_code, stage.outcome) == (1, "timeout")
    assert time.monotonic() - began < 20
    assert b"on\n" in log
    assert b"[harness: still running after 1 s, so it was ended" in log
    assert verify.verify(made, outcome.hub).exit_code == 1


@pytest.mark.road
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs a Linux /proc")
def test_forked_processes_are_gone(tmp_path: Path) -> None:
    """Processes that left the stage's session are ended, and the log counts them."""
    stage = hubs.command("wild", _FORK)
    outcome = hubs.run(hubs.project(tmp_path, tiny=hubs.suite(stage)))
    log = (outcome.hub / "cli/wild.log").read_text()

    pids = [int(line.split()[1]) for line in log.splitlines() if line.startswith("left ")]
    assert len(pids) == 3
    assert not [pid for pid in pids if is_running(pid)]
    assert "3 processes were left running and were ended" in log


@pytest.mark.road
@pytest.mark.slow
@pytest.mark.parametrize("mebibytes", [60, pytest.param(1024, marks=pytest.mark.long)], ids=str)
def test_flood_is_cut_in_the_sealed_hub(tmp_path: Path, mebibytes: int) -> None:
    """Of 60 MiB or 1 GiB head and tail are kept, the cut is marked, the exit is told."""
    made, outcome, log = run(tmp_path, _FLOOD.format(lines=mebibytes << 10))

    assert len(log) < log_stream.HEAD + log_stream.TAIL + (
        128 << 10
    )  # and a piece that was read
    assert b"[harness: log cut here: about " in log
    assert log.rstrip().endswith(b"the end")
    assert outcome.record.stages[0].exit_code == 3
    assert verify.verify(made, outcome.hub).exit_code == 1


@pytest.mark.road
def test_binary_output_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no text are kept as a log that no terminal and no CI system obeys."""
    made, outcome, log = run(tmp_path, _BINARY)

    assert outcome.record.stages[0].exit_code == 3
    assert b"\x1b" not in log
    assert b"\x07" not in log
    for name in ("cli", "red"):
        for path in (outcome.hub / name).iterdir():
            assert b"\x1b" not in path.read_bytes()
    assert verify.verify(made, outcome.hub).exit_code == 1

    assert main.main(["run", "tiny", "-v", "-C", str(made.root)]) == 1
    output = capsys.readouterr().out
    assert "owned" in output
    assert "\x1b" not in output
    assert not [line for line in output.splitlines() if line.lstrip().startswith("::")]
