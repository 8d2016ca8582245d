"""How the threads of a program wait; a choice of the program, not of the library."""

from __future__ import annotations

import os

_CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPINS = "1000"  # some 50 µs: the pause between two layers, not that of a preempted thread


def wait_asleep() -> bool:
    """Let idle OpenMP threads sleep soon; call it before torch is loaded.

    By default a thread of the GNU runtime that waits for the others burns its core for about
    ten milliseconds. Where other work has taken one of the cores, every layer then waits that
    long: on two cores shared with a dozen processes a training took eight times the CPU
    seconds. Results do not change, nor does the time on an idle machine.

    Returns:
        Whether it was set; False where the user has chosen already.
    """
    if any(name in os.environ for name in _CHOSEN):
        return False
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    return True
