"""Runs that are told to stop at random times: no red, no blocker, the next run is clean."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from harness.evidence.hub.blockers import Register
from harness.evidence.hub.store import HubStore
from harness.judgement.declaration import load_project
from harness.verdict import Verdict
from proofs.faults.figures import Campaign, Scale
from tests.builders import hubs

_SLOW = "import sys, time; time.sleep(0.25); open(sys.argv[1], 'w').write('{\"value\": 3.0}')"
_WAIT = "import time; time.sleep(0.25)"
_SEED = 7
# The background of a shell is deaf to Ctrl-C.
_START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from harness.cli import main
sys.exit(main.main())
"""


def stops_at_random(folder: Path, scale: Scale) -> Campaign:
    """Send SIGINT or SIGTERM at random times of a run."""
    made = Campaign(
        fault=f"SIGINT or SIGTERM at {scale.stops} random times of a run",
        target="exit 130 or 143, no traceback, no red hub, no blocker, the next run green",
    )
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    process = _start(_declare(folder))
    began = time.monotonic()
    code, output = _end(process)
    whole = time.monotonic() - began
    made.require(code == 0, f"a run that nobody stops ends with {code}: {output}")
    codes: Counter[int] = Counter()
    for _ in range(scale.stops):
        number = chance.choice((signal.SIGINT, signal.SIGTERM))
        process = _start(folder)
        after = chance.random() * whole
        time.sleep(after)
        process.send_signal(number)
        code, output = _end(process)
        codes[code] += 1
        # Zero: it was over already. Negative: the interpreter was on its way out.
        is_right = code in (128 + number, -number, 0) and "Traceback" not in output
        where = f"{number.name} after {after:.2f} s"
        made.require(is_right and _is_clean(folder), f"{where}: {code}: {output[-200:]}")
    code, output = _end(_start(folder))
    made.require(code == 0 and _is_clean(folder), f"the next run: {code}: {output[-200:]}")
    stopped = codes[130] + codes[143]
    made.require(2 * stopped >= scale.stops, f"only {stopped} of {scale.stops} were stopped")
    made.notes.append(f"{codes[130]} ended with 130, {codes[143]} with 143")
    return made


def _declare(folder: Path) -> Path:
    stages = [
        hubs.command("make", _SLOW, "{work}/out.json", artifacts=[hubs.OUT]),
        hubs.command("next", _WAIT, needs=["make"]),
        hubs.command("last", _WAIT),
    ]
    return hubs.declare(folder, tiny=hubs.suite(*stages, guards=[hubs.FLOOR]))


def _start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a run, and wait until it says that it began: from then on it hears signals."""
    process = subprocess.Popen(
        [sys.executable, "-c", _START, "run", "tiny"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _end(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    output = process.communicate()[0].decode(errors="replace")
    return process.returncode, output


def _is_clean(folder: Path) -> bool:
    """Say whether no blocker is there and no hub is red."""
    project = load_project(folder)
    store = HubStore(project.hubs, project.work)
    red = [hub for hub in store.hubs("tiny") if store.read(hub).verdict is Verdict.RED]
    return not red and Register(project.hubs).entries() == ()
