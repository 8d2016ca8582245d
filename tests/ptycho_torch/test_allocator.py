"""The choice of what happens to freed memory."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import resource, sys
from ptycho_torch import allocator

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if sys.argv[1] == "keep":
    assert allocator.keep_freed_memory()
for turn in range(4):
    before = faults()
    block = bytearray(b"x") * (40 << 20)
    del block
print(faults() - before)
"""


def test_without_the_gnu_library_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the C library is another one, the call says that it did nothing."""
    from ptycho_torch import allocator

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))

    assert not allocator.keep_freed_memory()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_memory_is_used_again() -> None:
    """A large array that is made again causes no page faults; without the call it does."""
    keep, usual = (
        int(subprocess.check_output([sys.executable, "-c", _PROGRAM, mode]))
        for mode in ("keep", "usual")
    )

    assert keep < 100
    assert usual > 1000
