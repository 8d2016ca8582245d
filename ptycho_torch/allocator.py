"""How the C library hands freed memory back; a choice of a program, not of the library."""

from __future__ import annotations

import ctypes
import platform

_TRIM_THRESHOLD = -1  # M_TRIM_THRESHOLD of <malloc.h>
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD
_BYTES = 1 << 30


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
    mallopt = ctypes.CDLL(None).mallopt
    return all(mallopt(name, _BYTES) == 1 for name in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
