"""How a program uses its process: memory it freed, threads that wait.

Choices of a program about the whole process, never of the library; both cost time only, and
results do not change. Nothing heavy is imported here: the threads must be told before torch
is loaded.
"""

from __future__ import annotations

import ctypes
import os
import platform

_TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of <malloc.h>
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD
_KEPT_BYTES = 1 << 30

_CHOSEN = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
_SPINS = "1000"  # some 50 µs: the pause between two layers, not that of a preempted thread


def keep_freed_memory() -> bool:
    """Let the process keep the memory it frees, ready for the next arrays.

    By default the C library maps every array above 32 MiB afresh and gives it back when it
    is freed, and the kernel zeroes each page again at the next batch. Large maps are made
    and freed all the time here, and this costs a tenth of a training step. The peak of the
    memory in use does not change.

    Returns:
        Whether it was asked for and granted; False without the GNU C library.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    # Setting one ends the adaptation of both (mallopt(3)), hence both are set.
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(name, _KEPT_BYTES) == 1 for name in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))


def let_threads_sleep() -> bool:
    """Let idle OpenMP threads sleep soon; call it before torch is loaded.

    By default a thread of the GNU runtime that waits for the others burns its core for about
    ten milliseconds. Where other work has taken one of the cores, every layer then waits that
    long: on two cores shared with a dozen processes a training took eight times the CPU
    seconds. The time on an idle machine is the same.

    Returns:
        Whether it was set; False where the user has chosen already.
    """
    if any(name in os.environ for name in _CHOSEN):
        return False
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    return True
