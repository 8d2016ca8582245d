"""Processes that are started together end together, and their cause is told once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ptycho_torch.cli import launch
from ptycho_torch.config_params import PyTorchExecutionConfig
from ptycho_torch.errors import ConfigError

CREW = "tests.builders.crew"
PATIENCE_S = 20.0


def crew(folder: Path, *plan: str) -> launch.Outcome:
    execution = PyTorchExecutionConfig(devices=len(plan), strategy="ddp")
    return launch.run(CREW, [str(folder), *plan], execution, shows_all=False)


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


def alive(folder: Path) -> list[int]:
    """Return the noted processes that still run."""
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]
    assert numbers
    return [number for number in numbers if is_running(number)]


def is_running(number: int) -> bool:
    stat = Path(f"/proc/{number}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for processes that will not end."""
    monkeypatch.setattr(launch, "_GRACE_S", 0.2)
    monkeypatch.setattr(launch, "_OBEY_S", 0.2)


def test_all_well_is_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each process knows how many there are; only the first one is heard."""
    outcome = crew(tmp_path, "ok", "ok", "ok")

    assert outcome == launch.Outcome(exit_code=0)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["3", "3", "3"]
    assert capsys.readouterr().err == "said by 0\n"


@pytest.mark.usefixtures("_hurried")
@pytest.mark.parametrize("plan", [("wait", "fail"), ("fail", "wait"), ("wait", "ok", "fail")])
def test_one_failure_ends_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plan: tuple[str, ...]
) -> None:
    """The words and the exit code of the one that fell are the outcome; nobody is left."""
    outcome = crew(tmp_path, *plan)

    assert outcome == launch.Outcome(exit_code=7, error=f"rank {plan.index('fail')} fell")
    assert alive(tmp_path) == []
    assert "error:" not in capsys.readouterr().err


@pytest.mark.usefixtures("_hurried")
def test_a_killed_process_is_named(tmp_path: Path) -> None:
    """A process that the system kills cannot speak; its number and signal are told."""
    outcome = crew(tmp_path, "wait", "die")

    assert outcome.exit_code == 1
    assert outcome.error is not None
    assert "process 1" in outcome.error
    assert "SIGKILL" in outcome.error
    assert alive(tmp_path) == []


@pytest.mark.usefixtures("_hurried")
def test_the_stubborn_are_killed(tmp_path: Path) -> None:
    """A process that ignores signals goes with its own children."""
    plan = ("stubborn", "wait")
    killer = threading.Thread(target=kill_when_ready, args=(tmp_path, len(plan)))
    killer.start()
    outcome = crew(tmp_path, *plan)
    killer.join()

    assert outcome.exit_code == 1
    wait_for(lambda: alive(tmp_path) == [])  # the grandchild is not ours to wait for


def kill_when_ready(folder: Path, count: int) -> None:
    """Kill the process of the last rank once all are waiting."""
    wait_for(lambda: len(list(folder.glob("ready-*"))) == count)
    for path in folder.iterdir():
        if path.name.isdecimal() and path.read_text() == str(count):
            environment = Path(f"/proc/{path.name}/environ").read_bytes().split(b"\0")
            if f"RANK={count - 1}".encode() in environment:
                os.kill(int(path.name), signal.SIGKILL)


def start_starter(folder: Path, *plan: str) -> subprocess.Popen[str]:
    """Run the starter in a process of its own, as a program does."""
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.ptycho_torch.cli import test_launch as t\n"
        "t.launch._GRACE_S = t.launch._OBEY_S = 0.3\n"
        "found = t.crew(Path(sys.argv[1]), *sys.argv[2:])\n"
        "print(found.exit_code, found.error)\n"
    )
    words = [sys.executable, "-c", code, str(folder), *plan]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_for(lambda: len(list(folder.glob("ready-*"))) == len(plan))
    return process


def test_an_interrupt_ends_all(tmp_path: Path) -> None:
    """Ctrl-C, even twice, ends every process; nothing but the outcome is said."""
    process = start_starter(tmp_path, "wait", "stubborn")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
    said, noise = process.communicate(timeout=PATIENCE_S)

    assert said.strip() == "130 interrupted"
    assert noise == ""
    assert alive(tmp_path) == []


def test_orphans_end_themselves(tmp_path: Path) -> None:
    """When the starter is killed, which it cannot notice, its processes end too."""
    process = start_starter(tmp_path, "wait", "wait")
    process.kill()
    process.communicate(timeout=PATIENCE_S)

    wait_for(lambda: alive(tmp_path) == [])


def test_machines_must_know_where_to_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several machines without a meeting place are refused before a process starts."""
    for name in ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK"):
        monkeypatch.delenv(name, raising=False)
    execution = PyTorchExecutionConfig(devices=2, num_nodes=2, strategy="ddp")

    with pytest.raises(ConfigError) as caught:
        launch.run(CREW, [str(tmp_path), "ok"], execution, shows_all=False)

    assert "MASTER_ADDR" in caught.value.found
    assert not list(tmp_path.iterdir())


def test_the_second_machine_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranks of the second machine follow those of the first."""
    places = {"MASTER_ADDR": "192.0.2.1", "MASTER_PORT": "29500", "NODE_RANK": "1"}
    for name, value in places.items():
        monkeypatch.setenv(name, value)
    execution = PyTorchExecutionConfig(devices=2, num_nodes=2, strategy="ddp")
    plan = ["ok", "ok", "ok", "fail"]

    outcome = launch.run(CREW, [str(tmp_path), *plan], execution, shows_all=False)

    assert outcome.error == "rank 3 fell"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["4", "4"]
