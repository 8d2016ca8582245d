"""Programs that keep the memory they freed and leave the cores that others need."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from ptycho_torch import process

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
# Large arrays made and freed: how many pages does the kernel map for the last one?
TOUCH = """
import resource, sys
from ptycho_torch import process

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "keep":
    assert process.keep_freed_memory()
for turn in range(4):
    before = faults()
    block = bytearray(b"x") * (40 << 20)
    del block
print(faults() - before)
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

    assert not process.let_threads_sleep()

    assert [os.environ.get(other) for other in NAMES].count(None) == 1
    assert os.environ[name] == "7"


def test_without_the_gnu_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library is another one, the call says that it did nothing."""
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))

    assert not process.keep_freed_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_memory_is_used_again() -> None:
    """A large array that is made again causes no page faults; without the call it does."""
    keep, usual = (
        int(subprocess.check_output([sys.executable, "-c", TOUCH, mode]))
        for mode in ("keep", "usual")
    )

    assert keep < 100
    assert usual > 1000
