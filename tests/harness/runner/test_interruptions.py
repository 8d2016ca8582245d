"""A run that is interrupted, at whatever moment, leaves no blocker and no trace but its hub."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.evidence.hub.blockers import Register
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from tests.builders import hubs

MOMENTS = 20
SLOW = "import sys, time; time.sleep(0.25); open(sys.argv[1], 'w').write('{\"value\": 3.0}')"
SEED = 7


def declare(root: Path) -> Path:
    stages = [
        hubs.command("make", SLOW, "{work}/out.json", artifacts=[hubs.OUT]),
        hubs.command("next", "import time; time.sleep(0.25)", needs=["make"]),
        hubs.command("last", "import time; time.sleep(0.25)"),
    ]
    return hubs.declare(root, tiny=hubs.suite(*stages, guards=[hubs.FLOOR]))


def start(root: Path) -> subprocess.Popen[bytes]:
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code = hear + "import sys; from harness.cli import main; sys.exit(main.main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, "run", "tiny"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def finish(process: subprocess.Popen[bytes], *codes: int) -> None:
    told = process.communicate()[0].decode()
    assert process.returncode in codes, told
    assert "Traceback" not in told


@pytest.mark.long
def test_interrupted_at_any_moment(tmp_path: Path) -> None:
    """At random moments: exit 130 or 143, no blocker, no red hub, the next run is green."""
    root, chance = declare(tmp_path), random.Random(SEED)  # noqa: S311 - no secret
    began = time.monotonic()
    finish(start(root), 0)
    whole = time.monotonic() - began
    for _ in range(MOMENTS):
        number = chance.choice((signal.SIGINT, signal.SIGTERM))
        process = start(root)
        # The interpreter's own start is not the harness's to answer for.
        time.sleep(0.35 * whole + chance.random() * 0.6 * whole)
        process.send_signal(number)
        # Zero: it was over already. Negative: the interpreter was on its way out.
        finish(process, 128 + number, -number, 0)
    project = load_project(root)
    assert Register(project.hubs).entries() == ()
    store = HubStore(project.hubs, project.work)
    verdicts = [store.read(hub).verdict for hub in store.hubs("tiny")]
    assert Verdict.RED not in verdicts
    assert Verdict.INCONCLUSIVE in verdicts
    finish(start(root), 0)
    assert store.read(store.hubs("tiny")[-1]).verdict is Verdict.GREEN
