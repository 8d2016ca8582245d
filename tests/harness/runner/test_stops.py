"""Stops of every kind: by a terminal that closes, twice, to a whole group, at the very end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.evidence.hub.blockers import Register
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project
from harness.judgement.guards import registry
from harness.verdict import Verdict
from tests.builders import hubs
from tests.harness.runner.stopping import Stopper

_READY = "import time; print('ready', flush=True); time.sleep(60)"
_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {_READY}"


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """Hear what a shell in the background or ``nohup`` would keep away."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_terminal_that_closes_stops_the_run(tmp_path: Path) -> None:
    """A hang-up ends a run as Ctrl-C does, with its own number."""
    project = hubs.project(tmp_path, tiny=hubs.suite(hubs.command("first", _READY)))

    outcome = hubs.run(project, observer=Stopper(signal.SIGHUP))

    assert (outcome.exit_code, outcome.record.verdict) == (129, Verdict.INCONCLUSIVE)
    assert Register(project.hubs).entries() == ()


def start(root: Path, code: str) -> subprocess.Popen[bytes]:
    """Start a run in a group of its own, and wait until its stage is there."""
    hubs.declare(root, tiny=hubs.suite(hubs.command("first", code)))
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    main = f"{hear} import sys; from harness.cli import main; sys.exit(main.main())"
    process = subprocess.Popen(
        [sys.executable, "-c", main, "run", "tiny", "--verbose"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if b"ready" in line and b"print" not in line:
            return process
    raise AssertionError(process.wait())


def end(process: subprocess.Popen[bytes], root: Path, code: int) -> None:
    """Require the exit code, no traceback, no blocker, no red hub, and a clean next run."""
    output = process.communicate(timeout=60)[0].decode()
    assert process.returncode == code, output
    assert "Traceback" not in output
    hubs.declare(root, tiny=hubs.suite())
    project = load_project(root)
    assert Register(project.hubs).entries() == ()
    store = HubStore(project.hubs, project.work)
    assert [store.read(hub).verdict for hub in store.hubs("tiny")] == [Verdict.INCONCLUSIVE]
    assert hubs.run(project).record.verdict is Verdict.GREEN


def test_group_is_stopped(tmp_path: Path) -> None:
    """A service manager that signals the whole group gets an open hub and 143."""
    process = start(tmp_path, _READY)

    os.killpg(process.pid, signal.SIGTERM)

    end(process, tmp_path, 143)


def test_second_ctrl_c_is_no_other_end(tmp_path: Path) -> None:
    """Whoever presses twice, since the stage is deaf, gets the same open hub, not a ruin."""
    process = start(tmp_path, _DEAF)

    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)

    end(process, tmp_path, 130)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_while_the_run_is_judged(
    number: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal after the last stage leaves what was measured: whole, and sealed as it is."""
    project = hubs.project(tmp_path)
    real = registry.judge

    def judge(*arguments: Any) -> Any:
        os.kill(os.getpid(), number)
        return real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(registry, "judge", judge)
        outcome = hubs.run(project)

    assert outcome.record.verdict in (Verdict.GREEN, Verdict.INCONCLUSIVE)
    assert outcome.exit_code == 128 + number
    assert Register(project.hubs).entries() == ()
    assert hubs.run(project).record.verdict is Verdict.GREEN


def test_two_defects_are_two_blockers(tmp_path: Path) -> None:
    """What stands on nothing in common is told apart: two causes, two blockers."""
    write = "import json, sys; json.dump({'value': 0.0}, open(sys.argv[1], 'w'))"
    stages, guards = [], []
    for name in ("left", "right"):
        file = {"id": name, "path": f"{name}.json"}
        path = f"{{work}}/{name}.json"
        stages.append(hubs.command(f"make-{name}", write, path, artifacts=[file]))
        guards.append({**hubs.FLOOR, "id": f"{name}-floor", "metric": f"{name}:value"})
    project = hubs.project(tmp_path, tiny=hubs.suite(*stages, guards=guards))

    record = hubs.run(project).record

    assert [cause.guards for cause in record.causes] == [("left-floor",), ("right-floor",)]
    assert len(Register(project.hubs).entries()) == 2
