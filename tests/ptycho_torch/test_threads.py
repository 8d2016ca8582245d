"""Programs whose threads do not burn the cores that others need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ptycho_torch import threads

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
# Short parallel work with pauses: what do the threads take while there is nothing to do?
BURN = """
import os, sys, time
from ptycho_torch.cli import exits
import argparse
def program(_):
    import torch
    torch.set_num_threads(2)
    grain = torch.ones(1 << 20)
    began, spent = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < 1:
        grain.add_(1)
        time.sleep(0.004)
    print(time.process_time() - spent)
    return 0
sys.exit(exits.run(program, argparse.ArgumentParser(), []))
"""


def burnt(**environ: str) -> float:
    """CPU seconds of a second of short parallel work with pauses."""
    clean = {name: value for name, value in os.environ.items() if name not in NAMES}
    argv = [sys.executable, "-c", BURN]
    done = subprocess.run(argv, env=clean | environ, capture_output=True, check=True, text=True)
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_idle_threads_sleep() -> None:
    """Between two layers the other threads take no core; with long spins they do."""
    assert burnt() < 0.6 * burnt(GOMP_SPINCOUNT="100000000")


@pytest.mark.parametrize("name", NAMES)
def test_users_choice_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user has set is neither changed nor joined by the other setting."""
    for other in NAMES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, "7")

    assert not threads.wait_asleep()

    assert [os.environ.get(other) for other in NAMES].count(None) == 1
    assert os.environ[name] == "7"
